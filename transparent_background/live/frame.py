"""One frame of a camera, from the picture to its result: for cameras here and for those in a browser."""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..compositing.finish import Finished, finish
from ..engine.predictor import Predictor
from ..images.picture import Picture
from ..images.result import Result
from ..matting.frames import FrameMatter
from ..media.camera import CameraFrame
from ..options.result_types import Rgba
from ..types import ByteArray, FloatArray, Size
from .rate import Pace, Step, make_ladder
from .scenes import Scene, Scenes

GAP = 1.0  # seconds without a frame after which the last matte says nothing of the next


class FrameMaker:
    """Makes mattes and results of one camera's frames, which have to come in their order, one at a time.

    Mattes are smoothed along the motion; after a gap of a second, or when mirroring is switched, that begins
    anew. The predictor may be shared.

    Examples
    --------
    >>> maker = FrameMaker(remover)  # doctest: +SKIP
    >>> picture, made = maker(picture, time.monotonic(), Scene(), mirror=True)  # doctest: +SKIP
    """

    def __init__(self, predictor: Predictor, *, temporal: bool = True) -> None:
        self._device = predictor.device
        self._matter = FrameMatter(predictor, temporal=temporal)
        self.resize = self._matter.resize
        """How frames are resized for the network."""
        self._last: tuple[float, bool] | None = None  # time and mirroring of the last frame

    def __call__(
        self,
        picture: Picture,
        time: float,
        scene: Scene,
        *,
        mirror: bool = False,
        base_size: Size | None = None,
        estimate: bool = False,
    ) -> tuple[Picture, Finished]:
        """Make a frame.

        Parameters
        ----------
        time
            When it came, seconds by :func:`time.monotonic`.
        mirror
            Whether left and right are exchanged.
        base_size
            (height, width) that the network sees, multiples of 32; None: the checkpoint's own.
        estimate
            Whether there is time to free edge colours over another background of the old one.

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
        if mirror:
            picture = Picture(_mirrored(picture.rgb), _mirrored(picture.alpha))
        last, self._last = self._last, (time, mirror)
        follows = last is not None and time - last[0] < GAP and last[1] == mirror
        if self._matter.steadier is not None and not follows:
            self._matter.steadier.reset()
        self._matter.base_size = base_size
        (matte,) = self._matter([picture])
        settings = scene.settings
        if not estimate and settings.foreground == "auto" and not isinstance(settings.type, Rgba):
            settings = replace(settings, foreground="original")
        return picture, finish(picture, matte, settings, self._device, background=scene.background)

    def again(self, picture: Picture, alpha: FloatArray, scene: Scene) -> Finished:
        """Make another result of a frame whose matte is finished already, without the network."""
        settings = replace(scene.settings, threshold=None, reverse=False)
        return finish(
            replace(picture, alpha=None), alpha, settings, self._device, background=scene.background
        )


def _mirrored(values: Any) -> Any:
    """Exchange left and right of (h, w, ...)."""
    return None if values is None else np.ascontiguousarray(values[:, ::-1])


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """One frame of a camera, its matte, and what was made of them."""

    number: int
    """Counts the camera's frames; those that were missed leave gaps."""
    time: float
    """When the frame came, seconds by :func:`time.monotonic`."""
    latency: float
    """Seconds from then until the result was there."""
    rgb: ByteArray
    """(h, w, 3) uint8."""
    alpha: FloatArray
    """(h, w) float32 in [0, 1]; 1 is the object."""
    result: Result
    """The result, of the type in use."""


class Worker:
    """Makes mattes and results of frames, in their order, with the scene that is in use.

    Parameters
    ----------
    fps
        Frames a second to hold by working at smaller sizes; None: always work at the best.
    """

    def __init__(self, predictor: Predictor, scenes: Scenes, *, fps: float | None, temporal: bool) -> None:
        self._scenes, self._fps = scenes, fps
        self._maker = FrameMaker(predictor, temporal=temporal)
        self._base_size = predictor.checkpoint.base_size
        # a network that was recorded for one size takes no other; "dynamic" has no base size
        self._flexible = predictor.plan.form != "recorded" and self._maker.resize != "dynamic"
        self._pace: Pace | None = None
        self._made_for = scenes.index

    @property
    def step(self) -> Step:
        """At which sizes the next frame is worked on."""
        if self._pace is not None:
            return self._pace.step
        return Step(self._base_size if self._flexible else None)

    def __call__(self, frame: CameraFrame, *, mirror: bool) -> LiveFrame:
        """Return a frame's result."""
        self._made_for, scene = self._scenes.index, self._scenes.take()
        step = self.step
        picture, made = self._maker(
            frame.picture, frame.time, scene, mirror=mirror, base_size=step.base_size, estimate=step.estimate
        )
        rgb: ByteArray = picture.rgb  # type: ignore[assignment]  # cameras give bytes
        latency = clock.monotonic() - frame.time
        return LiveFrame(frame.number, frame.time, latency, rgb, made.alpha, made.result)

    def again(self, frame: LiveFrame) -> LiveFrame:
        """Return the last frame with the type that is in use now."""
        if self._made_for == self._scenes.index:
            return frame
        self._made_for, scene = self._scenes.index, self._scenes.take()
        return replace(frame, result=self._maker.again(Picture(frame.rgb), frame.alpha, scene).result)

    def keep_pace(self, seconds: float, size: Size) -> None:
        """Take in how long a frame of a size (height, width) took in all."""
        if self._pace is None:
            self._pace = Pace(make_ladder(self._base_size, size, flexible=self._flexible), self._fps)
        self._pace.feed(seconds)
