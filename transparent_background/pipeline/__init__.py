"""From sources to files: what becomes of each source, and the work, overlapped."""
