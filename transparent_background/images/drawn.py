"""A drawn picture, for checks that must not depend on a file."""

from __future__ import annotations

import numpy as np

from ..types import ByteArray, FloatArray, Size


def draw_picture(size: Size, number: int = 0) -> tuple[ByteArray, FloatArray]:
    """Draw a bright, striped disc before a shaded ground; the same one for the same number.

    Parameters
    ----------
    size
        (height, width).
    number
        Which of many such pictures: the disc and its stripes lie elsewhere in each.

    Returns
    -------
    picture : uint8 (height, width, 3)
    matte : float32 (height, width) in [0, 1], with an edge of a few pixels
    """
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    right, down = 0.2 * np.cos(2.4 * number), 0.2 * np.sin(2.4 * number)
    distance = np.hypot(x - right, y - down) - 0.6
    matte = (1 / (1 + np.exp(distance * min(size) / 2))).astype(np.float32)
    stripes = 0.7 + 0.09 * np.sin(24 * x + 12 * y + number)
    layers = [
        matte * (stripes + tint) + (1 - matte) * shade
        for tint, shade in ((0.06, 0.4 - 0.14 * x), (0, 0.42 - 0.18 * y), (-0.06, 0.44 - 0.2 * x * y))
    ]
    return np.rint(np.stack(layers, axis=-1) * 255).astype(np.uint8), matte
