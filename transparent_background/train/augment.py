"""Random changes of a picture and its mask: geometry by one warp, colours and damage by albumentations."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from ..types import ByteArray, FloatArray
from .config import AugmentConfig

SMALLEST = 0.35  # side of the smaller original that a damaged picture is taken from, of its own


class Augmenter:
    """Changes samples as a configuration says; a sample's result follows from its generator alone."""

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config
        self._colour, self._damage = _albumentations(config)

    def geometry(
        self, image: ByteArray, mask: FloatArray, frame: tuple[int, int], rng: np.random.Generator
    ) -> tuple[ByteArray, FloatArray]:
        """Zoom, rotate, shift and flip while resizing.

        Parameters
        ----------
        image : uint8 (h, w, 3)
        mask : float32 (h, w) in [0, 1]
        frame
            (height, width) wanted.

        Returns
        -------
        image : uint8 (height, width, 3)
        mask : float32 (height, width) in [0, 1]
        """
        c = self.config
        zoom = rng.uniform(*c.scale) if rng.random() < c.scale_chance else 1.0
        stretch = math.exp(rng.uniform(-1, 1) * math.log(c.aspect) / 2)
        angle = rng.uniform(-c.rotate, c.rotate) if rng.random() < c.rotate_chance else 0.0
        height, width = frame[0] * zoom / stretch, frame[1] * zoom * stretch
        shift = c.shift * rng.uniform(-0.5, 0.5, 2) * np.abs([width - frame[1], height - frame[0]])
        size = (max(round(width), 1), max(round(height), 1))
        image, mask = _resize(image, size), _resize(mask, size)
        if size != frame[::-1] or angle:
            matrix = cv2.getRotationMatrix2D(((size[0] - 1) / 2, (size[1] - 1) / 2), angle, 1.0)
            matrix[:, 2] += [(frame[1] - size[0]) / 2 + shift[0], (frame[0] - size[1]) / 2 + shift[1]]
            image = cv2.warpAffine(image, matrix, frame[::-1], flags=cv2.INTER_LINEAR)
            mask = cv2.warpAffine(mask, matrix, frame[::-1], flags=cv2.INTER_LINEAR)
        return self.flip(image, mask, rng)

    def flip(
        self, image: ByteArray, mask: FloatArray, rng: np.random.Generator
    ) -> tuple[ByteArray, FloatArray]:
        """Mirror left and right, by chance."""
        if rng.random() < self.config.flip_chance:
            return np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])
        return image, mask

    def appearance(self, image: ByteArray, rng: np.random.Generator) -> ByteArray:
        """Change colours, contrast and quality: uint8 (h, w, 3) to the same."""
        image = self._enhance(image, rng)
        for pipeline in (self._colour, self._damage):
            if pipeline is not None:
                pipeline.set_random_seed(int(rng.integers(2**31)))
                image = pipeline(image=image)["image"]
        return image

    def _enhance(self, image: ByteArray, rng: np.random.Generator) -> ByteArray:
        """Raise contrast, sharpness and brightness a little, in random order."""
        enhancers = [ImageEnhance.Contrast, ImageEnhance.Sharpness, ImageEnhance.Brightness]
        chosen = [enhancers[i] for i in rng.permutation(3) if rng.random() < self.config.enhance_chance]
        if not chosen or not self.config.enhance:
            return image
        picture = Image.fromarray(image)
        for enhancer in chosen:
            picture = enhancer(picture).enhance(1 + self.config.enhance * rng.random())
        return np.asarray(picture)


def _resize(array: Any, size: tuple[int, int]) -> Any:
    """Resize to (width, height), averaging where it gets smaller."""
    smaller = size[0] < array.shape[1] or size[1] < array.shape[0]
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def _albumentations(config: AugmentConfig) -> tuple[Any, Any]:
    """Return the pipelines of colour and of damage, or None for those that have no chance."""
    if not (config.colour_chance or config.degrade_chance):
        return None, None
    import albumentations as A

    # OneOf reads the chances of its members as relative weights
    colour = A.OneOf(
        [
            A.ColorJitter(
                brightness=(0.7, 1.3), contrast=(0.7, 1.3), saturation=(0.5, 1.5), hue=(-0.05, 0.05), p=1.0
            ),
            A.RandomGamma(gamma_limit=(60, 160), p=0.5),
            A.RGBShift(p=0.25),
            A.ToGray(p=0.15),
        ],
        p=config.colour_chance,
    )
    damage = A.OneOf(
        [
            A.ImageCompression(quality_range=(25, 85), p=1.0),
            A.GaussNoise(std_range=(0.01, 0.07), p=0.7),
            A.GaussianBlur(blur_limit=(3, 5), p=0.3),
            A.MotionBlur(blur_limit=(3, 9), p=0.3),
            A.Downscale(scale_range=(SMALLEST, 0.8), p=0.7),
        ],
        p=config.degrade_chance,
    )
    return A.Compose([colour]), A.Compose([damage])
