"""Trimaps from hard masks: a band around the outline in which a matte is to be found.

The band is as wide as the object is large, wider where the outline looks like fur or hair, and narrower
within thin parts and gaps, so that a leg, and what shows between two, keeps a core that is known.
"""

from __future__ import annotations

import cv2
import numpy as np

from transparent_background.types import ByteArray, FloatArray

NARROW, WIDE = 0.026, 0.045  # half the band's width, of the square root of an object's area
SMOOTH, FURRY = 0.18, 0.36  # shares of gradients along the outline at which the band is so wide
NOISE = 0.01  # gradient that an even region has, in which nothing is along or across
LEAST, MOST = 2.0, 14.0  # half the band's width, pixels
CORE = 0.6  # of the half width of a part, or of a gap between parts, that the band may take at most
CRACK = 3.0  # half width of a gap, pixels, up to which the band may fill it: polygons leave such by mistake
FRAME = 5  # pixels from the frame that count as at it; masks of PASCAL VOC leave that much out


def signed_distance(solid: ByteArray) -> FloatArray:
    """Return each pixel's distance from the outline: positive inside, negative outside, pixels.

    ``solid`` is uint8 (h, w), 1 is the object.
    """
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(solid > 0, inside - 0.5, 0.5 - outside).astype(np.float32)


def object_size(solid: ByteArray) -> FloatArray:
    """Return the square root of the area of the nearest connected object at each pixel, float32 (h, w)."""
    _, labels = cv2.distanceTransformWithLabels(
        1 - solid, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    areas = np.bincount(labels[solid > 0], minlength=labels.max() + 1)
    return np.sqrt(areas[labels]).astype(np.float32)


def furriness(image: ByteArray, distance: FloatArray, reach: float) -> FloatArray:
    """Tell where an outline looks like fur or hair.

    A smooth outline's gradients point across it; strands that leave it have theirs along it. The measure is
    the share of the latter in the gradients' absolute values, over all channels, averaged around the outline.
    (Of squares, one strong edge would hide all strands.) A drawn disc has 0.12, one with strands 0.32.
    Patterns of the object and of the background raise it too: it chooses how far to look, no more.

    Parameters
    ----------
    image : uint8 (h, w, 3)
    distance : float32 (h, w)
        As :func:`signed_distance` returns it.
    reach
        How far from the outline, pixels, gradients count.

    Returns
    -------
    float32 (h, w) in [0, 1]; only near the outline does it say anything
    """
    smooth = cv2.GaussianBlur(distance, (0, 0), 4)
    across_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[..., None]
    across_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[..., None]
    length = np.hypot(across_x, across_y) + 1e-6
    # (h, w, 3), full scale for a step between neighbours is 1
    x, y = (cv2.Scharr(image, cv2.CV_32F, dx, 1 - dx) / (32 * 255) for dx in (1, 0))
    across = np.abs((x * across_x + y * across_y) / length).mean(-1)
    along = np.abs((y * across_x - x * across_y) / length).mean(-1)
    near = (np.abs(distance) < reach).astype(np.float32)
    across, along, count = (cv2.GaussianBlur(v * near, (0, 0), 2 * reach) for v in (across, along, near))
    return np.asarray(along / (across + along + NOISE * count + 1e-9))


def band_width(image: ByteArray, solid: ByteArray, distance: FloatArray) -> FloatArray:
    """Choose half the band's width at each pixel, float32 (h, w), pixels."""
    size = object_size(solid)
    reach = float(np.clip(WIDE * np.median(size[solid > 0]), LEAST + 1, MOST))
    fur = np.clip((furriness(image, distance, reach) - SMOOTH) / (FURRY - SMOOTH), 0, 1)
    return np.clip(size * (NARROW + (WIDE - NARROW) * fur), LEAST, MOST)


def frame_strip(solid: ByteArray) -> ByteArray:
    """Return where a mask ends just before the frame: 1 between there and the frame, uint8 (h, w)."""
    inner = solid[FRAME:-FRAME, FRAME:-FRAME]
    grown = cv2.copyMakeBorder(inner, FRAME, FRAME, FRAME, FRAME, cv2.BORDER_REPLICATE)
    return np.asarray(grown & (1 - solid))


def make_trimap(distance: FloatArray, width: FloatArray, strip: ByteArray) -> FloatArray:
    """Draw a trimap.

    Parameters
    ----------
    distance : float32 (h, w)
        As :func:`signed_distance` returns it.
    width : float32 (h, w)
        Half the band's width, pixels.
    strip : uint8 (h, w)
        1 where nothing is known in any case, as :func:`frame_strip` returns it.

    Returns
    -------
    float32 (h, w): 0 is background, 1 object, 0.5 unknown
    """
    span = 2 * int(np.ceil(width.max())) + 1
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (span, span))
    part, gap = (cv2.dilate(sign * distance, window) for sign in (1, -1))  # half widths nearby
    inner = np.minimum(width, CORE * np.maximum(part, 0))
    outer = np.where(gap > CRACK, np.minimum(width, CORE * gap), width)
    trimap = np.where(distance > inner, 1.0, np.where(distance < -outer, 0.0, 0.5))
    return np.where(strip > 0, 0.5, trimap).astype(np.float32)
