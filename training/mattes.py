"""Soft mattes of objects with hard masks, and what tells a good one from a bad one.

A matte is solved in the band of a trimap (closed-form matting, Levin, Lischinski and Weiss 2008). Then the
band is narrowed where that gave a fog or where object and background are alike, widened where it cut the
object off, and the matte is solved again. The colours of both follow from it (multi-level estimation, Germer
et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pymatting import estimate_alpha_cf, estimate_foreground_ml, ichol

from transparent_background.types import BoolArray, ByteArray, FloatArray

from .trimaps import FRAME, LEAST, MOST, band_width, frame_strip, make_trimap, signed_distance

Doubles: TypeAlias = NDArray[np.float64]

EPSILON = 1e-6  # of the matting Laplacian, for colours in [0, 1]; 1e-7 to 1e-5 look alike here
FACTOR_ENTRIES = 30_000_000  # most of the preconditioner, 0.5 GB; pymatting's own limit reserves 4 GB
LEVELS = 0.05  # of the matte's range at both ends that become 0 and 1: faint veils and faint holes
SOFT = (0.1, 0.9)  # between these a pixel counts as soft
FOG_WINDOW, FOG_RANGE = 5, 0.35  # fog is soft, and changes by less in a window of so many pixels a side
ALIKE = 0.15  # distance of two colours in [0, 1]^3 below which a matte between them is a guess


LIMITS: dict[str, tuple[float, float]] = {
    "area": (0.02, 0.70),  # the mask's share of the picture
    "framed": (0.0, 0.30),  # the share of the outline that lies at the picture's frame
    "soft": (0.0, 0.60),  # the share of the band that is soft; photos have 0.2 to 0.5, drawings down to none
    "cut": (0.0, 0.12),  # the share of the band's borders where the matte disagrees with what is known beyond
    "ratio": (0.90, 1.10),  # the matte's sum over the mask's area
    "error": (0.0, 5.0),  # in the band, between picture and composite of both colours; mean, of 255
    "alike": (0.0, 0.22),  # the share of the soft pixels where object and background have nearly one colour
    "fog": (0.0, 0.6),  # pixels of fog for each pixel of outline
}
"""What a matte is judged by, and what each measure must lie within.

The limits were chosen by looking at what they keep and drop of 90 pictures of six sets. Of 120 drawn from the
same sets (``--limit 20``; 3 are among the 90) they keep 101; nine in ten of these have soft < 0.41,
cut < 0.05, error < 2.9, alike < 0.18 and fog < 0.17. ``alike`` drops the most, half of it passable.
"""


@dataclass(frozen=True)
class Matte:
    """An object with its matte."""

    colours: ByteArray
    """uint8 (h, w, 3), the object's own colours, beyond its edge too."""
    alpha: FloatArray
    """float32 (h, w) in [0, 1]."""
    measures: dict[str, float]
    """By the names of :data:`LIMITS`."""


def fault(measures: Mapping[str, float]) -> str | None:
    """Name the first measure that is out of its limits, or return None if there is none."""
    return next(
        (name for name, value in measures.items() if not LIMITS[name][0] <= value <= LIMITS[name][1]), None
    )


def judge_mask(mask: ByteArray) -> dict[str, float]:
    """Return the measures that need no matte; ``mask`` is uint8 (h, w)."""
    solid = (mask > 127).astype(np.uint8)
    outline = solid - cv2.erode(solid, np.ones((3, 3), np.uint8), borderValue=0)
    inner = outline[FRAME:-FRAME, FRAME:-FRAME]
    whole = int(outline.sum())
    return {"area": float(solid.mean()), "framed": (whole - int(inner.sum())) / max(whole, 1)}


