"""The image pyramid and the transition mask of pyramid blending (InSPyReNet sections 3.1 and 3.4)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch.nn import functional

from .layers import resize, size_of

KERNEL_SIZE = 7  # Gaussian blur of the pyramid, pixels
SIGMA = 1.0


class Pyramid(NamedTuple):
    """What one pass predicts, as logits, coarse to fine; (B, 1, h, w) each."""

    d3: torch.Tensor
    """Saliency at stride 8."""
    d2: torch.Tensor
    """Saliency at stride 4."""
    d1: torch.Tensor
    """Saliency at stride 2."""
    d0: torch.Tensor
    """Saliency at full size: the result."""
    p2: torch.Tensor
    """Laplacian from d3 to d2."""
    p1: torch.Tensor
    """Laplacian from d2 to d1."""
    p0: torch.Tensor
    """Laplacian from d1 to d0."""


def _taps() -> tuple[float, ...]:
    """Return the middle tap of the 7-tap Gaussian, which sums to 1, and those at distance 1, 2 and 3."""
    taps = [math.exp(-(distance**2) / (2 * SIGMA**2)) for distance in range(KERNEL_SIZE // 2 + 1)]
    total = taps[0] + 2 * math.fsum(taps[1:])
    return tuple(tap / total for tap in taps)


# Both blurs below are separable and are written as sums of shifted maps, of just those samples that are
# kept (reduce) or are not zero (expand): a convolution of one channel is ten times slower on a CPU.


def reduce(x: torch.Tensor) -> torch.Tensor:
    """Halve (B, 1, h, w): blur with reflected borders, then take every second pixel."""
    half = KERNEL_SIZE // 2
    middle, *sides = _taps()
    for axis in (-2, -1):
        padding = (0, 0, half, half) if axis == -2 else (half, half, 0, 0)
        count = (x.shape[axis] + 1) // 2
        padded = functional.pad(x, padding, mode="reflect").transpose(axis, -1)
        kept = [padded[..., i : i + 2 * count - 1 : 2] for i in range(KERNEL_SIZE)]
        total = middle * kept[half]
        for distance, tap in enumerate(sides, 1):
            total = total + tap * (kept[half - distance] + kept[half + distance])
        x = total.transpose(axis, -1)
    return x


def expand(x: torch.Tensor) -> torch.Tensor:
    """Double (B, 1, h, w): put zeros between the pixels, then blur with four times the kernel.

    Borders of the map with its zeros are reflected: its pixels are, at the top and left, mirrored about
    the first one, and at the bottom and right, where the last sample is a zero, repeated.
    """
    k0, k1, k2, k3 = (2 * tap for tap in _taps())
    for axis in (-2, -1):
        here = x.transpose(axis, -1)  # (B, 1, ., L)
        padded = torch.cat([here[..., 1:2], here, here[..., -1:], here[..., -2:-1]], dim=-1)
        before, after, second = padded[..., :-3], padded[..., 2:-1], padded[..., 3:]
        even = k0 * here + k2 * (before + after)
        odd = k1 * (here + after) + k3 * (before + second)
        x = torch.stack([even, odd], dim=-1).flatten(-2).transpose(axis, -1)  # (B, 1, ., 2 L)
    return x


def reconstruct(x: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """Return ``expand(x) + detail``, the detail resized (align_corners=True) if sizes differ."""
    expanded = expand(x)
    return expanded + resize(detail, size_of(expanded), align_corners=True)


def transition(saliency: torch.Tensor, kernel_size: int) -> torch.Tensor:
    """Return where a saliency map has an edge: the pixels that may take detail from a larger pass.

    Parameters
    ----------
    saliency : (B, 1, h, w), logits
    kernel_size
        Diameter of the elliptic structuring element, odd.

    Returns
    -------
    (B, 1, h, w), 1 where dilation minus erosion of the probability exceeds 0.5, else 0.
    """
    probability = torch.sigmoid(saliency)
    dilated = _dilate(probability, kernel_size)
    eroded = -_dilate(-probability, kernel_size)
    return (dilated - eroded > 0.5).to(saliency.dtype)


def _dilate(x: torch.Tensor, kernel_size: int) -> torch.Tensor:
    """Take the maximum under an ellipse, as the maximum over the rectangles whose union it is.

    Under a rectangle it is separable; one of both passes at a time, in place of their product.
    """
    result = x
    for v, h in _ellipse_rectangles(kernel_size):
        rows = functional.max_pool2d(x, (1, 2 * h + 1), stride=1, padding=(0, h)) if h else x
        both = functional.max_pool2d(rows, (2 * v + 1, 1), stride=1, padding=(v, 0)) if v else rows
        result = torch.maximum(result, both)
    return result


def _ellipse_rectangles(kernel_size: int) -> list[tuple[int, int]]:
    """Half-heights and half-widths of rectangles whose union is OpenCV's MORPH_ELLIPSE element."""
    radius = kernel_size // 2
    rectangles: dict[int, int] = {}  # half-width -> the largest half-height that has it
    for dy in range(radius + 1):
        half_width = round(radius * math.sqrt((radius**2 - dy**2) / radius**2))
        rectangles[half_width] = dy
    return [(dy, half_width) for half_width, dy in rectangles.items()]
