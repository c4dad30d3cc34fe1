"""Mattes of pictures at their own sizes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from ..engine.predictor import Predictor
from ..images.picture import Picture
from ..types import FloatArray, Size


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
    return resized[0, 0].clamp_(0.0, 1.0).cpu().numpy()
