"""Cut-outs at full size: smooth outlines and clean colours from small photos with hard masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.colours import pull_push
from benchmarks.photo import MEGAPIXEL
from transparent_background.errors import DataSetError
from transparent_background.media.pairs import Pair, find_pairs, raise_problems, read_mask, read_pair
from transparent_background.types import ByteArray, FloatArray, Size

AREA = (0.04, 0.6)  # of its photo, of objects that are taken
MAIN = 0.8  # of an object's area, that lies in its largest part: groups of small things are left out
SMALLEST = 140  # pixels, the longer side of an object's box
FILLED = (0.65, 0.92)  # of the frame, by the object's box
ENLARGED = 4.5  # times at most; more looks like nothing that was photographed
SMOOTHING = 1.2  # sigma in pixels of the photo: takes the pixels' corners off the outline
RIM = 2.5  # pixels of the photo along the outline, whose colours are partly the old background's
RIM_OF_TINT = 5.0  # the same for hue and saturation, of which JPEG and WebP keep half the pixels


@dataclass(frozen=True)
class Sides:
    """At which sides of its photo an object is cut off."""

    top: bool
    bottom: bool
    left: bool
    right: bool


@dataclass(frozen=True)
class CutOut:
    """An object in the frame of its composite."""

    colours: ByteArray
    """uint8 (h, w, 3), continued beyond the outline."""
    level: FloatArray
    """float32 (h, w): signed distance to the outline in pixels, above 0 in the object."""


def find_objects(data: Path) -> list[Pair]:
    """List the pairs of a data set whose object can be put elsewhere, in order.

    Objects are in one piece, more or less, and neither small nor cut off at opposite sides.

    Raises
    ------
    DataSetError
        There are none, or halves of pairs are missing.
    """
    found = [pair for pair in find_pairs(data) if suitable(read_mask(pair.mask) > 127)]
    raise_problems(data, [] if found else ["has no object that can be put elsewhere"])
    return found


def suitable(mask: np.ndarray) -> bool:
    """Say whether an object, bool (h, w), can be put elsewhere."""
    if not AREA[0] < mask.mean() < AREA[1]:
        return False
    sides = cut_sides(mask)
    if (sides.top and sides.bottom) or (sides.left and sides.right):
        return False
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if parts[1:, cv2.CC_STAT_AREA].max() < MAIN * mask.sum():
        return False
    return max(cv2.boundingRect(mask.astype(np.uint8))[2:]) >= SMALLEST


def cut_sides(mask: np.ndarray) -> Sides:
    """Find the sides of a photo that its object, bool (h, w), meets."""
    return Sides(*(bool(edge.any()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1])))


def frame_of(mask: np.ndarray) -> Size:
    """Return a megapixel's (height, width), upright for upright objects."""
    _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return MEGAPIXEL[::-1] if width >= height else MEGAPIXEL


def signed_distance(mask: np.ndarray) -> FloatArray:
    """Return the distance to the outline of bool (h, w) in pixels, above 0 inside, smoothed."""
    inside, outside = (
        cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for part in (mask, ~mask)
    )
    # the outline lies half way between the centres of neighbouring pixels
    distance = np.where(mask, inside - 0.5, 0.5 - outside).astype(np.float32)
    return cv2.GaussianBlur(distance, (0, 0), SMOOTHING, borderType=cv2.BORDER_REPLICATE)


def place(pair: Pair, rng: np.random.Generator) -> CutOut:
    """Put an object at a random place and size into a frame of one megapixel.

    The outline is enlarged as a level set, so that its edge is as sharp as the frame allows. An object
    that its photo cuts off is cut off by the frame.

    Raises
    ------
    DataSetError
        A file cannot be read, or the mask has another size than the photo.
    """
    photo, grey = read_pair(pair)
    if photo.shape[:2] != grey.shape:
        raise DataSetError(f"{pair.image}: has another size than its mask")
    mask = grey > 127
    frame, level = frame_of(mask), signed_distance(mask)
    colours = clean_colours(photo, level)
    matrix, scale = _placing(mask, frame, rng)
    enlarged = _warp(colours, matrix, frame).clip(0, 1)
    return CutOut(np.rint(enlarged * 255).astype(np.uint8), np.float32(scale) * _warp(level, matrix, frame))


def clean_colours(photo: ByteArray, level: FloatArray) -> FloatArray:
    """Replace the colours of the rim and of all outside by those further inside.

    Parameters
    ----------
    photo : uint8 (h, w, 3)
    level : float32 (h, w)
        Signed distance to the outline in pixels, above 0 inside.

    Returns
    -------
    float32 (h, w, 3) in [0, 1]
    """
    colours = photo.astype(np.float32) / np.float32(255)
    light, tint = (
        cv2.cvtColor(pull_push(colours, level > min(rim, 0.5 * level.max())), cv2.COLOR_RGB2YCrCb)
        for rim in (RIM, RIM_OF_TINT)
    )
    light[..., 1:] = tint[..., 1:]
    return cv2.cvtColor(light, cv2.COLOR_YCrCb2RGB).clip(0, 1)


def _placing(mask: np.ndarray, frame: Size, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Draw a scale and a place: the matrix of the way into the frame, and the scale."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    sides = cut_sides(mask)
    scale = min(rng.uniform(*FILLED) * min(frame[0] / height, frame[1] / width), ENLARGED)
    corner = []
    for free, before, after in (
        (frame[1] - scale * width, sides.left, sides.right),
        (frame[0] - scale * height, sides.top, sides.bottom),
    ):
        drawn = free * rng.uniform(0.15, 0.85)
        corner.append(0.0 if before else free if after else drawn)
    # centres of pixels are at whole numbers, corners half a pixel before
    x, y = (edge - scale * (start - 0.5) - 0.5 for edge, start in zip(corner, (left, top), strict=True))
    return np.array([[scale, 0, x], [0, scale, y]]), scale


def _warp(array: np.ndarray, matrix: np.ndarray, frame: Size) -> FloatArray:
    warped = cv2.warpAffine(
        array, matrix, frame[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.float32)