def make_matte(image: ByteArray, mask: ByteArray) -> Matte:
    """Find the soft matte of an object and the colours that belong to it.

    Parameters
    ----------
    image : uint8 (h, w, 3)
    mask : uint8 (h, w)
        Above 127 is the object. There must be some of it, and some background.

    Raises
    ------
    ValueError
        The linear system could not be solved.
    """
    solid = (mask > 127).astype(np.uint8)
    distance, strip = signed_distance(solid), frame_strip(solid)
    width = band_width(image, solid, distance)
    picture = image.astype(np.float64) / 255
    trimap = make_trimap(distance, width, strip)
    alpha = _solve(picture, trimap)
    vague = _fog(alpha) | (_soft(alpha) & _alike(*_colours(picture, alpha)))
    width = _adapted(width, trimap, alpha, vague)
    trimap = make_trimap(distance, width, strip)
    alpha = _without_islands(_solve(picture, trimap), trimap)
    object_colours, ground = _colours(picture, alpha)
    weight = alpha[..., None]
    off = np.abs(weight * object_colours + (1 - weight) * ground - picture)
    colours = np.where(weight > 0.995, image, np.rint(object_colours * 255)).astype(np.uint8)

    band, soft = trimap == 0.5, _soft(alpha)
    border, wrong = _cuts(trimap, alpha)
    outline = max(int((np.abs(distance) < 1).sum()) / 2, 1.0)  # it has a pixel on either side
    measures = judge_mask(mask) | {
        "soft": float(soft[band].mean()) if band.any() else 0.0,
        "cut": float(wrong.sum() / max(border.sum(), 1)),
        "ratio": float(alpha.sum() / max(solid.sum(), 1)),
        "error": float(off[band].mean() * 255) if band.any() else 0.0,
        "alike": float(_alike(object_colours, ground)[soft].mean()) if soft.any() else 0.0,
        "fog": float(_fog(alpha).sum() / outline),
    }
    return Matte(colours, alpha, measures)


def _solve(picture: Doubles, trimap: FloatArray) -> FloatArray:
    """Solve closed-form matting within the band and stretch the levels: float32 (h, w) in [0, 1]."""
    if not (trimap == 0.5).any():
        return trimap
    alpha = estimate_alpha_cf(
        picture,
        trimap.astype(np.float64),
        preconditioner=lambda matrix: ichol(matrix, max_nnz=FACTOR_ENTRIES),
        laplacian_kwargs={"epsilon": EPSILON, "radius": 1},
    )
    return np.clip((alpha - LEVELS) / (1 - 2 * LEVELS), 0, 1).astype(np.float32)


def _colours(picture: Doubles, alpha: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Estimate the colours of object and background, both float32 (h, w, 3) in [0, 1]."""
    both: tuple[FloatArray, FloatArray] = estimate_foreground_ml(picture, alpha, return_background=True)
    return both


def _alike(colours: FloatArray, ground: FloatArray) -> BoolArray:
    return np.asarray(np.linalg.norm(colours - ground, axis=-1) < ALIKE)


def _soft(alpha: FloatArray) -> BoolArray:
    return (alpha > SOFT[0]) & (alpha < SOFT[1])


def _fog(alpha: FloatArray) -> BoolArray:
    """Tell where a matte is soft and flat; strands and edges change within a few pixels."""
    window = np.ones((FOG_WINDOW, FOG_WINDOW), np.uint8)
    return _soft(alpha) & (cv2.dilate(alpha, window) - cv2.erode(alpha, window) < FOG_RANGE)


def _cuts(trimap: FloatArray, alpha: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the band's pixels within two of known ones, and those that disagree with them, as 0 and 1."""
    band, window = trimap == 0.5, np.ones((5, 5), np.uint8)
    by_object = band & (cv2.dilate((trimap == 1).astype(np.uint8), window) > 0)
    by_ground = band & (cv2.dilate((trimap == 0).astype(np.uint8), window) > 0)
    wrong = (by_object & (alpha < 0.5)) | (by_ground & (alpha > 0.5))
    return (by_object | by_ground).astype(np.float32), wrong.astype(np.float32)


def _adapted(width: FloatArray, trimap: FloatArray, alpha: FloatArray, vague: BoolArray) -> FloatArray:
    """Narrow the band where the matte is vague and widen it where it is cut off: float32 (h, w), pixels."""
    sigma = float(np.median(width[trimap == 0.5])) if (trimap == 0.5).any() else LEAST

    def around(part: FloatArray, whole: FloatArray) -> FloatArray:
        share = cv2.GaussianBlur(part, (0, 0), sigma) / (cv2.GaussianBlur(whole, (0, 0), sigma) + 1e-4)
        return np.clip(share / 0.25, 0, 1)

    border, wrong = _cuts(trimap, alpha)
    unclear = around(vague.astype(np.float32), (trimap == 0.5).astype(np.float32))
    return np.clip(width * (1 - 0.6 * unclear) * (1 + 0.6 * around(wrong, border)), LEAST, MOST)


def _without_islands(alpha: FloatArray, trimap: FloatArray) -> FloatArray:
    """Clear what does not hang together with the object's known part: specks of the background."""
    _, labels = cv2.connectedComponents((alpha > 0).astype(np.uint8))
    kept = np.zeros(labels.max() + 1, bool)
    kept[labels[trimap == 1]] = True
    kept[0] = False
    return np.where(kept[labels], alpha, 0).astype(np.float32)
