"""One frame of a camera, from the picture to its result: for cameras here and for those in a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compositing.compose import compose, finish_alpha
from ..engine.devices import estimates_on
from ..images.picture import Picture
from ..matting.frames import FrameMatter
from ..options.result_types import Blur, ResultType

if TYPE_CHECKING:
    from ..compositing.backgrounds import BackdropSource
    from ..engine.predictor import Predictor
    from ..images.result import Result
    from ..types import BackgroundFit, FloatArray, Size

GAP = 1.0  # seconds without a frame after which the last matte says nothing of the next


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOptions:
    """What is made of a camera's frames; it may change from one frame to the next."""

    type: ResultType = field(default_factory=Blur)
    """What to make, from :func:`parse_type`."""
    mirror: bool = False
    """Whether left and right are exchanged."""
    threshold: float | None = None
    """The matte becomes 1 above it and 0 elsewhere; None keeps it soft."""
    reverse: bool = False
    """Whether the background is kept in place of the object."""
    fit: BackgroundFit = "cover"
    """How a background picture fills the frame."""
    backdrops: BackdropSource | None = None
    """Where the background of a :class:`Backdrop` comes from; None: from its file, read for each frame."""


@dataclass(frozen=True, slots=True)
class MadeFrame:
    """What was made of a frame."""

    picture: Picture
    """The frame, mirrored if that was asked for."""
    alpha: FloatArray
    """Its finished matte: (h, w) float32 in [0, 1]; 1 is what is kept."""
    result: Result
    """Of the type that was asked for."""


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
    >>> made = maker(picture, time.monotonic(), FrameOptions(type=Blur()))  # doctest: +SKIP
    """

    def __init__(self, predictor: Predictor, *, temporal: bool = True) -> None:
        self._device = estimates_on(predictor.device)
        self._matter = FrameMatter(predictor, temporal=temporal)
        self.resize = self._matter.resize
        """How frames are resized for the network."""
        self._last: tuple[float, bool] | None = None  # time and mirroring of the last frame

    def __call__(
        self, picture: Picture, time: float, options: FrameOptions, *, base_size: Size | None = None
    ) -> MadeFrame:
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

        Raises
        ------
        TransparentBackgroundError
            The device failed, or a background file cannot be read.
        """
        if options.mirror:
            picture = mirrored(picture)
        last, self._last = self._last, (time, options.mirror)
        follows = last is not None and time - last[0] < GAP and last[1] == options.mirror
        if self._matter.steadier is not None and not follows:
            self._matter.steadier.reset()
        self._matter.base_size = base_size
        (matte,) = self._matter([picture])
        alpha = finish_alpha(matte, threshold=options.threshold, reverse=options.reverse, own=picture.alpha)
        return MadeFrame(picture, alpha, self.compose(picture, alpha, options))

    def compose(self, picture: Picture, alpha: FloatArray, options: FrameOptions) -> Result:
        """Make a result of a frame whose matte is finished already: of another type, say."""
        return compose(
            picture, alpha, options.type, fit=options.fit, backdrops=options.backdrops, device=self._device
        )


def mirrored(picture: Picture) -> Picture:
    """Exchange left and right."""
    rgb: Any = np.ascontiguousarray(picture.rgb[:, ::-1])
    alpha = picture.alpha
    return Picture(rgb, None if alpha is None else np.ascontiguousarray(alpha[:, ::-1]))
