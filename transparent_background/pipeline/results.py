"""From a picture and its matte to a file: the last part of the way, which runs in threads."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..compositing.finish import finish
from ..matting.pictures import predict_mattes
from ..media.atomic import make_folder
from ..media.reading import Animation, read_frames
from ..media.writing import write, write_animation
from ..options.suffixes import KEEPS_ALPHA

if TYPE_CHECKING:
    import torch

    from ..compositing.backgrounds import Background
    from ..engine.predictor import Predictor
    from ..images.picture import Picture
    from ..images.result import Result
    from ..options.settings import Settings
    from ..types import FloatArray, Size
    from .plan import Task


def finish_picture(
    picture: Picture,
    matte: FloatArray,
    task: Task,
    settings: Settings,
    device: torch.device,
    background: Background | None,
) -> Size:
    """Make the result of a picture and write it; return its (height, width)."""
    done = finish(
        picture, matte, settings, device, background=background, holds_alpha=task.format in KEEPS_ALPHA
    )
    write(
        open_target(task),
        done.result,
        format=task.format,
        metadata=picture.metadata,
        quality=settings.quality,
    )
    return done.result.size


def finish_animation(
    predictor: Predictor,
    source: Path | bytes,
    animation: Animation,
    task: Task,
    settings: Settings,
    background: Background | None,
) -> Size:
    """Work through an animation frame by frame and write it; return (height, width)."""
    # every frame keeps its place, so a crop would need the union of all: not cropped
    whole = dataclasses.replace(settings, crop=None)
    durations = [frame.duration for frame in read_frames(source)]
    size = (0, 0)

    def results() -> Iterator[Result]:
        nonlocal size
        for frame in read_frames(source):
            (matte,) = predict_mattes(predictor, [frame.picture])
            done = finish(
                frame.picture,
                matte,
                whole,
                predictor.device,
                background=background,
                holds_alpha=task.format in KEEPS_ALPHA,
            )
            size = done.result.size
            yield done.result

    write_animation(
        open_target(task),
        results(),
        durations,
        loop=animation.loop,
        format=task.format,
        quality=settings.quality,
    )
    return size


def open_target(task: Task) -> Path | BinaryIO:
    """Make the result's folder and return its name, or return standard output."""
    if task.destination is None:
        return sys.stdout.buffer
    make_folder(task.destination.parent)
    return task.destination
