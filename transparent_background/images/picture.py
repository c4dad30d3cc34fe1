"""A decoded picture: RGB of 8 or 16 bits or float, its own transparency, and what its file said.

Every Pillow mode, array and tensor that the package takes is brought to this form here, once.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ..errors import InputError, UnreadableError
from ..types import ColourArray, FloatArray
from .exif import read_exif, upright
from .opening import DAMAGED

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture's file said besides its pixels, and is still true of them."""

    icc_profile: bytes | None = None
    """ICC profile of the RGB values."""
    dpi: tuple[float, float] | None = None
    """Dots per inch, horizontal and vertical."""
    exif: bytes | None = None
    """EXIF block; its orientation has been applied to the pixels and is 1."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture."""

    rgb: ColourArray
    """(h, w, 3), C-contiguous: uint8, uint16, or float32 in [0, 1]."""
    alpha: FloatArray | None = None
    """(h, w) float32 in [0, 1]: its own transparency; None if it is opaque everywhere."""
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]


def from_pil(image: Image.Image, *, orient: bool = True) -> Picture:
    """Decode a Pillow picture of any mode.

    CMYK and LAB with an ICC profile go through it to sRGB. ``I;16``
    keeps its 16 bits; ``I`` is read as 16 bits if its values fit, else its range is stretched;
    ``F`` is read as [0, 1] or 0..255 if its values fit, else its range is stretched.

    Parameters
    ----------
    orient
        Whether EXIF orientation is applied; else the picture keeps its size, and has no EXIF data.

    Raises
    ------
    UnreadableError
        The file behind the picture is damaged.
    InputError
        The picture has no pixels, or NaN among them.
    """
    if min(image.size) < 1:
        raise InputError(f"a picture of {image.width} x {image.height} pixels has nothing in it")
    try:
        image.load()
    except DAMAGED as error:
        raise UnreadableError(f"the picture cannot be decoded: {error}") from error
    orientation, exif = read_exif(image) if orient else (1, None)
    turned = upright(image, orientation)
    profile, dpi = image.info.get("icc_profile"), _dpi(image)
    if orientation >= 5 and dpi:  # on its side
        dpi = dpi[1], dpi[0]
    if turned.mode in ("CMYK", "LAB") and profile:
        turned = _through_profile(turned, profile)
        profile = None
    elif turned.mode in _NOT_RGB or (profile or b"")[16:20] != b"RGB ":
        profile = None  # one of greys spoils an RGB file
    deep = turned.mode.startswith("I") or turned.mode == "F"
    rgb, alpha = _split_deep(turned) if deep else _split(turned)
    return Picture(rgb, alpha, Metadata(profile, dpi, exif))


# Pillow turns these into RGB by a plain formula, after which a profile no longer fits
_NOT_RGB = frozenset(("1", "L", "LA", "La", "CMYK", "LAB", "YCbCr", "HSV"))


def _split(image: Image.Image) -> tuple[NDArray[np.uint8], FloatArray | None]:
    """Return 8-bit RGB, and transparency if any pixel has some."""
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if not image.has_transparency_data:
        return np.array(image if image.mode == "RGB" else image.convert("RGB")), None
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    # Pillow takes channels apart several times faster than numpy slices them
    return np.array(rgba.convert("RGB")), transparency(np.asarray(rgba.getchannel("A")))


def transparency(alpha: Array, peak: int | None = None) -> FloatArray | None:
    """Bring a channel of any number type to float32, or None if it is opaque everywhere.

    Parameters
    ----------
    peak
        Its value for opaque; None: the largest that its type holds, for floats 1.
    """
    if peak is None:
        peak = 1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max
    if alpha.min() >= peak:
        return None
    return np.multiply(alpha, np.float32(1 / peak), dtype=np.float32)


def _split_deep(image: Image.Image) -> tuple[Array, FloatArray | None]:
    """Read the grey modes with more than 8 bits; PNG may name one of their values as transparent."""
    clear, alpha = image.info.get("transparency"), None
    if isinstance(clear, int) and image.mode != "F":
        alpha = transparency(np.asarray(image) != clear, 1)
    return _grey_to_rgb(_deep_grey(image)), alpha


def _deep_grey(image: Image.Image) -> Array:
    """Read the modes with more than 8 bits as (h, w) uint16 or float32 in [0, 1]."""
    values = np.array(image)
    if values.dtype.kind == "f":
        return from_floats(values)
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 65535:
        return values.astype(np.uint16)
    return np.rint((values.astype(np.float64) - low) * (65535 / ((high - low) or 1))).astype(np.uint16)


def from_floats(values: Array) -> FloatArray:
    """Bring floats of a file to float32 in [0, 1]: as they are, from 0..255, or their range stretched.

    Raises
    ------
    InputError
        There are NaN or infinite values among them.
    """
    _check_finite(values)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return values.astype(np.float32)
    if low >= 0 and high <= 255:
        return (values / 255).astype(np.float32)
    return ((values - low) / ((high - low) or 1)).astype(np.float32)


