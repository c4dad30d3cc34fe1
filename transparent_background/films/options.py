"""What can be asked for of a film beside what is asked for of photos. Imports nothing heavy."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import UsageError
from ..media.video.containers import EncodingOptions
from ..media.video.frames import Selection
from ..types import ResizeMethod

BackgroundPlay: TypeAlias = Literal["loop", "hold"]
ForegroundFilm: TypeAlias = Literal["straight", "premultiplied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOptions:
    """How films are read, matted and written."""

    selection: Selection = field(default_factory=Selection)
    encoding: EncodingOptions = field(default_factory=EncodingOptions)
    resize: ResizeMethod | None = None
    """What the network sees; None: what the remover was asked for, else ``static``."""
    temporal: bool = True
    """Whether mattes are steadied along the motion."""
    sound: bool = True
    """Whether sound, subtitles, chapters and metadata are passed on."""
    matte: bool | Path = False
    """Also write the matte: beside the result, or as a file of that name."""
    foreground: ForegroundFilm | None = None
    """Also write the object's colours: as they are, or multiplied by the matte."""
    background_play: BackgroundPlay = "loop"
    """What a background film that is shorter does at its end."""
    batch: int = 1
    """Frames that share a pass of the network."""
    resume: bool = False
    """Write in segments, and go on after the last whole one."""


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """How far a film is."""

    frames: int
    """Done."""
    total: int | None
    """In all, as far as the file says."""
    seconds: float
    """Since the beginning of the work."""

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


def parse_time(value: str | float | Fraction | None, name: str = "time") -> Fraction | None:
    """Read seconds (``12.5``) or a clock (``1:30``, ``00:01:30.250``).

    Raises
    ------
    UsageError
        It is neither.
    """
    if value is None:
        return None
    if isinstance(value, (int, float, Fraction)) and 0 <= value < 1e9:
        return Fraction(value)
    text = str(value).strip()
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?|\.\d+)", text)
    if match is None:
        raise UsageError(f"{name} {value!r} is not understood; give seconds (12.5) or a clock (1:30.5)")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(seconds)


def parse_rate(value: str | float | Fraction | None) -> Fraction | None:
    """Read frames a second: ``25``, ``29.97``, ``30000/1001``.

    Raises
    ------
    UsageError
        It is no number above 0.
    """
    if value is None:
        return None
    try:
        rate = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise UsageError(f"frame rate {value!r} is not understood; give 25, 29.97 or 30000/1001")
    for exact in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)):
        if abs(rate - exact) < Fraction(1, 100):  # 29.97 means the exact one
            return exact
    return rate


def parse_bitrate(value: str | int | None) -> int | None:
    """Read bits a second: ``8M``, ``800k``, ``8000000``.

    Raises
    ------
    UsageError
        It is none of these.
    """
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmM]?)", str(value).strip())
    if match is None:
        raise UsageError(f"bit rate {value!r} is not understood; give 8M, 800k or bits a second")
    return round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])
