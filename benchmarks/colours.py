"""Colours of cut-outs and of enlarged photos, for benchmarks that make composites."""

from __future__ import annotations

import cv2
import numpy as np


def pull_push(photo: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Continue the colours inside a mask to everywhere, so that F is known outside it too."""
    weight = inside.astype(np.float32)
    levels = [(photo * weight[..., None], weight)]
    while max(levels[-1][1].shape) > 1:
        height, width = levels[-1][1].shape
        size = (-(-width // 2), -(-height // 2))
        levels.append(tuple(cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in levels[-1]))
        levels[-1] = (levels[-1][0].reshape(size[1], size[0], 3), levels[-1][1].reshape(size[::-1]))
    filled = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for colour, weight in reversed(levels[:-1]):
        up = cv2.resize(filled, weight.shape[::-1]).reshape(*weight.shape, 3)
        own = colour / np.maximum(weight, 1e-6)[..., None]
        share = np.minimum(weight, 1)[..., None]
        filled = own * share + up * (1 - share)
    return filled


def grain(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Give an enlarged photo detail at pixel size again."""
    return np.clip(image + speckle(rng, image.shape[:2])[..., None], 0, 1)


def speckle(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return grey noise with a part finer and a part coarser than a pixel, float32 (h, w)."""
    height, width = shape
    fine = rng.standard_normal((height, width), np.float32) * 0.01
    coarse = rng.standard_normal((height // 3 + 1, width // 3 + 1), np.float32) * 0.02
    return fine + cv2.resize(coarse, (width, height))
