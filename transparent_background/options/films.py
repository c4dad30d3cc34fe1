"""What can be asked for of a film beside what is asked for of photos. Imports nothing heavy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import UsageError
from ..types import ResizeMethod, Size

BackgroundPlay: TypeAlias = Literal["loop", "hold"]
ForegroundFilm: TypeAlias = Literal["straight", "premultiplied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which part of a film is taken, and at what rate and size."""

    start: Fraction | None = None
    """Seconds from its beginning."""
    end: Fraction | None = None
    """Seconds from its beginning; frames from there on are left out."""
    fps: Fraction | None = None
    """Frames a second, by leaving out or repeating; None: as they are."""
    every: int = 1
    """Take every so manieth frame."""
    scale: str | None = None
    """``0.5``, ``50%``, ``1280x720``, ``1280x``, ``x720`` or ``720p``."""

    def __post_init__(self) -> None:
        """Check what can be checked without a film."""
        if self.start is not None and self.start < 0:
            raise UsageError(f"the start must not be before the film: {float(self.start):g} s")
        if self.end is not None and self.end <= (self.start or 0):
            raise UsageError(f"the end ({float(self.end):g} s) must come after the start")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise UsageError(f"the frame rate must be above 0 and at most 1000, not {float(self.fps):g}")
        if self.every < 1:
            raise UsageError(f"every must be at least 1, not {self.every}")
        if self.scale is not None:
            scaled_size((1080, 1920), self.scale)

    def rate_of(self, rate: Fraction) -> Fraction:
        """Return the rate of what is taken of a film of that rate."""
        return self.fps or rate / self.every

    def count_of(self, frames: int | None, rate: Fraction) -> int | None:
        """Return how many frames are taken of so many."""
        if frames is None:
            return None
        length = frames / rate
        begin = min(self.start or Fraction(0), length)
        stop = length if self.end is None else min(self.end, length)
        if self.fps is not None:
            return max(round((stop - begin) * self.fps), 1)
        return max(math.ceil((stop - begin) * rate / self.every), 1)


def scaled_size(size: Size, scale: str) -> Size:
    """Return the size that a scale means for frames of a size, even, in pixels.

    Parameters
    ----------
    size
        (height, width).
    scale
        A factor (``0.5``, ``50%``), a size (``1280x720``), or one side, the other in proportion
        (``1280x``, ``x720``, ``720p``).

    Raises
    ------
    UsageError
        It is none of these, or comes to less than 16 or more than 16,384 pixels a side.
    """
    height, width = size
    text = scale.strip().lower()
    try:
        if match := re.fullmatch(r"(\d*)\s*[x:*]\s*(\d*)", text):
            wide, high = (int(part) if part else None for part in match.groups())
            if wide is None and high is None:
                raise ValueError
            new = (high or height * (wide or 0) / width, wide or width * (high or 0) / height)
        elif match := re.fullmatch(r"(\d+)p", text):
            new = (int(match[1]), width * int(match[1]) / height)
        else:
            factor = float(text[:-1]) / 100 if text.endswith("%") else float(text)
            new = (height * factor, width * factor)
        result = _even(new[0]), _even(new[1])
    except (ValueError, OverflowError):
        raise UsageError(
            f"scale {scale!r} is not understood; give 0.5, 50%, 1280x720, 1280x, x720 or 720p"
        ) from None
    if not all(16 <= side <= 16384 for side in result):
        raise UsageError(f"scale {scale!r} makes {result[1]} x {result[0]} pixels; 16 to 16384 are possible")
    return result


def _even(length: float) -> int:
    return round(length / 2) * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingOptions:
    """What the user wants of the file; None and empty: the defaults."""

    codec: str | None = None
    """``h264``, ``hevc``, ``vp9``, ``av1``, ``prores``, ``ffv1``, ``png``, or an FFmpeg encoder's name."""
    crf: float | None = None
    """Constant quality, smaller is better."""
    bitrate: int | None = None
    """Bits a second, in place of constant quality."""
    preset: str | None = None
    """The encoder's speed setting; of ProRes, its profile."""
    pix_fmt: str | None = None
    """FFmpeg's name of a pixel format."""


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
