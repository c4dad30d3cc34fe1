"""Put a picture and its matte together: cut-out, matte, new background, blur or overlay.

Everything is done in strips of rows, so that beside the picture, the matte and the result only
little memory is used, whatever the size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..errors import InputError, UsageError
from ..images.picture import convert_depth, white_of
from ..images.result import Result
from ..options.result import ForegroundColours, check_threshold
from ..options.result_types import GREEN, Backdrop, Blur, Matte, ResultType, Rgba, Solid
from .backgrounds import Backdrops, BackdropSource

if TYPE_CHECKING:
    import torch

    from ..images.picture import Picture
    from ..types import BackgroundFit, ColourArray, FloatArray


STRIP_PIXELS = 1 << 19  # pixels handled at once: about 6 MB of float32 colours
BLEND_PIXELS = 1 << 16  # pixels blended at once: what fits a core's cache; six times as fast
BLUR_SIGMA = 15.0  # pixels, as in transparent-background 1.3.4
BLUR_SHRINK = 4


def finish_alpha(
    alpha: FloatArray,
    *,
    threshold: float | str | None = None,
    reverse: bool = False,
    own: FloatArray | None = None,
) -> FloatArray:
    """Apply threshold, then reversal, then the picture's own transparency.

    Parameters
    ----------
    alpha
        The matte (h, w), float32 in [0, 1]. It is not changed.
    threshold
        If given, alpha becomes 1 where it is above it and 0 elsewhere.
    reverse
        Keep the background in place of the object: 1 - alpha.
    own
        The transparency (h, w) that the picture came with, or None; the result is multiplied by it.

    Returns
    -------
    (h, w), float32; ``alpha`` itself if there was nothing to do.
    """
    limit = check_threshold(threshold)
    if limit is not None:
        alpha = (alpha > limit).astype(np.float32)
    if reverse:
        alpha = np.subtract(np.float32(1), alpha)
    if own is not None:
        if own.shape != alpha.shape:
            raise InputError(f"own transparency is {own.shape}, but the matte is {alpha.shape}")
        alpha = alpha * own
    return alpha


def compose(
    picture: Picture,
    alpha: FloatArray,
    type: ResultType,
    *,
    fit: BackgroundFit = "cover",
    foreground: ForegroundColours = "auto",
    backdrops: BackdropSource | None = None,
    device: torch.device | None = None,
) -> Result:
    """Make a result of a picture and its finished matte.

    Parameters
    ----------
    picture
        The picture, uint8, uint16 or float32; results keep its type.
    alpha
        Its matte (h, w), float32 in [0, 1], after :func:`finish_alpha`.
    type
        What to make, from :func:`parse_type`.
    fit
        How a background picture is brought to size: see :func:`backgrounds.fit_background`.
    foreground
        ``estimate`` takes the object's colours free of the old background at soft edges,
        ``original`` the picture's own; ``auto`` estimates for ``rgba`` with a soft matte, and keeps
        the picture's own everywhere else, as transparent-background 1.3.4 did.
    backdrops
        Keeps a background file between calls; without it the file is read each time.
    device
        Where colours are estimated; None: the CPU.

    Raises
    ------
    InputError
        If the matte has another size, or a background file cannot be read.
    UsageError
        If ``fit`` or ``foreground`` is unknown.
    """
    if alpha.shape != picture.rgb.shape[:2]:
        raise InputError(f"the matte is {alpha.shape}, but the picture is {picture.rgb.shape[:2]}")
    if foreground not in ("auto", "estimate", "original"):
        raise UsageError(f"foreground {foreground!r} is unknown; choose auto, estimate or original")
    if isinstance(type, Matte):
        return Result(grey=alpha)
    rgb = picture.rgb
    if foreground == "estimate" or (foreground == "auto" and isinstance(type, Rgba)):
        rgb = _own_colours(rgb, alpha, device)
    if isinstance(type, Rgba):
        return Result(rgb=rgb, alpha=alpha)
    if isinstance(type, Solid):
        return Result(rgb=blend(rgb, alpha, type.rgb))
    if isinstance(type, Backdrop):
        background = (backdrops or Backdrops()).get(type.path, alpha.shape, fit)
        return Result(rgb=blend(rgb, alpha, background))
    if isinstance(type, Blur):
        return Result(rgb=blend(rgb, alpha, _Blurred(picture, alpha)))
    return Result(rgb=_overlay(rgb, alpha))


def _own_colours(rgb: ColourArray, alpha: FloatArray, device: torch.device | None) -> ColourArray:
    """Estimate the foreground, unless the matte is binary and there is nothing to separate."""
    if all(np.all((part == 0) | (part == 1)) for part in (alpha[rows] for rows in _strips(alpha))):
        return rgb
    from .foreground.estimate import estimate_foreground

    return estimate_foreground(rgb, alpha, device=device)


def _strips(array: FloatArray | ColourArray, pixels: int = STRIP_PIXELS) -> Iterator[slice]:
    """Cut the rows into strips of about so many pixels, each a multiple of 16 rows."""
    height, width = array.shape[:2]
    step = max(1, pixels // (16 * width)) * 16
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _colour(rgb: tuple[int, int, int], like: ColourArray) -> FloatArray:
    """Bytes -> (1, 1, 3) float32 in the value range of a picture."""
    colour: FloatArray = np.asarray(rgb, np.float32) * np.float32(white_of(like.dtype) / 255)
    return colour[None, None]


class _Blurred:
    """The picture's background, blurred as if the object were not there; made strip by strip.

    blur(I (1 - a)) / blur(1 - a): each pixel of the background counts by how much background it
    is, so no colour of the object runs out around it. Since a blur by 15 pixels leaves no detail,
    it is made at a quarter of the size.
    """

    def __init__(self, picture: Picture, alpha: FloatArray) -> None:
        height, width = alpha.shape
        self.size = (height, width)
        shrink = BLUR_SHRINK if min(height, width) >= 16 * BLUR_SHRINK else 1
        small = []
        for rows in _strips(alpha):
            weight = 1 - alpha[rows]
            if picture.alpha is not None:
                weight *= picture.alpha[rows]  # what is transparent has no colour to show
            stacked = np.dstack([picture.rgb[rows].astype(np.float32) * weight[..., None], weight])
            size = (-(-width // shrink), -(-stacked.shape[0] // shrink))
            small.append(cv2.resize(stacked, size, interpolation=cv2.INTER_AREA))
        joined = np.concatenate(small)
        # Averaging n pixels blurs by (n^2 - 1) / 12, the way back by about n^2 / 6 square pixels.
        known = (shrink**2 - 1) / 12 + (shrink**2 / 6 if shrink > 1 else 0)
        sigma = math.sqrt(BLUR_SIGMA**2 - known) / shrink
        blurred = cv2.GaussianBlur(joined, (0, 0), sigma)
        total = float(joined[..., 3].sum())
        mean = joined[..., :3].sum((0, 1)) / max(total, 1e-6)
        # Deep inside the object no background is near: it fades into the background's mean.
        known_weight = np.maximum(blurred[..., 3:], 0) + np.float32(1e-4)
        self.small = ((blurred[..., :3] + np.float32(1e-4) * mean) / known_weight).astype(np.float32)

    def __getitem__(self, rows: slice) -> FloatArray:
        """Return some rows at full size, (rows, w, 3)."""
        _, width = self.size
        small_height, small_width = self.small.shape[:2]
        if (small_height, small_width) == self.size:
            part: FloatArray = self.small[rows]
            return part
        shift = np.array(
            [
                [small_width / width, 0, 0.5 * small_width / width - 0.5],
                [0, 1 / BLUR_SHRINK, (rows.start + 0.5) / BLUR_SHRINK - 0.5],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        enlarged = cv2.warpAffine(
            self.small,
            shift,
            (width, rows.stop - rows.start),
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result: FloatArray = enlarged.astype(np.float32, copy=False)
        return result


def blend(
    rgb: ColourArray, alpha: FloatArray, background: ColourArray | tuple[int, int, int] | _Blurred
) -> ColourArray:
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
        behind = (*(_colour(background, rgb)[0, 0].tolist()), 0.0)  # what OpenCV takes for one colour
    for rows in _strips(alpha, BLEND_PIXELS):
        if isinstance(background, _Blurred):
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


_DEPTHS = {"u1": cv2.CV_8U, "u2": cv2.CV_16U, "f4": cv2.CV_32F}


def flatten(result: Result, colour: tuple[int, int, int]) -> Result:
    """Put a cut-out over a colour (three bytes), for formats that hold no transparency."""
    if result.rgb is None or result.alpha is None:
        return result
    return Result(rgb=blend(result.rgb, result.alpha, colour))


def _store(colours: FloatArray, out: ColourArray) -> None:
    """Round floats in the range of ``out`` into it."""
    if out.dtype.kind == "u":
        colours += np.float32(0.5)
    np.clip(colours, 0, white_of(out.dtype), out=colours)
    out[...] = colours.astype(out.dtype)


def _overlay(rgb: ColourArray, alpha: FloatArray) -> ColourArray:
    """Tint the object half green and draw its edge, as transparent-background 1.3.4 did."""
    tint = _colour(GREEN, rgb)
    out = np.empty_like(rgb)
    for rows in _strips(alpha):
        mixed = rgb[rows].astype(np.float32)
        mixed += (alpha[rows] * np.float32(0.5))[..., None] * (tint - mixed)
        _store(mixed, out[rows])
    edge = cv2.Canny((alpha > 0.5).astype(np.uint8) * np.uint8(255), 50, 100)
    line = np.rint(tint[0, 0]) if rgb.dtype.kind == "u" else tint[0, 0]
    out[edge != 0] = line.astype(rgb.dtype)
    return out
