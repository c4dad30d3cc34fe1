"""Every option once: its name, bounds, words and default. Imports the standard library only."""
