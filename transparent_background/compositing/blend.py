"""Lay a picture over a colour, another picture, or its own blurred background."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

from ..images.picture import convert_depth, white_of
from ..images.result import Result
from .strips import strips

if TYPE_CHECKING:
    from ..images.picture import Picture
    from ..types import ColourArray, FloatArray

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0..255 each."""

SIGMA = 15.0  # pixels of the blur, as in transparent-background 1.3.4
SHRINK = 4  # times in which the blurred background is smaller
BLEND_PIXELS = 1 << 16  # pixels blended at once: what fits a core's cache; six times as fast
_DEPTHS = {"u1": cv2.CV_8U, "u2": cv2.CV_16U, "f4": cv2.CV_32F}


def blend(rgb: ColourArray, alpha: FloatArray, background: ColourArray | Colour | Blurred) -> ColourArray:
    """Lay a picture over a background: ``alpha * rgb + (1 - alpha) * background``, rounded.

    Parameters
    ----------
    rgb
        (h, w, 3), uint8, uint16 or float32.
    alpha
        (h, w), float32 in [0, 1].
    background
        (h, w, 3) of any of these types, or one colour as three bytes.

    Returns
    -------
    (h, w, 3) of ``rgb``'s type.
    """
    out = np.empty_like(rgb)
    depth = _DEPTHS[rgb.dtype.str[1:]]
    behind: Any = background
    if isinstance(background, tuple):
        behind = (*(colour_like(background, rgb)[0, 0].tolist()), 0.0)  # what OpenCV takes for one colour
    for rows in strips(alpha.shape, BLEND_PIXELS):
        if isinstance(background, Blurred):
            behind = background[rows]
        elif not isinstance(background, tuple):
            behind = convert_depth(background[rows], rgb.dtype)
        weight = alpha[rows]
        mixed = cv2.subtract(rgb[rows], behind, dtype=cv2.CV_32F)
        cv2.multiply(mixed, cv2.merge([weight, weight, weight]), dst=mixed)
        cv2.add(mixed, behind, dst=out[rows], dtype=depth)  # rounds, and stops at black and white
    if depth == cv2.CV_32F:
        np.clip(out, 0, 1, out=out)
    return out


def colour_like(colour: Colour, like: ColourArray) -> FloatArray:
    """Bytes -> (1, 1, 3) float32 in the value range of a picture."""
    scaled: FloatArray = np.asarray(colour, np.float32) * np.float32(white_of(like.dtype) / 255)
    return scaled[None, None]


def flatten(result: Result, colour: Colour, opacity: float = 1.0) -> Result:
    """Put a cut-out over a colour (three bytes); whatever has no transparency stays as it is.

    A colour that lets something through itself leaves a cut-out: ``A = a + (1 - a) opacity``, with
    the colours mixed by their shares in it.
    """
    if result.rgb is None or result.alpha is None:
        return result
    if opacity == 1:
        return Result(rgb=blend(result.rgb, result.alpha, colour))
    total = result.alpha + (1 - result.alpha) * np.float32(opacity)
    own = np.divide(result.alpha, total, out=np.zeros_like(total), where=total > 0)
    return Result(rgb=blend(result.rgb, own, colour), alpha=total)


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
            part: FloatArray = self.small[rows]
            return part
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
        result: FloatArray = enlarged.astype(np.float32, copy=False)
        return result
