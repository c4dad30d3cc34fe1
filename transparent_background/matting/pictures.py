"""Mattes of pictures at their own sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional

from ..images.picture import to_eight_bit

if TYPE_CHECKING:
    from ..engine.predictor import Predictor
    from ..images.picture import Picture
    from ..types import ByteArray, FloatArray, Size

RADIUS = 2  # pixels of the coarse matte; benchmarks/steady.py has the choice
EPSILON = 4e-3  # variance of luma in [0, 1] that makes half an edge; less lets texture through
ENLARGES = 1.5  # below it, the matte is fine enough for the network's own edges


def predict_mattes(predictor: Predictor, pictures: Sequence[Picture]) -> list[FloatArray]:
    """Predict the mattes of decoded pictures, without their own transparency.

    Returns
    -------
    list of float32 (h, w) in [0, 1], in the order of the pictures.
    """
    predictions = predictor.predictions(pictures)
    return [matte_at(p, picture.size) for p, picture in zip(predictions, pictures, strict=True)]


def matte_at(prediction: torch.Tensor, size: Size) -> FloatArray:
    """Bring a prediction (1, 1, h, w), on any device, to a picture's size: float32 (height, width)."""
    # align_corners=True as published; the weights' users expect these very edges
    resized = functional.interpolate(prediction, size=size, mode="bilinear", align_corners=True)
    matte: FloatArray = resized[0, 0].clamp_(0.0, 1.0).cpu().numpy()
    return matte


def enlarge(matte: FloatArray, picture: Picture) -> FloatArray:
    """Bring a matte to a picture's size: along its edges if it grows much, else bilinearly."""
    height, width = picture.size
    own_height, own_width = matte.shape
    if height * width > ENLARGES**2 * own_height * own_width:
        return guided_upsample(matte, to_eight_bit(picture.rgb))
    if height < own_height and width < own_width:
        shrunk: FloatArray = cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA)
        return shrunk
    return matte_at(torch.from_numpy(matte)[None, None], picture.size)


def guided_upsample(
    matte: FloatArray, rgb: ByteArray, *, radius: int = RADIUS, epsilon: float = EPSILON
) -> FloatArray:
    """Enlarge a matte by the fast guided filter (He and Sun 2015, arXiv 1505.00996).

    In every small window of the coarse picture the matte is fitted by a line in the picture's luma,
    ``a luma + b``; the coefficients are enlarged and applied to the full luma, so that an edge of the
    matte lies on the edge of the picture beside it.

    Parameters
    ----------
    matte
        (h, w) float32 in [0, 1].
    rgb
        (H, W, 3) uint8, the picture at its own size.
    radius
        Of the windows, in pixels of the matte.
    epsilon
        How much variance of luma makes an edge; larger keeps closer to the matte as it is.

    Returns
    -------
    (H, W) float32 in [0, 1].
    """
    height, width = rgb.shape[:2]
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(guide, matte.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    small *= np.float32(1 / 255)
    window = (2 * radius + 1, 2 * radius + 1)
    mean, mean_matte = cv2.blur(small, window), cv2.blur(matte, window)
    covariance = cv2.blur(small * matte, window) - mean * mean_matte
    variance = cv2.blur(small * small, window) - mean * mean
    slope = covariance / (variance + np.float32(epsilon))
    offset = cv2.blur(mean_matte - slope * mean, window)
    slope = cv2.blur(slope, window) * np.float32(1 / 255)  # the full guide stays in bytes
    result: FloatArray = cv2.resize(slope, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(result, guide, dst=result, dtype=cv2.CV_32F)
    result += cv2.resize(offset, (width, height), interpolation=cv2.INTER_LINEAR)
    np.clip(result, 0, 1, out=result)
    return result
