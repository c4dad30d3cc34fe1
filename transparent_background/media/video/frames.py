"""Frames of films, and which of them are taken."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import UsageError

if TYPE_CHECKING:
    from ...picture import Picture
    from .colours import ColourTags

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that is worked on."""

    index: int
    """Which frame of the source it is, counted from 0. With a higher rate asked for, several have one."""
    time: Fraction
    """Seconds from the start of the result."""
    duration: Fraction
    """Seconds until the next, as far as it is known."""
    picture: Picture
    before: tuple[Any, ...] = ()
    """Packets of sound and subtitles that lie before it in the source."""


@dataclass(frozen=True, slots=True)
class FilmInfo:
    """What is known of a film before its frames are read."""

    name: str
    size: Size
    """(height, width) of the frames that are given: upright, scaled."""
    rate: Fraction
    """Frames a second, of those that are given; the average where it varies."""
    time_base: Fraction
    """Every frame's time is a multiple of it, seconds."""
    frames: int | None
    """How many will be given, as far as the file says; None: unknown."""
    tags: ColourTags
    """Of the frames as they are stored."""
    deep: bool
    """Whether they are stored with more than 8 bits."""
    alpha: bool
    """Whether they have transparency of their own."""
    pixel_aspect: Fraction
    """Width of a pixel through its height."""
    loop: int = 0
    """How often an animation plays; 0 is for ever."""


class Reader(Protocol):
    """What all kinds of films are read through."""

    info: FilmInfo
    skip: int
    """How many of the selected frames are passed over at the beginning, unconverted; times stay theirs."""

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order, once."""

    def close(self) -> None:
        """Let go of the file."""

    @property
    def losses(self) -> list[str]:
        """What could not be read, in words; complete after the last frame."""

    @property
    def notes(self) -> list[str]:
        """What was done to the frames that a user may not expect."""


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


@dataclass(frozen=True, slots=True)
class Raw:
    """A frame that is not converted yet."""

    index: int
    time: Fraction
    """Seconds from the start of the source."""
    duration: Fraction
    load: Callable[[], Picture]


def select(raws: Iterable[Raw], selection: Selection) -> Iterator[Raw]:
    """Take what is selected. Times stay those of the source, but lie on the grid of ``fps`` if given."""
    taken = _within(raws, selection)
    if selection.every > 1:
        taken = _every(taken, selection.every)
    return taken if selection.fps is None else _resampled(taken, selection.fps)


def _every(raws: Iterable[Raw], every: int) -> Iterator[Raw]:
    first: int | None = None
    for raw in raws:
        first = raw.index if first is None else first
        if (raw.index - first) % every == 0:
            yield replace(raw, duration=raw.duration * every)


def _within(raws: Iterable[Raw], selection: Selection) -> Iterator[Raw]:
    """Leave out what lies before the start, and end at the end.

    A frame is shown from its time on; times that a file rounds to its own ticks may lie just before.
    """
    for raw in raws:
        slack = raw.duration / 4
        if selection.end is not None and raw.time + slack >= selection.end:
            return
        if selection.start is None or raw.time + slack >= selection.start:
            yield raw


def _resampled(raws: Iterable[Raw], fps: Fraction) -> Iterator[Raw]:
    """Give, at every tick of the new rate, the frame that is on screen then."""
    step = 1 / fps
    shown: Raw | None = None
    first = Fraction(0)
    ticks = 0
    for raw in raws:
        if shown is None:
            first = raw.time
        # half a tick of tolerance, so that the same rate with rounded times gives the same frames
        while shown is not None and first + ticks * step + step / 2 <= raw.time:
            yield replace(shown, time=first + ticks * step, duration=step)
            ticks += 1
        shown = raw
    if shown is not None:
        end = shown.time + shown.duration
        while ticks == 0 or first + ticks * step + step / 2 <= end:
            yield replace(shown, time=first + ticks * step, duration=step)
            ticks += 1
