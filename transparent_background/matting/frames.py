"""Mattes of the frames of one film or camera, in their order."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import torch

from ..engine.predictor import Predictor
from ..images.picture import Picture, to_eight_bit
from ..model.input import resize_rgb
from ..types import FloatArray, ResizeMethod, Size
from .guided import ENLARGES, guided_upsample
from .pictures import matte_at
from .steady import Steadier


class FrameMatter:
    """Predicts mattes frame after frame, and steadies them.

    One pass a frame at the base size, brought to the frame's size along its own edges, is the default: on
    films it is as exact as two passes in ``blend`` and takes half the time (benchmarks/steady.py).

    Parameters
    ----------
    predictor
        Its network is used; it may be shared.
    resize
        How frames are resized for it; None: what the predictor was asked for, else ``"static"``.
    temporal
        Whether mattes are smoothed along the motion.
    """

    base_size: Size | None = None
    """(height, width) that the network sees, multiples of 32, in place of the checkpoint's. It may be
    changed between calls."""

    def __init__(
        self,
        predictor: Predictor,
        *,
        resize: ResizeMethod | None = None,
        temporal: bool = True,
    ) -> None:
        self.predictor = predictor
        self.resize: ResizeMethod = resize or predictor.asked_resize or "static"
        self.steadier = Steadier() if temporal else None

    def __call__(self, pictures: Sequence[Picture]) -> list[FloatArray]:
        """Return the mattes of the next frames, float32 (h, w) in [0, 1] at their own sizes.

        Frames given together share a pass of the network; their results are those of one by one.
        """
        prepared = [self.prepare(picture) for picture in pictures]
        mattes = self.steady(prepared, self.infer(prepared))
        return [enlarge(matte, picture) for matte, picture in zip(mattes, pictures, strict=True)]

    def prepare(self, picture: Picture) -> Picture:
        """Bring a frame to the size the network sees, as far as that is known; any thread may do it."""
        if self.resize != "static":
            return picture
        size = self.base_size or self.predictor.checkpoint.base_size
        return Picture(resize_rgb(to_eight_bit(picture.rgb), size).permute(1, 2, 0).numpy())

    def infer(self, prepared: Sequence[Picture]) -> list[FloatArray]:
        """Return the mattes of prepared frames at the network's size, not steadied; any thread may do it."""
        predictions = self.predictor.predictions(prepared, resize=self.resize, base_size=self.base_size)
        return [prediction[0, 0].float().cpu().numpy() for prediction in predictions]

    def steady(self, prepared: Sequence[Picture], mattes: Sequence[FloatArray]) -> list[FloatArray]:
        """Smooth mattes along the motion; frames have to come in their order."""
        if self.steadier is None:
            return list(mattes)
        pairs = zip(prepared, mattes, strict=True)
        return [self.steadier(to_eight_bit(picture.rgb), matte) for picture, matte in pairs]


def enlarge(matte: FloatArray, picture: Picture) -> FloatArray:
    """Bring a matte to a picture's size: along its edges if it grows much, else bilinearly."""
    height, width = picture.size
    own_height, own_width = matte.shape
    if height * width > ENLARGES**2 * own_height * own_width:
        return guided_upsample(matte, to_eight_bit(picture.rgb))
    if height < own_height and width < own_width:
        return cv2.resize(matte, (width, height), interpolation=cv2.INTER_AREA)
    return matte_at(torch.from_numpy(matte)[None, None], picture.size)
