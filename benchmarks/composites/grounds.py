"""What cut-outs are put on: the held-out half of a folder of pictures, or drawn ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from transparent_background.errors import DataSetError
from transparent_background.media.pairs import find_pictures, read_image
from transparent_background.train.compositing import random_part
from transparent_background.types import FloatArray, Size

PART = (0.7, 1.0)  # of a picture, the least and the most that is shown


def held_out(path: Path) -> bool:
    """Say whether a background is kept from training: the SHA-256 of its file's stem is even."""
    return hashlib.sha256(path.stem.encode()).digest()[-1] % 2 == 0


def find_grounds(folder: Path) -> list[Path]:
    """List the held-out pictures of a folder, in order.

    Raises
    ------
    DataSetError
        There are none.
    """
    found = [path for path in find_pictures(folder) if held_out(path)]
    if not found:
        raise DataSetError(f"{folder}: has no held-out pictures")
    return found


def read_ground(path: Path, frame: Size, rng: np.random.Generator) -> FloatArray:
    """Enlarge a random part of a picture: float32 (*frame, 3) in [0, 1]."""
    photo = read_image(path)
    part = random_part(photo, frame, rng, PART).astype(np.float32) / np.float32(255)
    larger = part.shape[0] > frame[0] or part.shape[1] > frame[1]
    way = cv2.INTER_AREA if larger else cv2.INTER_CUBIC
    return cv2.resize(part, frame[::-1], interpolation=way).clip(0, 1)


def draw_ground(frame: Size, rng: np.random.Generator) -> FloatArray:
    """Draw a blurred scene, as behind things in photos: float32 (*frame, 3) in [0, 1]."""
    scene = np.empty((*frame, 3), np.float32)
    scene[:] = rng.uniform(0.25, 0.75) + rng.normal(0, 0.05, 3)
    for _ in range(int(rng.integers(6, 14))):
        centre = tuple(int(rng.integers(0, side)) for side in frame[::-1])
        axes = tuple(int(side * rng.uniform(0.05, 0.4)) for side in frame[::-1])
        shade = rng.normal(0, 0.15) + rng.normal(0, 0.05, 3)
        colour = (scene[centre[1], centre[0]] + shade).clip(0, 1).tolist()
        if rng.random() < 0.5:
            cv2.ellipse(scene, centre, axes, rng.uniform(0, 180), 0, 360, colour, -1)
        else:
            far = (centre[0] + axes[0], centre[1] + axes[1])
            cv2.rectangle(scene, centre, far, colour, -1)
    scene = cv2.GaussianBlur(scene, (0, 0), max(frame) * rng.uniform(0.003, 0.02))
    for cell, strength in ((200, 0.05), (60, 0.03), (9, 0.01)):
        scene += strength * smooth_noise(rng, frame, cell)[..., None]
    return scene.clip(0, 1)


def smooth_noise(rng: np.random.Generator, shape: Size, cell: float) -> FloatArray:
    """Return noise without detail below ``cell`` pixels: float32 (*shape), of a deviation of about 0.8."""
    coarse = [max(round(side / cell), 1) + 2 for side in shape]
    values = rng.standard_normal(coarse, np.float32)
    return cv2.resize(values, shape[::-1], interpolation=cv2.INTER_CUBIC)
