"""What kind of error it is, as programs tell them apart: a code for each class of error."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .. import errors
from .admission import DeadlineError, QueueFullError


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A class of errors, to programs."""

    code: str
    """Stays the same from version to version: ``too-large``."""
    title: str
    """What all errors of the kind have in common."""


def kind_of(error: type[Exception]) -> ErrorKind:
    """Return the kind of a class of errors: its name, and the first sentence of its words."""
    name = error.__name__.removesuffix("Error")
    words = (inspect.getdoc(error) or "").partition("\n")[0]
    return ErrorKind(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower(), words.partition("; ")[0].rstrip("."))


def all_kinds() -> dict[type[Exception], ErrorKind]:
    """Return every class of errors that is raised on purpose, with its kind."""
    roots = (errors.TransparentBackgroundError, QueueFullError, DeadlineError)
    return {found: kind_of(found) for root in roots for found in _tree(root)}


def _tree(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for below in root.__subclasses__():
        if below.__module__.startswith(__package__.partition(".")[0]):
            yield from _tree(below)
