"""Cut-outs pasted onto other backgrounds: soft edges and new surroundings from hard masks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..types import ByteArray, FloatArray

MIN_AREA = 0.01  # of a picture: smaller objects are left where they are
PLACE = 0.35  # least size of a pasted object, of the largest that it may have
GROW = 6  # pixels by which colours are carried over an object's edge


def cut_out(image: ByteArray, mask: ByteArray, sigma: float) -> tuple[ByteArray, FloatArray] | None:
    """Take an object out of its picture, with colours of its own beyond its edge.

    Parameters
    ----------
    image : uint8 (h, w, 3)
    mask : uint8 (h, w)
    sigma
        Blur of the mask, pixels. The mask is taken in by as much first, so that little of the old
        background is seen through the soft edge.

    Returns
    -------
    colours : uint8 (h', w', 3), cropped to the object
    alpha : float32 (h', w') in [0, 1]
    None where the object is too small or fills the picture.
    """
    solid = (mask > 127).astype(np.uint8)
    if not MIN_AREA < solid.mean() < 0.9:
        return None
    margin = GROW + round(3 * sigma)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    top, bottom = max(rows[0] - margin, 0), rows[-1] + margin + 1
    left, right = max(columns[0] - margin, 0), columns[-1] + margin + 1
    image, solid = image[top:bottom, left:right], solid[top:bottom, left:right]
    core = cv2.erode(solid, np.ones((3, 3), np.uint8))
    alpha = solid.astype(np.float32)
    if sigma > 0.2:
        alpha = cv2.GaussianBlur(core.astype(np.float32), (0, 0), sigma)
    # normalised blur: each pixel outside the core becomes the mean of the core's colours nearby
    weight = core.astype(np.float32)[..., None]
    spread = cv2.blur(image * weight, (2 * GROW + 1, 2 * GROW + 1))
    total = cv2.blur(weight, (2 * GROW + 1, 2 * GROW + 1))[..., None]
    grown = np.where(total > 1e-3, spread / np.maximum(total, 1e-3), image)
    colours = np.where(core[..., None] > 0, image, grown).clip(0, 255).astype(np.uint8)
    return colours, alpha


def take_out(image: ByteArray, matte: ByteArray) -> tuple[ByteArray, FloatArray] | None:
    """Take an object out of a picture of its own colours whose mask is a matte, which is kept as it is.

    Takes and returns what :func:`cut_out` does; the matte is uint8 (h, w).
    """
    there = matte > 2
    if not there.mean() > MIN_AREA:
        return None
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return image[part], matte[part] / np.float32(255)


Effect = Callable[[ByteArray, FloatArray, np.random.Generator], tuple[ByteArray, FloatArray]]
"""Changes the colours and alpha of a cut-out; it may come back larger."""


def paste(
    colours: ByteArray,
    alpha: FloatArray,
    canvas: ByteArray,
    rng: np.random.Generator,
    *,
    largest: float = 1.0,
    effect: Effect | None = None,
) -> FloatArray:
    """Put a cut-out at a random place and size on a picture.

    Parameters
    ----------
    colours, alpha
        As :func:`cut_out` returns them.
    canvas : uint8 (height, width, 3)
        Is changed.
    largest
        Most of its size, of the largest that fits.
    effect
        What is done to it at its size there.

    Returns
    -------
    alpha : float32 (height, width) in [0, 1]
    """
    frame = canvas.shape[:2]
    fitting = min(frame[0] / alpha.shape[0], frame[1] / alpha.shape[1])
    scale = rng.uniform(PLACE * largest, largest) * fitting
    width = min(max(round(alpha.shape[1] * scale), 8), frame[1])
    height = min(max(round(alpha.shape[0] * scale), 8), frame[0])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    colours = cv2.resize(colours, (width, height), interpolation=interpolation)
    alpha = cv2.resize(alpha, (width, height), interpolation=interpolation)
    if effect is not None:
        colours, alpha = _within(*effect(colours, alpha, rng), (frame[0], frame[1]))
        height, width = alpha.shape
    left = int(rng.integers(0, frame[1] - width + 1))
    # objects stand on the ground more often than they float
    low = (frame[0] - height) // 2 if rng.random() < 0.7 else 0
    top = int(rng.integers(low, frame[0] - height + 1))
    window = canvas[top : top + height, left : left + width]
    weight = alpha[..., None]
    # objects and places are lit alike, more or less: move the mean brightness up to half way
    gain = _gain(colours, weight, window, rng)
    window[:] = np.rint(weight * np.minimum(colours * gain, 255) + (1 - weight) * window)
    whole = np.zeros(frame, np.float32)
    whole[top : top + height, left : left + width] = alpha
    return whole


def _within(colours: ByteArray, alpha: FloatArray, frame: tuple[int, int]) -> tuple[ByteArray, FloatArray]:
    """Cut off on both sides alike what is larger than a frame (height, width)."""
    top, left = (max(side - most, 0) // 2 for side, most in zip(alpha.shape, frame, strict=True))
    part = np.s_[top : top + frame[0], left : left + frame[1]]
    return colours[part], alpha[part]


def _gain(colours: ByteArray, weight: FloatArray, window: ByteArray, rng: np.random.Generator) -> float:
    own = float((colours * weight).sum() / max(float(weight.sum()) * 3, 1.0))
    around = float(window.mean())
    return float(np.clip(((around + 20) / (own + 20)) ** (0.5 * rng.random()), 0.6, 1.6))


def crop(
    background: ByteArray,
    frame: tuple[int, int],
    rng: np.random.Generator,
    part: tuple[float, float] = (0.6, 1.0),
) -> ByteArray:
    """Bring a :func:`random_part` of a background to a frame: uint8 (*frame, 3), of its own memory."""
    cut = random_part(background, frame, rng, part)
    resized: ByteArray = cv2.resize(cut, frame[::-1], interpolation=cv2.INTER_AREA)
    return resized if resized.base is None else resized.copy()


def random_part(
    picture: ByteArray, frame: tuple[int, int], rng: np.random.Generator, part: tuple[float, float]
) -> ByteArray:
    """Cut a random part of a frame's shape out of a picture: uint8 (h, w, 3), a view of it.

    ``part`` bounds its side, of the largest that there is.
    """
    height, width = picture.shape[:2]
    scale = min(height / frame[0], width / frame[1]) * rng.uniform(*part)
    rows, columns = max(round(frame[0] * scale), 1), max(round(frame[1] * scale), 1)
    top = int(rng.integers(0, height - rows + 1))
    left = int(rng.integers(0, width - columns + 1))
    return picture[top : top + rows, left : left + columns]
