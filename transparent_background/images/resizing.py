"""Bringing pixels to another size."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ..types import Size


def resized(values: Any, size: Size) -> Any:
    """Return (h, w, ...) values at a size (height, width): averaged to shrink, interpolated to grow.

    Floats stay within [0, 1], which cubic interpolation would leave.
    """
    if values.shape[:2] == size:
        return values
    shrinks = size[0] * size[1] < values.shape[0] * values.shape[1]
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    result = cv2.resize(np.ascontiguousarray(values), size[::-1], interpolation=kernel)
    return np.clip(result, 0, 1, out=result) if result.dtype == np.float32 else result
