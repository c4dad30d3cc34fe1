"""What all kinds of films are read through: their frames, which of them are taken, what is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from ...images.picture import Picture
from ...options.films import Selection
from ...options.values import scaled_size
from ...types import Size
from .colours import ColourTags

HELD = 100_000  # times that a frame is repeated: for more than an hour at 25 a second; then a clock is wrong


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmInfo:
    """What is known of a film before its frames are read."""

    name: str
    size: Size
    """(height, width) of the frames that are given: upright, scaled."""
    rate: Fraction
    """Frames a second, of those that are given; the average where it varies."""
    time_base: Fraction
    """Every frame's time is a multiple of it, seconds."""
    frames: int | None = None
    """How many will be given, as far as the file says; None: unknown."""
    tags: ColourTags = field(default_factory=ColourTags)
    """What its frames say of their colours as they are stored."""
    pixel_aspect: Fraction = Fraction(1)
    """Width of a pixel through its height."""
    loop: int = 0
    """How often an animation plays; 0 is for ever."""

    def of_part(self, selection: Selection) -> FilmInfo:
        """Return what is true of the part of the film that is taken."""
        fps, scale = selection.fps, selection.scale
        return replace(
            self,
            size=self.size if scale is None else scaled_size(self.size, scale),
            rate=selection.rate_of(self.rate),
            time_base=1 / fps if fps else self.time_base,
            frames=selection.count_of(self.frames, self.rate),
        )


class Losses:
    """Counts what could not be read of a film, and says it in a few words."""

    def __init__(self) -> None:
        self.corrupt = self.retimed = 0
        """Frames that are damaged, and frames whose times had to be changed."""
        self.missing = 0
        """Frames that never came, though their packets did."""
        self.others: list[str] = []
        self._held, self._first_held = 0, ""
        self._packets = 0
        self._first: Fraction | None = None

    def undecodable(self, after: Fraction | None) -> None:
        """Count a packet that the decoder refused."""
        self._first = after if self._packets == 0 else self._first
        self._packets += 1

    def broken_off(self, after: Fraction | None, error: Exception) -> None:
        """Note that the file could not be read on."""
        reason = str(error).rsplit(": ", 1)[-1]
        self.others.append(f"cannot be read beyond {_clock(after)} ({reason})")

    def resized(self, size: Size, now: Size, time: Fraction) -> None:
        """Note that frames have another size from here on."""
        if not any("in place of" in line for line in self.others):
            sizes = f"{now[1]} x {now[0]} pixels in place of {size[1]} x {size[0]}"
            self.others.append(f"from {_clock(time)} on frames have {sizes}: scaled to the first ones' size")

    def held(self, time: Fraction, end: Fraction) -> None:
        """Count a frame that was not repeated up to its end."""
        self._held += 1
        self._first_held = self._first_held or f"the one at {_clock(time)} until {_clock(end)}"

    def ended(self, end: Fraction, expected: Fraction | None, rate: Fraction) -> None:
        """Compare the end with what the file says of it; one that broke off is taken at its word."""
        if expected is None or expected <= end:
            return
        lacking = round((expected - end) * rate)
        if self.others and lacking:
            self.others.append(f"about {_count(lacking)} missing at the end")
        elif end + max(Fraction(1), expected / 50) < expected:
            claim = f"ends at {_clock(end)}, though it says that it lasts {_clock(expected)}"
            self.others.append(f"{claim}: about {_count(lacking)} missing")

    @property
    def words(self) -> list[str]:
        """All of it."""
        words = []
        if self._packets:
            many = f"{self._packets} packets" if self._packets > 1 else "one packet"
            words.append(f"{many} cannot be decoded (first after {_clock(self._first)})")
        if self.missing:
            words.append(f"{_count(self.missing)} missing that could not be decoded")
        if self.corrupt:
            words.append(f"{self.corrupt} frames are damaged and were kept as far as they go")
        if self.retimed:
            words.append(f"{self.retimed} frames had times out of order and were moved")
        if self._held:
            many = f"{self._held} frames last" if self._held > 1 else "one frame lasts"
            words.append(f"{many} too long to be repeated all the time: {HELD} times ({self._first_held})")
        return words + self.others


