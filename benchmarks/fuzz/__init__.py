"""Broken files and requests by the thousand, and what becomes of them; see :mod:`.__main__`."""
