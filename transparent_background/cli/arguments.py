"""The command's arguments, made from declared options. Imports the standard library only."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from ..options.declare import Option, offered
from .console import shown


class Parser(argparse.ArgumentParser):
    """An argument parser that takes declared options, and whose errors are one line.

    Parameters
    ----------
    command
        The sub-command; empty for the command itself.
    description, epilog, words
        As for :class:`argparse.ArgumentParser`.
    """

    def __init__(
        self, command: str = "", description: str | None = None, epilog: str | None = None, **words: Any
    ) -> None:
        own: dict[str, Any] = {
            "prog": f"transparent-background {command}".strip(),
            "formatter_class": argparse.RawDescriptionHelpFormatter,
            "allow_abbrev": False,
        }
        super().__init__(description=description, epilog=epilog, **own | words)
        self._titled: dict[str, argparse._ArgumentGroup] = {}

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with 2."""
        self.exit(2, f"{self.prog}: {shown(message)} (--help shows the options)\n")

    def group(self, title: str) -> argparse._ArgumentGroup:
        """Return the group of arguments with a title."""
        if title not in self._titled:
            self._titled[title] = self.add_argument_group(title)
        return self._titled[title]

    def add_options(
        self, *classes: type, only: Collection[str] | None = None, several: Collection[str] = (), **help: str
    ) -> None:
        """Add declared options; those that are not given leave no trace in the result.

        Parameters
        ----------
        classes
            That declare them.
        only
            Names to add; None: all that the command offers.
        several
            Names that may be given several times here.
        help
            Other words than the declared ones, by name.
        """
        for entry in offered(*classes, door="command"):
            if only is None or entry.name in only:
                self._add(entry, several=entry.name in several, help=help.get(entry.name, entry.help))

    def _add(self, entry: Option, *, several: bool, help: str) -> None:
        words: dict[str, Any] = {"dest": entry.name, "default": argparse.SUPPRESS}
        if entry.kind == "flag":
            words["action"] = argparse.BooleanOptionalAction if entry.default else "store_true"
        else:
            words["metavar"] = entry.placeholder
            if several or entry.many == "append":
                words["action"] = "append"
            elif entry.many == "list":
                words["nargs"] = "+"
            elif entry.bare is not None:
                words |= {"nargs": "?", "const": entry.bare}
        group = self.group(entry.group or "options")
        note = "" if "(default" in help else default_note(entry)
        text = f"{help}{note}".replace("%", "%%")
        action = group.add_argument(*entry.short, entry.flag, help=text, **words)
        if entry.file:
            action.complete = FILE  # type: ignore[attr-defined]
        for old in entry.old:
            group.add_argument(f"--{old.replace('_', '-')}", **words | {"help": argparse.SUPPRESS})


FILE = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
"""What shtab's scripts complete file names with (its own ``shtab.FILE``, which is imported late)."""


def default_note(entry: Option) -> str:
    """Return what the help says of an option's default, if there is one to speak of."""
    default = entry.default_help
    if default is None and entry.default not in (None, False, "", ()):
        shown = entry.default
        default = "on" if shown is True else " ".join(shown) if isinstance(shown, tuple) else f"{shown}"
    return "" if default is None else f" (default: {default})"


def listed(table: Mapping[str, str]) -> str:
    """Return names with what they mean, a line each, for the end of a help."""
    width = max(map(len, table))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in table.items())
