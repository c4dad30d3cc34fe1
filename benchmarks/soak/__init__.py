"""Whether memory, threads, descriptors and temporary files stay what they are; see :mod:`.__main__`."""
