"""What became of the sources of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from ..films.report import FilmReport, VideoProgress
    from ..types import Size

Status: TypeAlias = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source."""

    source: str
    status: Status
    result: str | None = None
    """The file that was written; ``-`` for standard output."""
    size: Size | None = None
    """(height, width) of the result."""
    error: str | None = None
    film: FilmReport | None = None
    """What became of a film."""


@dataclass(slots=True)
class Summary:
    """What became of all sources, in their order."""

    outcomes: list[Outcome] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason) of files that nothing was done with."""
    seconds: float = 0.0
    stopped: str | None = None
    """Why the rest was not tried."""

    def count(self, status: Status) -> int:
        """Return how many sources ended with a status."""
        return sum(outcome.status == status for outcome in self.outcomes)


FilmProgress: TypeAlias = Callable[[str, "VideoProgress"], None]
"""Called with a film's name and how far it is."""
