"""A film as a generator of frames with mattes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..compositing.compose import finish_alpha
from ..errors import UsageError
from ..matting.frames import FrameMatter
from ..media.video.frames import Frame
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from ..options.films import Selection
from ..options.result import check_threshold
from ..remover_video import VideoFrame
from .overlap import Prefetch

if TYPE_CHECKING:
    from ..remover import Remover
    from ..types import ResizeMethod

AHEAD = 2  # frames decoded and not used yet


def iterate_frames(
    remover: Remover,
    source: FilmSource,
    selection: Selection,
    *,
    threshold: float | str | None = None,
    reverse: bool = False,
    temporal: bool = True,
    resize: ResizeMethod | None = None,
    batch_size: int = 1,
    deep: bool = False,
) -> Iterator[VideoFrame]:
    """Open a film now and give its frames one by one; see :meth:`Remover.iter_video`."""
    if batch_size < 1:
        raise UsageError(f"batch_size must be at least 1, not {batch_size}")
    limit = check_threshold(threshold)
    matter = FrameMatter(remover, resize=resize, temporal=temporal)
    reader = open_film(source, selection=selection, deep=deep)

    def finished(batch: list[Frame]) -> Iterator[VideoFrame]:
        mattes = matter([frame.picture for frame in batch])
        for frame, matte in zip(batch, mattes, strict=True):
            picture = frame.picture
            alpha = finish_alpha(matte, threshold=limit, reverse=reverse, own=picture.alpha)
            yield VideoFrame(frame.index, frame.time, frame.duration, picture.rgb, alpha)

    def frames() -> Iterator[VideoFrame]:
        reading = Prefetch(reader, AHEAD)
        batch: list[Frame] = []
        try:
            for frame in reading:
                batch.append(frame)
                if len(batch) == batch_size:
                    yield from finished(batch)
                    batch = []
            if batch:
                yield from finished(batch)
        finally:  # a caller may stop at any frame
            reading.close()
            reader.close()

    return frames()
