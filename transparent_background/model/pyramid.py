"""The image pyramid and the transition mask of pyramid blending (InSPyReNet sections 3.1 and 3.4)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch.nn import functional

from .layers import resize

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


def _gaussian_kernel(like: torch.Tensor) -> torch.Tensor:
    """Return the 7-tap Gaussian, summing to 1, in the dtype and on the device of ``like``."""
    half = KERNEL_SIZE // 2
    taps = [math.exp(-((i - half) ** 2) / (2 * SIGMA**2)) for i in range(KERNEL_SIZE)]
    total = math.fsum(taps)
    return torch.tensor([tap / total for tap in taps], dtype=like.dtype, device=like.device)


def _blur(x: torch.Tensor, gain: float = 1.0) -> torch.Tensor:
    """Blur (B, 1, h, w) with reflected borders; the two-dimensional kernel is separable."""
    kernel = _gaussian_kernel(x)
    half = KERNEL_SIZE // 2
    x = functional.pad(x, (half, half, half, half), mode="reflect")
    x = functional.conv2d(x, gain * kernel.view(1, 1, KERNEL_SIZE, 1))
    return functional.conv2d(x, kernel.view(1, 1, 1, KERNEL_SIZE))


def reduce(x: torch.Tensor) -> torch.Tensor:
    """Halve (B, 1, h, w): blur, then take every second pixel."""
    return _blur(x)[..., ::2, ::2]


def expand(x: torch.Tensor) -> torch.Tensor:
    """Double (B, 1, h, w): put zeros between the pixels, then blur with four times the kernel."""
    zeros = torch.zeros_like(x)
    return _blur(functional.pixel_shuffle(torch.cat([x, zeros, zeros, zeros], dim=1), 2), gain=4.0)


def laplacian(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Split (B, 1, h, w) into the half-sized map and the detail that it lost.

    ``reconstruct`` of the two gives ``x`` again, for even h and w.
    """
    reduced = reduce(x)
    expanded = expand(reduced)[..., : x.shape[-2], : x.shape[-1]]
    return reduced, x - expanded


def reconstruct(x: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """Return ``expand(x) + detail``, the detail resized (align_corners=True) if sizes differ."""
    expanded = expand(x)
    return expanded + resize(detail, (expanded.shape[-2], expanded.shape[-1]), align_corners=True)


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
