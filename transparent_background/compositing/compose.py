"""Put a picture and its finished matte together: cut-out, matte, new background, blur or overlay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..images.result import Result
from ..options.result_types import GREEN, Blur, Matte, Overlay, ResultType, Rgba, Solid
from .backgrounds import Background
from .blend import blend, colour_like
from .blur import Blurred

if TYPE_CHECKING:
    from ..images.picture import Picture
    from ..types import ColourArray, FloatArray


def compose(
    picture: Picture, rgb: ColourArray, alpha: FloatArray, type: ResultType, background: Background | None
) -> Result:
    """Make a result of a picture.

    Parameters
    ----------
    picture
        The picture, uint8, uint16 or float32; results keep its type.
    rgb
        The colours to show of the object, (h, w, 3): the picture's own, or those estimated for it.
    alpha
        Its finished matte (h, w), float32 in [0, 1].
    type
        What to make.
    background
        What lies behind where the type is a ``Backdrop``.
    """
    if isinstance(type, Matte):
        return Result(grey=alpha)
    if isinstance(type, Rgba):
        return Result(rgb=rgb, alpha=alpha)
    if isinstance(type, Solid):
        return Result(rgb=blend(rgb, alpha, type.rgb))
    if isinstance(type, Blur):
        return Result(rgb=blend(rgb, alpha, Blurred(picture, alpha)))
    if isinstance(type, Overlay):
        return Result(rgb=_overlay(rgb, alpha))
    if background is None:
        raise TypeError("a new background is wanted, but none was given")
    return Result(rgb=blend(rgb, alpha, background.at_size(picture.size)))


def _overlay(rgb: ColourArray, alpha: FloatArray) -> ColourArray:
    """Tint the object half green and draw its edge, as transparent-background 1.3.4 did."""
    out = blend(rgb, 1 - alpha * np.float32(0.5), GREEN)
    edge = cv2.Canny((alpha > 0.5).astype(np.uint8) * np.uint8(255), 50, 100)
    out[edge != 0] = colour_like(GREEN, rgb)[0, 0].astype(rgb.dtype)
    return out
