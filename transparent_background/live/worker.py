"""From a camera's frame to its result, at the size that holds the rate."""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..images.picture import Picture
from ..images.result import Result
from ..matting.frames import FrameMatter
from ..options.result import check_threshold
from .rate import Pace, Step, make_ladder

if TYPE_CHECKING:
    from ..media.camera import CameraFrame
    from ..remover import Remover
    from ..types import ByteArray, FloatArray
    from .scenes import Scenes

logger = logging.getLogger(__name__)

GAP = 1.0  # seconds without a frame after which the last matte says nothing of the next


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """One frame of a camera, its matte, and what was made of them."""

    number: int
    """Counts the camera's frames; those that were missed leave gaps."""
    time: float
    """Of the frame's coming, seconds by :func:`time.monotonic`."""
    latency: float
    """Seconds from then until the result was there."""
    rgb: ByteArray
    """(h, w, 3) uint8."""
    alpha: FloatArray
    """(h, w) float32 in [0, 1]; 1 is the object."""
    result: Result
    """Of the type in use."""


class Worker:
    """Makes mattes and results of frames, in their order.

    Parameters
    ----------
    remover
        Its network is used.
    scenes
        The types.
    fps
        Frames a second to hold by working at smaller sizes; None: always work at the best.
    temporal
        Whether mattes are smoothed along the motion.
    threshold, reverse
        As for :meth:`Remover.process`.
    """

    def __init__(
        self,
        remover: Remover,
        scenes: Scenes,
        *,
        fps: float | None,
        temporal: bool,
        threshold: float | str | None,
        reverse: bool,
    ) -> None:
        self.scenes, self._fps = scenes, fps
        self._matter, self._device = FrameMatter(remover, temporal=temporal), remover.device
        self._threshold, self._reverse = check_threshold(threshold), reverse
        # a network that was recorded for one size (jit=True) takes no other; "dynamic" has no base size
        self._flexible = not remover.jit and self._matter.resize != "dynamic"
        self._pace: Pace | None = None
        self._last: tuple[float, bool] | None = None  # time and mirroring of the last frame

    @property
    def step(self) -> Step:
        """At which sizes the next frame is worked on."""
        if self._pace is not None:
            return self._pace.step
        return Step(self._matter.predictor.checkpoint.base_size if self._flexible else None)

    def __call__(self, frame: CameraFrame, *, mirror: bool) -> LiveFrame:
        """Return a frame's result."""
        picture = mirrored(frame.picture) if mirror else frame.picture
        last, self._last = self._last, (frame.time, mirror)
        follows = last is not None and frame.time - last[0] < GAP and last[1] == mirror
        if self._matter.steadier is not None and not follows:
            self._matter.steadier.reset()
        self._matter.base_size = self.step.base_size
        (matte,) = self._matter([picture])
        done = self.scenes.finish(
            picture, matte, self._device, threshold=self._threshold, reverse=self._reverse
        )
        rgb: ByteArray = picture.rgb  # type: ignore[assignment]  # cameras give bytes
        latency = time.monotonic() - frame.time
        return LiveFrame(frame.number, frame.time, latency, rgb, done.alpha, done.result)

    def again(self, frame: LiveFrame) -> LiveFrame:
        """Return a frame with the type that is in use now."""
        return dataclasses.replace(
            frame, result=self.scenes.finish(Picture(frame.rgb), frame.alpha, self._device).result
        )

    def keep_pace(self, seconds: float, size: tuple[int, int]) -> None:
        """Take in how long a frame of a size (height, width) took in all."""
        if self._fps is None:
            return
        if self._pace is None:
            base = self._matter.predictor.checkpoint.base_size
            self._pace = Pace(make_ladder(base, size, flexible=self._flexible), self._fps)
        before = self._pace.step
        after = self._pace.feed(seconds)
        if after != before:
            logger.debug("the network sees %s, frames are scaled by %g", after.base_size, after.scale)


def mirrored(picture: Picture) -> Picture:
    """Exchange left and right."""
    rgb: ByteArray = np.ascontiguousarray(picture.rgb[:, ::-1])
    alpha = picture.alpha
    return Picture(rgb, None if alpha is None else np.ascontiguousarray(alpha[:, ::-1]))
