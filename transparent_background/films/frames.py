"""A film as a generator of frames with mattes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from ..compositing.finish import finish_alpha
from ..matting.frames import FrameMatter
from ..media.video.frames import Frame
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from .overlap import prefetched

if TYPE_CHECKING:
    from ..engine.predictor import Predictor
    from ..options.settings import Settings
    from ..types import ColourArray, FloatArray

AHEAD = 2  # frames decoded and not used yet


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

    def finished(batch: list[Frame]) -> Iterator[VideoFrame]:
        mattes = matter([frame.picture for frame in batch])
        for frame, matte in zip(batch, mattes, strict=True):
            picture = frame.picture
            alpha = finish_alpha(
                matte, threshold=settings.threshold, reverse=settings.reverse, own=picture.alpha
            )
            yield VideoFrame(frame.index, frame.time, frame.duration, picture.rgb, alpha)

    def frames() -> Iterator[VideoFrame]:
        with closing(reader), prefetched(reader, AHEAD) as reading:
            while batch := list(islice(reading, film.batch_size)):
                yield from finished(batch)

    return frames()
