"""Put a picture and its finished matte together: cut-out, matte, new background, blur or overlay."""

from __future__ import annotations

import cv2
import numpy as np

from ..images.picture import Picture
from ..images.result import Result
from ..options.result import ResultOptions
from ..options.result_types import GREEN, Blur, Matte, Overlay, Rgba, Solid
from ..types import ColourArray, FloatArray
from .backgrounds import Background, FileBackground
from .blend import Colour, blend, colour_like
from .blur import Blurred


def compose(
    picture: Picture,
    colours: ColourArray | None,
    alpha: FloatArray,
    settings: ResultOptions,
    background: Background | None,
) -> Result:
    """Put the object's colours and its finished matte together as the type says; a matte needs no colours."""
    kind = settings.type
    if colours is None or isinstance(kind, Matte):
        return Result(grey=alpha)
    if isinstance(kind, Rgba):
        return Result(rgb=colours, alpha=alpha)
    if isinstance(kind, Overlay):
        return Result(rgb=_overlay(colours, alpha))
    behind: Colour | Blurred | ColourArray
    if isinstance(kind, Solid):
        behind = kind.rgb
    elif isinstance(kind, Blur):
        behind = Blurred(picture, alpha)
    else:
        behind = (background or FileBackground(kind.path, settings.fit)).at_size(picture.size)
    return Result(rgb=blend(colours, alpha, behind))


def _overlay(rgb: ColourArray, alpha: FloatArray) -> ColourArray:
    """Tint the object half green and draw its edge, as transparent-background 1.3.4 did."""
    out = blend(rgb, 1 - alpha * np.float32(0.5), GREEN)
    edge = cv2.Canny((alpha > 0.5).astype(np.uint8) * np.uint8(255), 50, 100)
    out[edge != 0] = colour_like(GREEN, rgb)[0, 0].astype(rgb.dtype)
    return out
