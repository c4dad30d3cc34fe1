"""A film as a generator of frames with mattes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from ..compositing.finish import finish
from ..matting.frames import FrameMatter, enlarge
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from .mattes import matted_frames
from .overlap import Stopwatch

if TYPE_CHECKING:
    from ..engine.predictor import Predictor
    from ..options.settings import Settings
    from ..types import ColourArray, FloatArray


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
