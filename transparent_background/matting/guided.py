"""Bringing a coarse matte to a picture's size along the picture's own edges."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import ByteArray, FloatArray

RADIUS = 2  # of the windows, pixels of the coarse matte; benchmarks/steady.py has the choice
EPSILON = 4e-3  # variance of luma in [0, 1] that makes half an edge; less lets texture through
ENLARGES = 1.5  # below it, the matte is fine enough for the network's own edges


def guided_upsample(matte: FloatArray, rgb: ByteArray) -> FloatArray:
    """Enlarge a matte by the fast guided filter (He and Sun 2015, arXiv 1505.00996).

    In every small window of the coarse picture the matte is fitted by a line in the picture's luma,
    ``a luma + b``; the coefficients are enlarged and applied to the full luma, so that an edge of the
    matte lies on the edge of the picture beside it.

    Parameters
    ----------
    matte
        (h, w) float32 in [0, 1].
    rgb
        (H, W, 3) uint8, the picture at its own size.

    Returns
    -------
    (H, W) float32 in [0, 1].
    """
    height, width = rgb.shape[:2]
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(guide, matte.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    small *= np.float32(1 / 255)
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    mean, mean_matte = cv2.blur(small, window), cv2.blur(matte, window)
    covariance = cv2.blur(small * matte, window) - mean * mean_matte
    variance = cv2.blur(small * small, window) - mean * mean
    slope = covariance / (variance + np.float32(EPSILON))
    offset = cv2.blur(mean_matte - slope * mean, window)
    slope = cv2.blur(slope, window) * np.float32(1 / 255)  # the full guide stays in bytes
    result: FloatArray = cv2.resize(slope, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(result, guide, dst=result, dtype=cv2.CV_32F)
    result += cv2.resize(offset, (width, height), interpolation=cv2.INTER_LINEAR)
    np.clip(result, 0, 1, out=result)
    return result
