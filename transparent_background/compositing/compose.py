"""Put a picture and its finished matte together: cut-out, matte, new background, blur or overlay."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import UsageError
from ..images.picture import Picture
from ..images.result import Result
from ..options.result import ResultOptions
from ..options.result_types import GREEN, Backdrop, Blur, Levels, Matte, Overlay, Rgba, Solid, Tinted
from ..types import ColourArray, FloatArray
from .backgrounds import Background, FileBackground
from .blend import Colour, blend, colour_like, flatten
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
    if isinstance(kind, Levels):
        raise UsageError("type debug is made of pictures, in Python and the command")
    if colours is None or isinstance(kind, Matte):
        return Result(grey=alpha)
    if isinstance(kind, Rgba):
        result = Result(rgb=colours, alpha=alpha)
        return flatten(result, kind.rgb, kind.opacity) if isinstance(kind, Tinted) else result
    if isinstance(kind, Overlay):
        return Result(rgb=_overlay(colours, alpha))
    behind: Colour | Blurred | ColourArray
    if isinstance(kind, Solid):
        behind = kind.rgb
    elif isinstance(kind, Blur):
        behind = Blurred(picture, alpha)
    else:
        if background is None and isinstance(kind, Backdrop):
            background = FileBackground(kind.path, settings.fit)
        if background is None:
            raise TypeError("a picture in memory that lies behind must be handed over as the background")
        behind = background.at_size(picture.size)
    return Result(rgb=blend(colours, alpha, behind))


def _overlay(rgb: ColourArray, alpha: FloatArray) -> ColourArray:
    """Tint the object half green and draw its edge, as transparent-background 1.3.4 did."""
    out = blend(rgb, 1 - alpha * np.float32(0.5), GREEN)
    edge = cv2.Canny((alpha > 0.5).astype(np.uint8) * np.uint8(255), 50, 100)
    out[edge != 0] = colour_like(GREEN, rgb)[0, 0].astype(rgb.dtype)
    return out
