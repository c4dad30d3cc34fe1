"""Faults put into whole runs of the program, and what is promised of each seen to; see :mod:`.__main__`."""
