"""What became of a film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(slots=True)
class FilmReport:
    """What became of a film."""

    result: Path
    """The film, or the pattern of its pictures."""
    frames: int
    """How many the result has, those of an earlier run included."""
    size: tuple[int, int]
    """(height, width)."""
    seconds: float
    matte: Path | None = None
    foreground: Path | None = None
    losses: list[str] = field(default_factory=list)
    """What could not be read of the source."""
    notes: list[str] = field(default_factory=list)
    """What was done that a user may not expect."""
    resumed: int = 0
    """How many of the frames are those of an earlier run."""
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds that decoding, the network, compositing and encoding took, side by side."""

    @property
    def fps(self) -> float:
        """Frames a second, end to end, of those that were worked on."""
        return (self.frames - self.resumed) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """How far a film is."""

    frames: int
    """How many are done."""
    total: int | None
    """How many there are, as far as the file says; None: unknown."""
    seconds: float
    """Since the work began."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest will take; None if unknown."""
        if self.total is None or not self.frames:
            return None
        return max(self.total - self.frames, 0) / self.fps


ProgressCallback: TypeAlias = Callable[[VideoProgress], None]
