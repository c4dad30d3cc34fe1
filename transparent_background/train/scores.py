"""Scores of a validation pass while training: quick, and of the same definition as ``evaluate``'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..types import FloatArray

BETA_SQUARED = 0.3  # weight of recall in F, as usual for salient objects (Achanta et al. 2009)
LEVELS = 256  # thresholds of the F curve


class QuickScores:
    """Collects max F, MAE and IoU picture by picture."""

    def __init__(self) -> None:
        self._curves: NDArray[np.float64] = np.zeros(LEVELS)
        self._mae = self._iou = 0.0
        self.count = self._with_object = 0

    def step(self, matte: FloatArray, mask: FloatArray) -> None:
        """Add a picture: two float32 (h, w) in [0, 1].

        What is no number in a matte counts as wrong. F and IoU leave out pictures without an object,
        about which they say nothing.
        """
        truth = mask > 0.5
        wrong = ~np.isfinite(matte)
        if wrong.any():
            matte = np.where(wrong, np.float32(1) - truth, matte)
        self._mae += float(np.abs(matte - truth).mean())
        self.count += 1
        if not truth.any():
            return
        self._with_object += 1
        levels = np.minimum((matte * (LEVELS - 1)).astype(np.int64), LEVELS - 1)
        # pixels at or above each threshold, from the highest threshold down
        hits = np.cumsum(np.bincount(levels[truth], minlength=LEVELS)[::-1])
        misses = np.cumsum(np.bincount(levels[~truth], minlength=LEVELS)[::-1])
        precision = hits / np.maximum(hits + misses, 1)
        recall = hits / max(int(truth.sum()), 1)
        bottom = BETA_SQUARED * precision + recall
        self._curves += (1 + BETA_SQUARED) * precision * recall / np.where(bottom == 0, 1, bottom)
        chosen = matte > 0.5
        union = int((chosen | truth).sum())
        self._iou += int((chosen & truth).sum()) / union

    def results(self) -> dict[str, float]:
        """Return ``max_f``, ``mae`` and ``iou``, means over the pictures so far."""
        n, m = max(self.count, 1), max(self._with_object, 1)
        return {"max_f": float(self._curves.max()) / m, "mae": self._mae / n, "iou": self._iou / m}
