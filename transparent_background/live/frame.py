"""One frame of a camera, from the picture to its result: for cameras here and for those in a browser."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compositing.finish import Finished, finish
from ..images.picture import Picture
from ..matting.frames import FrameMatter
from ..options.result import ResultOptions
from ..options.result_types import Blur

if TYPE_CHECKING:
    from ..compositing.backgrounds import Background
    from ..engine.predictor import Predictor
    from ..types import FloatArray, Size

GAP = 1.0  # seconds without a frame after which the last matte says nothing of the next


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOptions:
    """What is made of a camera's frames; it may change from one frame to the next."""

    settings: ResultOptions = field(default_factory=lambda: ResultOptions(type=Blur()))
    """What to make of a frame and its matte."""
    mirror: bool = False
    """Whether left and right are exchanged."""
    background: Background | None = None
    """What lies behind where the type is a ``Backdrop``; None: its file, read for each frame."""


class FrameMaker:
    """Makes mattes and results of one camera's frames, which have to come in their order, one at a time.

    Mattes are smoothed along the motion; after a gap of a second, or when mirroring is switched, that begins
    anew.

    Parameters
    ----------
    predictor
        What predicts the mattes; it may be shared.
    temporal
        Whether mattes are smoothed.

    Examples
    --------
    >>> maker = FrameMaker(remover)  # doctest: +SKIP
    >>> picture, made = maker(picture, time.monotonic(), FrameOptions(mirror=True))  # doctest: +SKIP
    """

    def __init__(self, predictor: Predictor, *, temporal: bool = True) -> None:
        self._device = predictor.device
        self._matter = FrameMatter(predictor, temporal=temporal)
        self.resize = self._matter.resize
        """How frames are resized for the network."""
        self._last: tuple[float, bool] | None = None  # time and mirroring of the last frame

    def __call__(
        self, picture: Picture, time: float, options: FrameOptions, *, base_size: Size | None = None
    ) -> tuple[Picture, Finished]:
        """Make a frame.

        Parameters
        ----------
        picture
            The frame as it came.
        time
            When it came, seconds by :func:`time.monotonic`.
        options
            What to make of it.
        base_size
            (height, width) that the network sees, multiples of 32; None: the checkpoint's own.

        Returns
        -------
        picture
            The frame, mirrored if that was asked for.
        made
            Its finished matte and its result.

        Raises
        ------
        TransparentBackgroundError
            The device failed, or a background file cannot be read.
        """
        if options.mirror:
            picture = Picture(_mirrored(picture.rgb), _mirrored(picture.alpha))
        last, self._last = self._last, (time, options.mirror)
        follows = last is not None and time - last[0] < GAP and last[1] == options.mirror
        if self._matter.steadier is not None and not follows:
            self._matter.steadier.reset()
        self._matter.base_size = base_size
        (matte,) = self._matter([picture])
        return picture, finish(picture, matte, options.settings, self._device, background=options.background)

    def again(self, picture: Picture, alpha: FloatArray, options: FrameOptions) -> Finished:
        """Make another result of a frame whose matte is finished already, without the network."""
        settings = replace(options.settings, threshold=None, reverse=False)
        return finish(
            replace(picture, alpha=None), alpha, settings, self._device, background=options.background
        )


def _mirrored(values: Any) -> Any:
    """Exchange left and right of (h, w, ...)."""
    return None if values is None else np.ascontiguousarray(values[:, ::-1])
