"""A film's frames with their mattes: decoded in one thread, put through the network in others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from .overlap import Prefetch, Stopwatch

if TYPE_CHECKING:
    from ..compositing.backgrounds import Background
    from ..images.picture import Picture
    from ..matting.frames import FrameMatter
    from ..media.video.frames import Frame
    from ..types import FloatArray

AHEAD = 3  # frames decoded and not used yet; a 4K frame takes 25 MB


@dataclass(frozen=True, slots=True)
class MattedFrame:
    """A frame, its matte, and what goes behind it."""

    frame: Frame
    matte: FloatArray
    """At the size the network worked at."""
    background: Background | None
    repeats: bool
    """Whether frame and matte are those of the frame before, which is shown for longer."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame that is ready for the network."""

    frame: Frame
    small: Picture
    """At the size the network sees."""
    background: Background | None
    repeats: bool


class MattedFrames:
    """Frames with their mattes, in their order; the next ones are decoded and predicted meanwhile.

    Parameters
    ----------
    frames
        Iterated in a thread of its own.
    matter
        Predicts the mattes and steadies them.
    background_at
        Gives what goes behind at a time, in seconds; called in that thread too.
    watch
        Takes the times of decoding, the network and steadying.
    batch
        Frames that share a pass of the network.
    passes
        Of the network at once.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        matter: FrameMatter,
        background_at: Callable[[Fraction], Background | None],
        watch: Stopwatch,
        *,
        batch: int,
        passes: int,
    ) -> None:
        self._matter, self._background_at, self._watch = matter, background_at, watch
        self._batch, self._passes = batch, passes
        self._network = ThreadPoolExecutor(passes, thread_name_prefix="network")
        self._under_way: deque[tuple[list[_Read], Future[list[FloatArray]]]] = deque()
        self._reading = Prefetch(watch.iterate(self._read(frames), "decode"), AHEAD)

    def __enter__(self) -> MattedFrames:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the threads; what they have made ahead is dropped."""
        self._reading.close()
        self._network.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[MattedFrame]:
        batch: list[_Read] = []
        for read in self._reading:
            batch.append(read)
            if len(batch) >= self._batch:
                self._start(batch)
                batch = []
                yield from self._end(self._passes)
        if batch:
            self._start(batch)
        yield from self._end(0)

    def _read(self, frames: Iterable[Frame]) -> Iterator[_Read]:
        """Bring frames to the network's size, and get what goes behind them."""
        last: _Read | None = None
        for frame in frames:
            repeats = last is not None and last.frame.index == frame.index
            small = last.small if last is not None and repeats else self._matter.prepare(frame.picture)
            last = _Read(frame, small, self._background_at(frame.time), repeats)
            yield last

    def _start(self, batch: list[_Read]) -> None:
        """Start a pass over those of a batch that are no repetitions."""
        fresh = [read.small for read in batch if not read.repeats]
        self._under_way.append((batch, self._network.submit(self._pass, fresh)))

    def _pass(self, pictures: list[Picture]) -> list[FloatArray]:
        with self._watch.timed("network"):
            return self._matter.infer(pictures) if pictures else []

    def _end(self, keep: int) -> Iterator[MattedFrame]:
        """Wait until at most ``keep`` passes are under way; steady what the others gave."""
        while len(self._under_way) > keep:
            batch, future = self._under_way.popleft()
            found = iter(future.result())
            for read in batch:
                if not read.repeats:
                    with self._watch.timed("steady"):
                        (self._matte,) = self._matter.steady([read.small], [next(found)])
                yield MattedFrame(read.frame, self._matte, read.background, read.repeats)

    _matte: FloatArray
