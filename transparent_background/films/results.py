"""What is written of one frame: the result, and if wanted its matte and its foreground."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..compositing.blend import blend
from ..compositing.finish import finish, object_colours
from ..images.result import Result

if TYPE_CHECKING:
    import torch

    from ..compositing.backgrounds import Background
    from ..images.picture import Picture
    from ..options.settings import Settings
    from ..types import FloatArray


def settings_of_frames(settings: Settings) -> Settings:
    """Return what is made of frames: all keep their size, and a foreground film needs estimated colours."""
    foreground = settings.foreground if settings.film.foreground_film is None else "estimate"
    return dataclasses.replace(settings, crop=None, foreground=foreground)


def frame_results(
    picture: Picture,
    matte: FloatArray,
    settings: Settings,
    device: torch.device,
    *,
    background: Background | None,
    holds_alpha: bool,
) -> dict[str, Result]:
    """Make of a frame and its matte all that is written of it, by the names of :class:`outputs.Targets`.

    Parameters
    ----------
    settings
        From :func:`settings_of_frames`.
    picture, matte, device, background, holds_alpha
        As for :func:`compositing.finish.finish`.
    """
    done = finish(picture, matte, settings, device, background=background, holds_alpha=holds_alpha)
    results = {"result": done.result}
    film = settings.film
    if film.foreground_film is not None:
        colours = done.colours
        if colours is None:
            colours = object_colours(picture.rgb, done.alpha, device)
        if film.foreground_film == "premultiplied":
            colours = blend(colours, done.alpha, (0, 0, 0))
        results["foreground"] = Result(rgb=colours)
    if film.matte:
        results["matte"] = Result(grey=done.alpha)
    return results
