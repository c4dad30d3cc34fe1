"""The last part of every matte's way: from a picture and its matte to the result that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from ..engine.devices import estimates_on
from ..errors import InputError
from ..images.memory import LEDGER, depth_of, finishing
from ..images.picture import Picture
from ..images.result import Result
from ..options.result import ResultOptions
from ..options.result_types import Backdrop, Matte, Rgba, Solid
from ..options.values import Padding
from ..types import ColourArray, FloatArray
from .backgrounds import Background
from .blend import flatten
from .compose import compose
from .foreground.estimate import estimate_foreground
from .strips import strips

if TYPE_CHECKING:
    import torch

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height of a part of a picture, in pixels."""

LOSES_BACKGROUND = (Rgba, Solid, Backdrop)
"""Types that show nothing of the old background, so that its share in soft edges would be a rim."""
THIN = 8  # pixels, two of the estimate's coarse blocks; what is thinner has no edge to speak of
OBJECT_ABOVE = 0.05  # alpha that counts as object when cropping; fainter haze would keep the frame


@dataclass(frozen=True, slots=True)
class Finished:
    """What was made of one picture and its matte."""

    result: Result
    """What was asked for, cropped if that was asked for too."""
    alpha: FloatArray
    """(h, w) float32 in [0, 1]: the finished matte of the whole picture."""
    colours: ColourArray | None = None
    """(h, w, 3): the object's colours over the whole picture; None where only the matte was wanted."""
    box: Box | None = None
    """What the result shows of the picture, if it was cropped."""


def finish(
    picture: Picture,
    matte: FloatArray,
    settings: ResultOptions,
    device: torch.device,
    *,
    background: Background | None = None,
    holds_alpha: bool = True,
    smooth: bool = False,
    veil: tuple[int, int, int, int] | None = None,
) -> Finished:
    """Make the result that is wanted of a picture and its matte.

    Parameters
    ----------
    picture
        The picture; results keep its number type.
    matte
        (h, w) float32 in [0, 1] at the picture's size, as predicted. It is not changed.
    settings
        What is wanted: ``type``, ``threshold``, ``reverse``, ``fit``, ``foreground``, ``crop``, and
        ``background`` for the colour under cut-outs.
    device
        Where the network runs; on a GPU, the object's colours are estimated there too.
    background
        What lies behind where the type is a ``Backdrop``, kept by the caller from picture to picture.
        None: the type's file is read.
    holds_alpha
        Whether the result may be transparent; where its file can't be, ``settings.background`` goes under.
    smooth
        Smooth the matte and cut it hard first, as rembg does.
    veil
        Red, green, blue and alpha, 0..255, of a colour behind cut-outs, as rembg's ``bgc``.

    Raises
    ------
    InputError
        The matte has another size than the picture, a background file cannot be read, or there is too little
        memory.
    """
    if matte.shape != picture.size:
        raise InputError(f"the matte is {matte.shape}, but the picture is {picture.size}")
    need = finishing(picture.size, depth_of(picture.rgb))
    with LEDGER.hold(need, f"the result of a picture of {picture.size[1]} x {picture.size[0]}"):
        if smooth:
            matte = smooth_mask(matte)
        alpha = _alpha(matte, settings, picture.alpha)
        kind, colours = settings.type, None
        if not isinstance(kind, Matte):
            wanted = settings.foreground
            estimate = wanted == "estimate" or (wanted == "auto" and isinstance(kind, LOSES_BACKGROUND))
            colours = object_colours(picture.rgb, alpha, device) if estimate else picture.rgb
        result = compose(picture, colours, alpha, settings, background)
        if veil is not None:
            result = flatten(result, veil[:3], veil[3] / 255)
        box = None
        if settings.crop is not None:
            left, top, width, height = box = crop_box(alpha, settings.crop)
            part = slice(top, top + height), slice(left, left + width)
            result = result.mapped(lambda values: np.ascontiguousarray(values[part]))
        if not holds_alpha:
            result = flatten(result, settings.background)
        return Finished(result, alpha, colours, box)


def smooth_mask(matte: FloatArray) -> FloatArray:
    """Smooth a matte and cut it hard, as rembg's ``post_process_mask`` does.

    There: a morphological opening by 3 x 3, a Gaussian blur with sigma 2, and a cut at 127 of 255
    (rembg 2.0.86, ``bg.post_process``).
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    blurred = cv2.GaussianBlur(cv2.morphologyEx(matte, cv2.MORPH_OPEN, kernel), (0, 0), 2)
    return (blurred >= 127 / 255).astype(np.float32)


def _alpha(matte: FloatArray, settings: ResultOptions, own: FloatArray | None) -> FloatArray:
    """Apply threshold, then reversal, then the transparency that the picture came with."""
    alpha = matte if settings.threshold is None else (matte > settings.threshold).astype(np.float32)
    if settings.reverse:
        alpha = np.subtract(np.float32(1), alpha)
    return alpha if own is None else alpha * own


def object_colours(rgb: ColourArray, alpha: FloatArray, device: torch.device) -> ColourArray:
    """Estimate the object's colours, unless there is nothing to separate: in a binary matte, or in a line.

    Of a line the estimate, which works in blocks, would take many times the picture's memory.
    """
    if min(alpha.shape) < THIN:
        return rgb
    parts = (alpha[rows] for rows in strips(alpha.shape))
    if all(np.all((part == 0) | (part == 1)) for part in parts):
        return rgb
    return estimate_foreground(rgb, alpha, device=estimates_on(device))


def crop_box(alpha: FloatArray, padding: Padding) -> Box:
    """Return where an object is, plus padding, within the frame; the whole frame if there is no object.

    Parameters
    ----------
    alpha
        The finished matte (h, w) in [0, 1]; the object is where it exceeds 0.05.
    padding
        As :func:`options.values.parse_padding` reads it.
    """
    value, share = padding
    rows = np.flatnonzero((alpha > OBJECT_ABOVE).any(axis=1))
    columns = np.flatnonzero((alpha > OBJECT_ABOVE).any(axis=0))
    if not rows.size:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    longer = int(max(rows[-1] - rows[0], columns[-1] - columns[0])) + 1
    margin = round(value / 100 * longer) if share else round(value)
    top, left = max(int(rows[0]) - margin, 0), max(int(columns[0]) - margin, 0)
    bottom = min(int(rows[-1]) + 1 + margin, alpha.shape[0])
    right = min(int(columns[-1]) + 1 + margin, alpha.shape[1])
    return left, top, right - left, bottom - top
