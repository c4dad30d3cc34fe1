"""Measurements, apart from the tests; each prints a Markdown table and the command that made it."""
