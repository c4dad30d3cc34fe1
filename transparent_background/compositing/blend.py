"""Lay a picture over a colour, another picture, or its own blurred background."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np

from ..images.picture import convert_depth, white_of
from ..images.result import Result
from ..types import ColourArray, FloatArray
from .blur import Blurred
from .strips import strips

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0..255 each."""

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
