"""From whatever a caller holds to a :class:`Picture`, and results back to what the caller holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from ..errors import InputError
from ..types import ImageInput
from .picture import Array, Picture, channels_last, from_array, from_pil, from_tensor, to_pil
from .result import Result


def take(image: ImageInput, *, orient: bool = False) -> Picture:
    """Decode one input.

    Parameters
    ----------
    image
        A PIL picture, an array or a tensor; files are read by :mod:`media.reading`.
    orient
        Whether a PIL picture is turned as its EXIF data say; else the result has the size of what was given.

    Raises
    ------
    InputError
        It is none of these, or cannot be used.
    """
    if isinstance(image, Image.Image):
        return from_pil(image, orient=orient)
    if isinstance(image, np.ndarray):
        return from_array(image)
    if isinstance(image, torch.Tensor):
        return from_tensor(image)
    raise InputError(
        f"a picture cannot be made of {type(image).__name__}; "
        "give a PIL picture, an array, a tensor, a path, a file's bytes or a file opened in binary mode"
    )


def give_back(result: Result, like: ImageInput) -> Any:
    """Return a result as the kind of thing that was given.

    Parameters
    ----------
    result
        A finished picture. A matte becomes three equal channels, as in transparent-background 1.3.4.
    like
        The input it was made from.

    Returns
    -------
    An array (h, w, c) or tensor, its channels and batch where the input has them, of the input's number
    type for arrays and tensors, else a PIL picture; c is 4 with alpha, else 3.
    """
    if isinstance(like, np.ndarray):
        return _stack(result, like.dtype)
    if isinstance(like, torch.Tensor):
        dtype = np.dtype(np.uint8 if like.dtype == torch.uint8 else np.float32)
        tensor = torch.from_numpy(_stack(result, dtype))
        if not channels_last(like):
            tensor = tensor.permute(2, 0, 1).contiguous()
        tensor = tensor.to(device=like.device, dtype=like.dtype)
        return tensor[None] if like.ndim == 4 else tensor
    image = to_pil(result.values, result.alpha)
    return image.convert("RGB") if result.rgb is None else image


def _stack(result: Result, dtype: np.dtype[Any]) -> Array:
    """Return one (h, w, 3 or 4) array of the number type, rounded; colours keep theirs if equal."""
    if dtype == np.bool_:
        dtype = np.dtype(np.uint8)
    # float16 and float64 arrays were worked on as float32
    grey = result.rgb is None
    parts = [_quantise(result.values, dtype)] * 3 if grey else [np.asarray(result.rgb, dtype)]
    if result.alpha is not None:
        parts.append(_quantise(result.alpha, dtype))
    return parts[0] if len(parts) == 1 else np.dstack(parts)


def _quantise(values: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "f":
        return values.astype(dtype)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)
