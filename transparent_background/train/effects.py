"""What happens to a cut-out before it is pasted: fur and hair, blur, veils, darkness and shine."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..types import ByteArray, FloatArray
from .config import AugmentConfig
from .strands import strands, with_room

BLUR = (0.5, 3.0)  # pixels: radius of a disc out of focus
MOTION = (3.0, 12.0)  # pixels: length of a movement
VEIL = (0.35, 0.9)  # alpha of something seen through
DARK = (0.12, 0.6)  # brightness of something dark, of its own
HIGHLIGHTS = 5  # at most, on something that shines


class Effects:
    """Changes cut-outs as a configuration says."""

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config

    def __call__(
        self, colours: ByteArray, alpha: FloatArray, rng: np.random.Generator
    ) -> tuple[ByteArray, FloatArray]:
        """Return a cut-out with what chance adds to it; with strands, or blurred, it is larger.

        Parameters
        ----------
        colours : uint8 (h, w, 3)
        alpha : float32 (h, w) in [0, 1]
        rng
        """
        c = self.config
        if rng.random() < c.strands_chance:
            colours, alpha = strands(*with_room(colours, alpha), rng)
        if rng.random() < c.dark_chance:
            colours = darken(colours, alpha, rng)
        if rng.random() < c.blur_chance:
            colours, alpha = blurred(colours, alpha, _kernel(rng))
        if rng.random() < c.veil_chance:
            alpha = alpha * np.float32(rng.uniform(*VEIL))
        return colours, alpha


def blurred(colours: ByteArray, alpha: FloatArray, kernel: FloatArray) -> tuple[ByteArray, FloatArray]:
    """Blur a cut-out as a lens or a movement does: colours weighted by alpha, and alpha, by the same kernel.

    Parameters
    ----------
    colours : uint8 (h, w, 3)
    alpha : float32 (h, w) in [0, 1]
    kernel : float32 (k, k), k odd, of sum 1

    Returns
    -------
    Both, larger by k // 2 on every side.
    """
    half = kernel.shape[0] // 2
    border = (half, half, half, half)
    alpha = cv2.copyMakeBorder(alpha, *border, cv2.BORDER_CONSTANT, value=0.0)
    colours = cv2.copyMakeBorder(colours, *border, cv2.BORDER_REPLICATE)
    weighted = cv2.filter2D(colours * alpha[..., None], -1, kernel, borderType=cv2.BORDER_CONSTANT)
    soft = np.clip(cv2.filter2D(alpha, -1, kernel, borderType=cv2.BORDER_CONSTANT), 0.0, 1.0)
    there = soft > 1e-3
    own = weighted / np.maximum(soft, 1e-3)[..., None]
    own = np.rint(np.where(there[..., None], own, colours))
    return own.clip(0, 255).astype(np.uint8), soft * there


def defocus(radius: float) -> FloatArray:
    """Return the kernel of a disc, with a soft rim of a pixel: float32 (k, k) of sum 1."""
    half = math.ceil(radius + 0.5)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disc = np.clip(radius + 0.5 - np.hypot(y, x), 0.0, 1.0).astype(np.float32)
    return disc / disc.sum()


def motion(length: float, angle: float) -> FloatArray:
    """Return the kernel of a straight movement, pixels and radians: float32 (k, k) of sum 1."""
    half = math.ceil(length / 2) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = np.abs(x * math.cos(angle) + y * math.sin(angle))
    across = np.abs(y * math.cos(angle) - x * math.sin(angle))
    kernel = (length / 2 + 0.5 - along).clip(0, 1) * (1 - across).clip(0, 1)
    return (kernel / kernel.sum()).astype(np.float32)


def darken(colours: ByteArray, alpha: FloatArray, rng: np.random.Generator) -> ByteArray:
    """Make something dark and shining of it: little light, less colour, a few bright spots and streaks."""
    values = colours.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = (grey + (values - grey) * np.float32(rng.uniform(0.2, 1.0))) * np.float32(rng.uniform(*DARK))
    height, width = alpha.shape
    rows, columns = np.nonzero(alpha > 0.9)
    if len(rows):
        light = np.zeros(alpha.shape, np.float32)
        for _ in range(int(rng.integers(0, HIGHLIGHTS + 1))):
            at = int(rng.integers(len(rows)))
            axes = np.maximum(rng.uniform(0.01, 0.12, 2) * (width, height), 1).astype(int)
            centre, turn = (int(columns[at]), int(rows[at])), float(rng.uniform(0, 180))
            spot = np.zeros_like(light)
            cv2.ellipse(
                spot, centre, (int(axes[0]), int(axes[1])), turn, 0, 360, float(rng.uniform(60, 255)), -1
            )
            light = np.maximum(light, cv2.GaussianBlur(spot, (0, 0), max(float(axes.min()) * 0.6, 0.8)))
        values += light[..., None]
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _kernel(rng: np.random.Generator) -> FloatArray:
    if rng.random() < 0.5:
        return defocus(rng.uniform(*BLUR))
    return motion(rng.uniform(*MOTION), rng.uniform(0, math.pi))
