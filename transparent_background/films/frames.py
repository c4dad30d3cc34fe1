"""A film's frames with their mattes: decoded in one thread, put through the network in others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TypeAlias

from ..compositing.backgrounds import Background
from ..compositing.finish import finish
from ..engine.predictor import Predictor
from ..images.picture import Picture
from ..matting.frames import FrameMatter, enlarge
from ..media.video.frames import Frame
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from ..options.settings import Settings
from ..types import ColourArray, FloatArray
from .overlap import Stopwatch, in_advance, prefetched, threads

_Read: TypeAlias = tuple[Frame, Picture | None, Background | None]
"""A frame, at the size the network sees too unless it repeats the last one, and what goes behind it."""

AHEAD = 3  # frames decoded and not used yet; a 4K frame takes 25 MB


@dataclass(frozen=True, slots=True)
class MattedFrame:
    """A frame, its matte, and what goes behind it."""

    frame: Frame
    matte: FloatArray
    """Its matte, at the size the network worked at."""
    background: Background | None
    repeats: bool
    """Whether frame and matte are those of the frame before, which is shown for longer."""


def matted_frames(
    frames: Iterable[Frame],
    matter: FrameMatter,
    background_at: Callable[[Fraction], Background | None],
    watch: Stopwatch,
    *,
    batch: int,
    passes: int,
) -> Generator[MattedFrame]:
    """Give frames with their mattes, in their order; the next ones are decoded and predicted meanwhile.

    One thread iterates the frames and asks what goes behind at their times, in seconds. Others make
    ``passes`` of the network at once, each of ``batch`` frames. The caller's steadies the mattes.
    """

    def read() -> Iterator[_Read]:
        last: int | None = None
        for frame in frames:
            small = None if frame.index == last else matter.prepare(frame.picture)
            last = frame.index
            yield frame, small, background_at(frame.time)

    def infer(items: list[_Read]) -> list[FloatArray]:
        fresh = [small for _, small, _ in items if small is not None]
        with watch.timed("network"):
            return matter.infer(fresh) if fresh else []

    with prefetched(watch.iterate(read(), "decode"), AHEAD) as reading, threads(passes, "network") as network:
        batches = iter(lambda: list(islice(reading, batch)), [])
        for items, inferring in in_advance(network, infer, batches, passes):
            found = iter(inferring.result())
            for frame, small, background in items:
                if small is not None:
                    with watch.timed("steady"):
                        (matte,) = matter.steady([small], [next(found)])
                yield MattedFrame(frame, matte, background, small is None)


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One frame of a film and its matte."""

    index: int
    """Which frame of the source it is, from 0."""
    time: Fraction
    """Seconds from the start."""
    duration: Fraction
    """Seconds until the next."""
    rgb: ColourArray
    """(h, w, 3) uint8; uint16 with ``deep=True`` for films of more than 8 bits."""
    alpha: FloatArray
    """(h, w) float32 in [0, 1]; 1 is the object."""


def iterate_frames(
    predictor: Predictor, source: FilmSource, settings: Settings, *, deep: bool = False
) -> Iterator[VideoFrame]:
    """Open a film now and give its frames one by one; see :meth:`Remover.iter_video`."""
    film = settings.film
    matter = FrameMatter(predictor, resize=film.resize, temporal=film.temporal)
    reader = open_film(source, selection=film, deep=deep)
    matted = matted_frames(reader, matter, lambda _: None, Stopwatch(), batch=film.batch_size, passes=1)

    def finished() -> Iterator[VideoFrame]:
        with closing(reader), closing(matted):
            for item in matted:
                frame, picture = item.frame, item.frame.picture
                matte = enlarge(item.matte, picture)
                alpha = finish(picture, matte, settings, predictor.device).alpha
                yield VideoFrame(frame.index, frame.time, frame.duration, picture.rgb, alpha)

    return finished()
