"""The background of a picture, blurred as if the object in it were not there."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..images.picture import Picture
from ..types import FloatArray
from .strips import strips

SIGMA = 15.0  # pixels, as in transparent-background 1.3.4
SHRINK = 4


class Blurred:
    """A blurred background; it is made at a quarter of the size and enlarged strip by strip.

    blur(I (1 - a)) / blur(1 - a): each pixel of the background counts by how much background it
    is, so no colour of the object runs out around it. Since a blur by 15 pixels leaves no detail,
    it is made at a quarter of the size.
    """

    def __init__(self, picture: Picture, alpha: FloatArray) -> None:
        self.size = height, width = picture.size
        shrink = SHRINK if min(height, width) >= 16 * SHRINK else 1
        small = []
        for rows in strips(self.size):
            weight = 1 - alpha[rows]
            if picture.alpha is not None:
                weight *= picture.alpha[rows]  # what is transparent has no colour to show
            stacked = np.dstack([picture.rgb[rows].astype(np.float32) * weight[..., None], weight])
            size = (-(-width // shrink), -(-stacked.shape[0] // shrink))
            small.append(cv2.resize(stacked, size, interpolation=cv2.INTER_AREA))
        joined = np.concatenate(small)
        # Averaging n pixels blurs by (n^2 - 1) / 12, the way back by about n^2 / 6 square pixels.
        known = (shrink**2 - 1) / 12 + (shrink**2 / 6 if shrink > 1 else 0)
        blurred = cv2.GaussianBlur(joined, (0, 0), math.sqrt(SIGMA**2 - known) / shrink)
        mean = joined[..., :3].sum((0, 1)) / max(float(joined[..., 3].sum()), 1e-6)
        # Deep inside the object no background is near: it fades into the background's mean.
        known_weight = np.maximum(blurred[..., 3:], 0) + np.float32(1e-4)
        self.small = ((blurred[..., :3] + np.float32(1e-4) * mean) / known_weight).astype(np.float32)

    def __getitem__(self, rows: slice) -> FloatArray:
        """Return some rows at full size, (rows, w, 3), in the picture's range of values."""
        _, width = self.size
        small_height, small_width = self.small.shape[:2]
        if (small_height, small_width) == self.size:
            return self.small[rows]
        shift = np.array(
            [
                [small_width / width, 0, 0.5 * small_width / width - 0.5],
                [0, 1 / SHRINK, (rows.start + 0.5) / SHRINK - 0.5],
            ]
        )
        enlarged = cv2.warpAffine(
            self.small,
            shift,
            (width, rows.stop - rows.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return enlarged.astype(np.float32, copy=False)