def _grey_to_rgb(grey: Array) -> Array:
    return np.repeat(grey[..., None], 3, axis=2)


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB by the picture's own profile; by Pillow's plain formula if that is broken."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    return image.convert("RGB") if converted is None else converted


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    dpi = image.info.get("dpi")
    try:
        horizontal, vertical = (float(value) for value in dpi)  # type: ignore[union-attr]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (horizontal, vertical) if horizontal > 0 and vertical > 0 else None


def from_array(array: Array) -> Picture:
    """Read an array.

    Parameters
    ----------
    array
        (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA; uint8, uint16, bool, or float in [0, 1].

    Raises
    ------
    InputError
        Its shape or number type is another, it is empty, or holds NaN or values outside [0, 1].
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise InputError(
            f"an array of shape {array.shape} is no picture; expected (h, w), (h, w, 3) or (h, w, 4)"
        )
    if array.size == 0:
        raise InputError(f"an array of shape {array.shape} has no pixels")
    values = _numbers(array)
    if array.shape[2] == 1:
        return Picture(_grey_to_rgb(values[..., 0]))
    if array.shape[2] == 3:
        return Picture(np.ascontiguousarray(values))
    return Picture(np.ascontiguousarray(values[..., :3]), transparency(values[..., 3]))


def _numbers(array: Array) -> Array:
    """Bring an array to uint8, uint16 or float32."""
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind != "f":
        raise InputError(f"an array of {array.dtype} is not supported; use uint8, uint16 or float in [0, 1]")
    _check_finite(array)
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise InputError(
            f"a float array must be in [0, 1], but this one goes from {low:g} to {high:g}; "
            "divide by 255 or convert to uint8"
        )
    return array.astype(np.float32)


def _check_finite(values: Array) -> None:
    if not np.isfinite(values).all():
        raise InputError("the picture holds NaN or infinite values")


def from_tensor(tensor: torch.Tensor) -> Picture:
    """Read a tensor.

    Parameters
    ----------
    tensor
        (c, h, w) or (1, c, h, w) with c = 1, 3 or 4, or the same with the channels last, on any device;
        uint8, or float in [0, 1].

    Raises
    ------
    InputError
        As for :func:`from_array`.
    """
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] == 1:
        tensor = tensor[0]
    last = tensor.ndim == 3 and channels_last(tensor)
    if tensor.ndim != 3 or not (last or tensor.shape[0] in (1, 3, 4)):
        raise InputError(
            f"a tensor of shape {shape} is no picture; expected (3, h, w), (4, h, w) or (1, h, w), "
            "with the channels first or last, or the same with a batch of one"
        )
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()  # numpy has no bfloat16
    return from_array(np.ascontiguousarray((tensor if last else tensor.permute(1, 2, 0)).numpy()))


def channels_last(tensor: torch.Tensor) -> bool:
    """Whether a tensor (..., c, h, w) or (..., h, w, c) holds its channels last; first, if either may be."""
    return tensor.shape[-3] not in (1, 3, 4) and tensor.shape[-1] in (1, 3, 4)


def to_eight_bit(values: Array) -> NDArray[np.uint8]:
    """Round uint8, uint16 or float [0, 1] values of any shape to 8 bits."""
    if values.dtype == np.uint8:
        return values
    import cv2

    scale = 255.0 if values.dtype.kind == "f" else 255.0 / 65535.0
    return cv2.convertScaleAbs(values, alpha=scale).reshape(values.shape)


def convert_depth(colours: ColourArray, dtype: np.dtype[Any]) -> ColourArray:
    """Turn colours (h, w, 3) into another of uint8, uint16, float32; white stays white."""
    if colours.dtype == dtype:
        return colours
    if dtype == np.uint16 and colours.dtype == np.uint8:
        return colours.astype(np.uint16) * np.uint16(257)
    scaled: FloatArray = colours.astype(np.float32)
    scaled *= np.float32(white_of(dtype) / white_of(colours.dtype))
    if dtype == np.float32:
        return scaled
    return (scaled + np.float32(0.5)).astype(dtype)


def white_of(dtype: np.dtype[Any]) -> float:
    """Return the value of white: 255, 65535 or 1."""
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def to_pil(colours: Array, alpha: FloatArray | None = None) -> Image.Image:
    """Make an 8-bit Pillow picture.

    Parameters
    ----------
    colours
        (h, w, 3) RGB or (h, w) grey: uint8, uint16 or float32 in [0, 1]; rounded.
    alpha
        (h, w) float32 in [0, 1], or None for an opaque picture.

    Returns
    -------
    Mode RGB, RGBA, L or LA.
    """
    image = Image.fromarray(to_eight_bit(colours))
    if alpha is not None:
        image.putalpha(Image.fromarray(to_eight_bit(alpha)))
    return image
