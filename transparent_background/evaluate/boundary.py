"""Metrics of a mask's edge."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import BoolArray

RADII = 5  # bands that mBA averages over
DILATION_RATIO = 0.02  # of the diagonal: the width of boundary IoU's band


def mean_boundary_accuracy(prediction: BoolArray, mask: BoolArray) -> float:
    """Return mBA: the part of pixels near the mask's edge that are right, averaged over five widths.

    A band is the mask dilated minus the mask eroded, by a disk of radius 1 + floor(i (m - 1) / 5) for
    i in 0..4, with m = (w + h) / 300 (CascadePSP, Cheng et al. 2020, arXiv 2005.02551).

    Parameters
    ----------
    prediction, mask : bool (h, w)

    Returns
    -------
    In [0, 1]; NaN where the mask has no edge.
    """
    height, width = mask.shape
    truth = mask.astype(np.uint8)
    largest = (width + height) / 300
    accuracies = []
    for index in range(RADII):
        radius = 1 + int((largest - 1) / RADII * index)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        band = cv2.morphologyEx(truth, cv2.MORPH_GRADIENT, disk) > 0
        if not band.any():
            return float("nan")
        accuracies.append(float((prediction[band] == mask[band]).mean()))
    return sum(accuracies) / RADII


def boundary_iou(prediction: BoolArray, mask: BoolArray) -> float:
    """Return the IoU of the two masks' inner edges (Cheng et al. 2021, arXiv 2103.16562).

    An inner edge is a mask without its erosion by 2 % of the picture's diagonal.

    Parameters
    ----------
    prediction, mask : bool (h, w)

    Returns
    -------
    In [0, 1]; NaN where both are empty.
    """
    height, width = mask.shape
    distance = max(round(DILATION_RATIO * float(np.hypot(height, width))), 1)
    ours, truth = _inner_edge(prediction, distance), _inner_edge(mask, distance)
    union = int((ours | truth).sum())
    return int((ours & truth).sum()) / union if union else float("nan")


def _inner_edge(mask: BoolArray, distance: int) -> BoolArray:
    # a frame of zeros makes the picture's border count as an edge, as in the authors' code
    framed = np.pad(mask.astype(np.uint8), 1)
    eroded = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=distance)[1:-1, 1:-1]
    return mask & (eroded == 0)
