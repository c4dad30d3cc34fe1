"""Errors of soft mattes (Rhemann et al. 2009, "A perceptually motivated online benchmark for image matting").

They are sums over the whole picture or, as in that benchmark, over the unknown part of a trimap
(``within``), which data sets of masks do not have.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import BoolArray, FloatArray

Plane = NDArray[np.float64]

THOUSAND = 1000.0  # SAD, gradient and connectivity errors are given in thousands
SIGMA = 1.4  # of the gradient's Gaussian, pixels
CONNECTIVITY_STEP = 0.1
CONNECTIVITY_THETA = 0.15  # smaller differences of connectedness do not count


def sad(matte: FloatArray, truth: FloatArray, within: BoolArray | None = None) -> float:
    """Return the sum of absolute differences, in thousands.

    Parameters
    ----------
    matte, truth : float32 (h, w) in [0, 1]
    within : bool (h, w)
        The pixels that count. None: all.
    """
    return float(_chosen(np.abs(matte - truth), within).sum(dtype=np.float64)) / THOUSAND


def mse(matte: FloatArray, truth: FloatArray, within: BoolArray | None = None) -> float:
    """Return the mean squared error; NaN where no pixel counts. The parameters are those of :func:`sad`."""
    squares = _chosen(np.square(matte - truth), within)
    return float(squares.mean(dtype=np.float64)) if squares.size else math.nan


def gradient_error(matte: FloatArray, truth: FloatArray, within: BoolArray | None = None) -> float:
    """Return the sum of squared differences of gradient magnitudes, in thousands.

    Gradients are by first derivatives of a Gaussian of sigma 1.4 whose kernels have unit L2 norm. The
    parameters are those of :func:`sad`.
    """
    difference = _gradient(matte) - _gradient(truth)
    return float(_chosen(np.square(difference), within).sum()) / THOUSAND


def _chosen(errors: NDArray[Any], within: BoolArray | None) -> NDArray[Any]:
    return errors if within is None else errors[within]


def _gradient(matte: FloatArray) -> Plane:
    # the kernel ends where the Gaussian falls below 0.01
    half = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * 0.01)))
    x = np.arange(-half, half + 1, dtype=np.float64)
    gauss = np.exp(-(x**2) / (2 * SIGMA**2)) / (SIGMA * math.sqrt(2 * math.pi))
    derivative = -x * gauss / SIGMA**2
    norm = np.sqrt(np.square(np.outer(gauss, derivative)).sum())
    source = matte.astype(np.float64)
    gx = cv2.sepFilter2D(source, -1, derivative / norm, gauss, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.sepFilter2D(source, -1, gauss, derivative / norm, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(gx, gy)


def connectivity_error(matte: FloatArray, truth: FloatArray, within: BoolArray | None = None) -> float:
    """Return how differently pixels hang together with the object, in thousands.

    A pixel's connectedness is its alpha less the height at which it falls off the largest component
    that is opaque in both mattes; differences below 0.15 are taken for none. The parameters are those
    of :func:`sad`.
    """
    heights = np.full(matte.shape, -1.0)
    steps = round(1 / CONNECTIVITY_STEP)
    for index in range(1, steps + 1):
        level = index * CONNECTIVITY_STEP
        both = ((matte >= level) & (truth >= level)).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=4)
        inside = np.zeros(matte.shape, bool)
        if count > 1:
            inside = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        heights[(heights == -1) & ~inside] = level - CONNECTIVITY_STEP
    heights[heights == -1] = 1.0
    difference = _connectedness(matte, heights) - _connectedness(truth, heights)
    return float(_chosen(np.abs(difference), within).sum()) / THOUSAND


def _connectedness(matte: FloatArray, heights: Plane) -> Plane:
    above = matte - heights
    return 1 - above * (above >= CONNECTIVITY_THETA)
