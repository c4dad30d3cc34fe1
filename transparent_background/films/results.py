"""What is written of one frame: the result, and if wanted its matte and its foreground."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..compositing.blend import blend
from ..compositing.finish import finish, object_colours
from ..images.result import Result
from ..matting.frames import enlarge

if TYPE_CHECKING:
    import torch

    from ..options.settings import Settings
    from .mattes import MattedFrame


class FrameComposer:
    """Makes of frames and their mattes all that is written of them; several threads may share one.

    Parameters
    ----------
    settings
        What is wanted of the film.
    device
        Where the network runs.
    holds_alpha
        Whether the result's file can be transparent.
    """

    def __init__(self, settings: Settings, device: torch.device, *, holds_alpha: bool) -> None:
        self.device, self.holds_alpha, self.film = device, holds_alpha, settings.film
        # all frames keep their size, and a film of the object's colours needs estimated ones
        foreground = settings.foreground if self.film.foreground_film is None else "estimate"
        self.settings = dataclasses.replace(settings, crop=None, foreground=foreground)

    def __call__(self, matted: MattedFrame) -> dict[str, Result]:
        """Return the results of a frame by the names of :class:`outputs.Targets`."""
        picture = matted.frame.picture
        done = finish(
            picture,
            enlarge(matted.matte, picture),
            self.settings,
            self.device,
            background=matted.background,
            holds_alpha=self.holds_alpha,
        )
        results = {"result": done.result}
        if self.film.foreground_film is not None:
            colours = done.colours
            if colours is None:
                colours = object_colours(picture.rgb, done.alpha, self.device)
            if self.film.foreground_film == "premultiplied":
                colours = blend(colours, done.alpha, (0, 0, 0))
            results["foreground"] = Result(rgb=colours)
        if self.film.matte:
            results["matte"] = Result(grey=done.alpha)
        return results
