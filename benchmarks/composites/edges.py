"""Kinds of edges: each makes a cut-out's premultiplied colours and its exact alpha.

Blurs are of the premultiplied colours and of alpha together, as a lens or a movement mixes what it sees;
so nothing of the old background, and no colour from beyond the object, is in an edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from transparent_background.train import effects
from transparent_background.train.strands import strands
from transparent_background.types import FloatArray

from .grounds import smooth_noise
from .objects import CutOut


class Layer(NamedTuple):
    """A cut-out, ready to be put on a background: picture = colours + (1 - alpha) background."""

    colours: FloatArray
    """float32 (h, w, 3) in [0, 1], multiplied by alpha."""
    alpha: FloatArray
    """float32 (h, w) in [0, 1]."""


Edge = Callable[[CutOut, np.random.Generator], Layer]

SHARPEST = 0.6  # sigma of the blur of a sharp photo, pixels
STROKE = (18, 48)  # pixels, of motion
OPACITY = (0.3, 0.65)  # of a veil, on the whole


def hard(cut_out: CutOut, rng: np.random.Generator) -> Layer:
    """Cut as a sharp lens shows it, with an edge of about two pixels."""
    return _lens(_layer(cut_out.colours, covered(cut_out)))


def hair(cut_out: CutOut, rng: np.random.Generator) -> Layer:
    """Grow fur or long hair on the outline."""
    return _lens(_layer(*strands(cut_out.colours, covered(cut_out), rng)))


def defocus(radius: float) -> Edge:
    """Return what blurs by a disc of so many pixels, as a lens does."""

    def blurred(cut_out: CutOut, rng: np.random.Generator) -> Layer:
        return _blur(_layer(cut_out.colours, covered(cut_out)), effects.defocus(radius))

    return blurred


def motion(cut_out: CutOut, rng: np.random.Generator) -> Layer:
    """Blur along a line in a random direction."""
    kernel = effects.motion(rng.uniform(*STROKE), rng.uniform(0, math.pi))
    return _blur(_layer(cut_out.colours, covered(cut_out)), kernel)


def veil(cut_out: CutOut, rng: np.random.Generator) -> Layer:
    """Make a part of the object translucent, in folds, and paler."""
    shape = cut_out.level.shape
    inside = cut_out.level > 0
    rows, columns = np.indices(shape, np.float32)
    direction = rng.uniform(0, 2 * math.pi)
    size = math.sqrt(float(inside.sum()))
    along = (columns * math.cos(direction) + rows * math.sin(direction)) / size
    across = (rows * math.cos(direction) - columns * math.sin(direction)) / size
    along += np.float32(0.08) * smooth_noise(rng, shape, 0.4 * size)
    start = np.quantile(along[inside], rng.uniform(0.45, 0.65))
    share = ((along - start) / rng.uniform(0.03, 0.15)).clip(0, 1)
    share = share * share * (3 - 2 * share)  # without kinks
    phase = rng.uniform(25, 60) * across + np.float32(1.5) * smooth_noise(rng, shape, 0.25 * size)
    folds = 0.5 + 0.5 * np.sin(phase)
    opacity = rng.uniform(*OPACITY) + np.float32(0.25) * (folds - 0.5)
    alpha = covered(cut_out) * (1 - share * (1 - opacity))
    cloth = rng.uniform(0.75, 1.0, 3) * (0.85 + 0.15 * folds[..., None])
    tint = (0.5 * share)[..., None]
    colours = cut_out.colours * (1 - tint) + 255 * cloth * tint
    return _lens(_layer(colours, alpha.clip(0, 1)))


EDGES: dict[str, Edge] = {
    "hard": hard,
    "hair": hair,
    "defocus 4": defocus(4),
    "defocus 12": defocus(12),
    "motion": motion,
    "veil": veil,
}
"""Every kind by its name, in the order of tables; the control comes first."""


def covered(cut_out: CutOut) -> FloatArray:
    """Return how much of each pixel an object covers, float32 (h, w) in [0, 1]."""
    return (cut_out.level + np.float32(0.5)).clip(0, 1)


def _lens(layer: Layer) -> Layer:
    kernel = cv2.getGaussianKernel(5, SHARPEST, cv2.CV_32F)
    return _blur(layer, kernel @ kernel.T)


def _layer(colours: np.ndarray, alpha: FloatArray) -> Layer:
    alpha = alpha.astype(np.float32)
    premultiplied = colours.astype(np.float32) * (alpha / np.float32(255))[..., None]
    return Layer(premultiplied, alpha)


def _blur(layer: Layer, kernel: FloatArray) -> Layer:
    # beyond the frame the object goes on as at its border
    colours, alpha = (
        cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REPLICATE).clip(0, 1) for plane in layer
    )
    # sums of floats: what is far from the edge is 0 or 1 but for the last places
    alpha[alpha < 1e-4], alpha[alpha > 1 - 1e-4] = 0, 1
    return Layer(colours, alpha)
