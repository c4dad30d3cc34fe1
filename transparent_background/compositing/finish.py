"""From a picture and its matte to a file: the last part of the way, which runs in threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import OutputError
from ..images.result import Result
from ..media.reading import Animation, read_frames
from ..media.writing import write, write_animation
from ..options.suffixes import KEEPS_ALPHA
from ..options.values import Padding
from .backgrounds import Backdrops
from .compose import compose, finish_alpha, flatten

if TYPE_CHECKING:
    import torch

    from ..images.picture import Picture
    from ..options.settings import Settings
    from ..pipeline.plan import Task
    from ..remover import Remover
    from ..types import FloatArray

OBJECT_ABOVE = 0.05  # alpha that counts as object when cropping; fainter haze would keep the frame


def make_result(
    picture: Picture,
    matte: FloatArray,
    task: Task,
    settings: Settings,
    backdrops: Backdrops,
    device: torch.device | None = None,
) -> Result:
    """Compose, crop, and put over a colour what the format cannot keep transparent."""
    alpha = finish_alpha(matte, threshold=settings.threshold, reverse=settings.reverse, own=picture.alpha)
    result = compose(
        picture,
        alpha,
        settings.type,
        fit=settings.fit,
        foreground=settings.foreground,
        backdrops=backdrops,
        device=device,
    )
    if settings.crop is not None:
        result = crop(result, alpha, settings.crop)
    if result.alpha is not None and task.format not in KEEPS_ALPHA:
        result = flatten(result, settings.background)
    return result


def finish(result: Result, picture: Picture, task: Task, settings: Settings) -> tuple[int, int]:
    """Write the result of a picture; return its (height, width)."""
    destination = prepare(task)
    write(destination, result, format=task.format, metadata=picture.metadata, quality=settings.quality)
    return result.size


def finish_animation(
    remover: Remover, source: Path | bytes, info: Animation, task: Task, settings: Settings
) -> tuple[int, int]:
    """Work through an animation frame by frame and write it; return (height, width)."""
    backdrops = Backdrops()
    durations = [frame.duration for frame in read_frames(source)]
    size = (0, 0)

    def results() -> Iterator[Result]:
        nonlocal size
        for frame in read_frames(source):
            (matte,) = remover.mattes([frame.picture])
            # every frame keeps its place, so a crop would need the union of all: not cropped
            made = make_result(frame.picture, matte, task, _uncropped(settings), backdrops)
            size = made.size
            yield made

    write_animation(
        prepare(task),
        results(),
        durations,
        loop=info.loop,
        format=task.format,
        quality=settings.quality,
    )
    return size


def _uncropped(settings: Settings) -> Settings:
    import dataclasses

    return dataclasses.replace(settings, crop=None)


def prepare(task: Task) -> Path | BinaryIO:
    """Make the result's folder, or return standard output."""
    if task.destination is None:
        return sys.stdout.buffer
    try:
        task.destination.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{task.destination.parent}: the folder cannot be made: {error.strerror}"
        ) from error
    return task.destination


def crop(result: Result, alpha: FloatArray, padding: Padding) -> Result:
    """Cut a result to its object plus padding, as :func:`crop_area` finds it."""
    area = crop_area(alpha, padding)

    def cut(values: Any) -> Any:
        return None if values is None else np.ascontiguousarray(values[area])

    return Result(rgb=cut(result.rgb), alpha=cut(result.alpha), grey=cut(result.grey))


def crop_area(alpha: FloatArray, padding: Padding) -> tuple[slice, slice]:
    """Return the rows and columns of an object plus padding, within the frame; all if there is no object.

    Parameters
    ----------
    alpha
        The finished matte (h, w) in [0, 1]; the object is where it exceeds 0.05.
    padding
        As :func:`options.values.parse_padding` reads it.
    """
    value, share = padding
    rows = np.flatnonzero((alpha > OBJECT_ABOVE).any(axis=1))
    columns = np.flatnonzero((alpha > OBJECT_ABOVE).any(axis=0))
    if not rows.size:
        return slice(0, alpha.shape[0]), slice(0, alpha.shape[1])
    height, width = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    margin = round(value / 100 * max(height, width)) if share else round(value)
    return (
        slice(max(int(rows[0]) - margin, 0), min(int(rows[-1]) + 1 + margin, alpha.shape[0])),
        slice(max(int(columns[0]) - margin, 0), min(int(columns[-1]) + 1 + margin, alpha.shape[1])),
    )
