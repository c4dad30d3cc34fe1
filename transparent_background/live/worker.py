"""Making results of a camera's frames at the size that holds the rate."""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..images.picture import Picture
from .frame import FrameMaker, FrameOptions
from .rate import Pace, Step, make_ladder

if TYPE_CHECKING:
    from ..engine.predictor import Predictor
    from ..images.result import Result
    from ..media.camera import CameraFrame
    from ..options.result import ResultOptions
    from ..types import ByteArray, FloatArray, Size
    from .scenes import Scenes

logger = logging.getLogger(__name__)


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
    """Makes mattes and results of frames, in their order.

    Parameters
    ----------
    predictor
        What predicts the mattes.
    scenes
        The types.
    settings
        What to make of a frame and its matte; the type is that of the scene in use.
    fps
        Frames a second to hold by working at smaller sizes; None: always work at the best.
    temporal
        Whether mattes are smoothed along the motion.
    """

    def __init__(
        self,
        predictor: Predictor,
        scenes: Scenes,
        settings: ResultOptions,
        *,
        fps: float | None,
        temporal: bool,
    ) -> None:
        self._scenes, self._options, self._fps = scenes, FrameOptions(settings=settings), fps
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
        self._made_for = self._scenes.index
        options = dataclasses.replace(self._scenes.apply(self._options), mirror=mirror)
        picture, made = self._maker(frame.picture, frame.time, options, base_size=self.step.base_size)
        rgb: ByteArray = picture.rgb  # type: ignore[assignment]  # cameras give bytes
        latency = time.monotonic() - frame.time
        return LiveFrame(frame.number, frame.time, latency, rgb, made.alpha, made.result)

    def again(self, frame: LiveFrame) -> LiveFrame:
        """Return the last frame with the type that is in use now."""
        if self._made_for == self._scenes.index:
            return frame
        self._made_for = self._scenes.index
        made = self._maker.again(Picture(frame.rgb), frame.alpha, self._scenes.apply(self._options))
        return dataclasses.replace(frame, result=made.result)

    def keep_pace(self, seconds: float, size: Size) -> None:
        """Take in how long a frame of a size (height, width) took in all."""
        if self._fps is None:
            return
        if self._pace is None:
            self._pace = Pace(make_ladder(self._base_size, size, flexible=self._flexible), self._fps)
        before = self._pace.step
        after = self._pace.feed(seconds)
        if after != before:
            logger.debug("the network sees %s, frames are scaled by %g", after.base_size, after.scale)
