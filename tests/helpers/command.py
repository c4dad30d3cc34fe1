"""Runs of the command in this process."""

from __future__ import annotations

from transparent_background.cli import main


def tb(*arguments: str) -> int:
    """Run the command with the bundled model on the processor; return its exit code."""
    try:
        return main(["-m", "lite", "-D", "cpu", *arguments])
    except SystemExit as stop:
        return stop.code