def _count(frames: int) -> str:
    return "one frame is" if frames == 1 else f"{frames} frames are"


def _clock(time: Fraction | None) -> str:
    minutes, seconds = divmod(float(time or 0), 60)
    return f"{minutes:.0f}:{seconds:05.2f}"


class Reader:
    """Reads a film of any kind.

    Parameters
    ----------
    selection
        Which frames, and at what size; None: all.
    """

    info: FilmInfo

    def __init__(self, selection: Selection | None) -> None:
        self.selection = selection or Selection()
        self.skip = 0
        """How many of the selected frames are passed over at the beginning; times stay theirs."""
        self.begin = self.offset = Fraction(0)
        """Times in the source at which the film and the result begin, seconds."""
        self._lost = Losses()
        self._side: list[Any] = []

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order, once."""
        raws = select(self._raws(), self.selection, lambda time, end: self._lost.held(time, end))
        for number, raw in enumerate(raws):
            if number == 0:
                self.offset = self.begin + (raw.time if self.selection.start else 0)
            if number >= self.skip:
                time = raw.time + self.begin - self.offset
                yield Frame(raw.index, time, raw.duration, raw.load(), tuple(self.take_packets()))

    def _raws(self) -> Iterator[Raw]:
        """Give all frames that there are."""
        raise NotImplementedError

    def take_packets(self) -> list[Any]:
        """Return the packets of sound and subtitles read since the last frame was given."""
        taken, self._side = self._side, []
        return taken

    def close(self) -> None:
        """Let go of the file."""

    @property
    def losses(self) -> list[str]:
        """What could not be read, in words; complete after the last frame."""
        return self._lost.words

    @property
    def notes(self) -> list[str]:
        """What was done to the frames that a user may not expect."""
        return []


@dataclass(frozen=True, slots=True)
class Raw:
    """A frame that is not converted yet."""

    index: int
    time: Fraction
    """Seconds from the start of the source."""
    duration: Fraction
    load: Callable[[], Picture]


OnHeld = Callable[[Fraction, Fraction], None]
"""Called with the time and the end of a frame that was not repeated up to its end."""


def select(raws: Iterable[Raw], selection: Selection, on_held: OnHeld) -> Iterator[Raw]:
    """Give the selected frames. Times stay those of the source, but lie on the grid of ``fps`` if given."""
    taken = _within(raws, selection)
    return taken if selection.fps is None else _resampled(taken, selection.fps, on_held)


def _within(raws: Iterable[Raw], selection: Selection) -> Iterator[Raw]:
    """Leave out what lies before the start or between every n-th frame, and end at the end.

    A frame is shown from its time on; times that a file rounds to its own ticks may lie just before.
    """
    first: int | None = None
    for raw in raws:
        slack = raw.duration / 4
        if selection.end is not None and raw.time + slack >= selection.end:
            return
        if selection.start is None or raw.time + slack >= selection.start:
            first = raw.index if first is None else first
            if (raw.index - first) % selection.every == 0:
                yield replace(raw, duration=raw.duration * selection.every)


def _resampled(raws: Iterable[Raw], fps: Fraction, on_held: OnHeld) -> Iterator[Raw]:
    """Give the frame that is on screen at every tick of the new rate; for :data:`HELD` times at most."""
    step = 1 / fps
    shown: Raw | None = None
    first = tick = Fraction(0)

    def until(end: Fraction, shown: Raw) -> Iterator[Raw]:
        nonlocal tick
        held = tick + HELD * step
        # half a tick of tolerance, so that the same rate with rounded times gives the same frames
        while tick + step / 2 <= end:
            if tick >= held:
                on_held(shown.time, end)
                tick += round((end - tick) / step) * step
                return
            yield replace(shown, time=tick, duration=step)
            tick += step

    for raw in raws:
        if shown is None:
            first = tick = raw.time
        else:
            yield from until(raw.time, shown)
        shown = raw
    if shown is not None:
        # at least one frame
        yield from until(max(shown.time + shown.duration, first + step / 2), shown)
