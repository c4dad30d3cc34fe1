"""Steady mattes of films: what flickers is smoothed along the motion, what moves is left alone.

A network that sees one frame at a time changes its mind between frames that look alike. Here each matte
is averaged with the last result, moved by the optical flow from frame to frame:

    M_t = (1 - w) A_t + w warp(M_{t-1}),   w = STRENGTH * agreement

``agreement`` is near 1 where the last picture, moved by the same flow, looks like this one, and where the
flows of both directions undo each other; where something is uncovered or the flow is wrong it falls to 0,
so that nothing trails behind the object. A cut, where hardly a pixel agrees, starts anew.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import ByteArray, FloatArray

STRENGTH = 0.85  # the last result's share where everything agrees (benchmarks/steady.py compares)
DIFFERENCE = 12.0  # grey levels (of 255) between the pictures at which agreement has fallen to 1 / e
RETURN = 1.0  # pixels by which the two flows may fail to undo each other, likewise
CUT = 0.35  # mean agreement below which a frame shows another scene


class Steadier:
    """Smooths the mattes of one film, frame after frame."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._grid: FloatArray | None = None
        self._last: tuple[ByteArray, FloatArray] | None = None
        self.cuts = 0
        """Scene changes seen."""

    def reset(self) -> None:
        """Forget the past, as after a jump in the film."""
        self._last = None

    def __call__(self, rgb: ByteArray, matte: FloatArray) -> FloatArray:
        """Return the smoothed matte of the next frame.

        Parameters
        ----------
        rgb
            (H, W, 3) uint8, the frame at any size.
        matte
            (h, w) float32 in [0, 1], its matte, best at the size the network gave it.

        Returns
        -------
        (h, w) float32 in [0, 1].
        """
        grey = cv2.resize(
            cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), matte.shape[::-1], interpolation=cv2.INTER_AREA
        )
        last = self._last
        result = matte
        if last is not None and last[1].shape == matte.shape:
            agreement, moved = self._agreement(grey, *last)
            if float(agreement.mean()) < CUT:
                self.cuts += 1
            else:
                weight = agreement * np.float32(STRENGTH)
                result = matte + weight * (moved - matte)
        self._last = grey, result
        return result

    def _agreement(
        self, grey: ByteArray, last_grey: ByteArray, last: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Compare a frame with the last one, moved: how well they agree, (h, w) in [0, 1], and the matte."""
        back = self._flow.calc(grey, last_grey, None)  # (h, w, 2): where each pixel was
        forth = self._flow.calc(last_grey, grey, None)
        where = self._points(grey.shape) + back
        moved_grey = cv2.remap(last_grey, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        moved = cv2.remap(last, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        returned = cv2.remap(forth, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) + back
        difference = cv2.blur(cv2.absdiff(grey, moved_grey), (3, 3)).astype(np.float32)
        error = (difference * np.float32(1 / DIFFERENCE)) ** 2
        error += (returned**2).sum(axis=2) * np.float32(1 / RETURN**2)
        agreement: FloatArray = np.exp(-error)
        outside = (where < 0).any(axis=2) | (where > np.array(grey.shape[::-1], np.float32) - 1).any(axis=2)
        agreement[outside] = 0
        return agreement, moved

    def _points(self, shape: tuple[int, ...]) -> FloatArray:
        """Return every pixel's (x, y): (h, w, 2)."""
        if self._grid is None or self._grid.shape[:2] != shape:
            y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
            self._grid = np.dstack([x, y])
        return self._grid
