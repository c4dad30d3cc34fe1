"""The version, for the package and its build alone."""

__version__ = "2.0.0"
