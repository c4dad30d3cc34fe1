"""Pictures that tests draw for themselves."""

from __future__ import annotations

import numpy as np


def draw_object(height: int = 96, width: int = 128) -> np.ndarray:
    """Return a bright disc on a dark, noisy ground, uint8 (height, width, 3)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    inside = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 3) ** 2
    image = np.where(inside[..., None], (230, 190, 60), (40, 60, 90))
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
