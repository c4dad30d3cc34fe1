"""From a picture to what the network takes: the resize rules, once, for every kind of input."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from ..types import ResizeMethod, Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1]; what the backbones were trained with
IMAGENET_STD = (0.229, 0.224, 0.225)

MAX_SHORT_SIDE = 1280  # of the dynamic size; transparent-background 1.3.4
MULTIPLE = 32  # both sides of the dynamic size; the deepest stride of the backbones
MAX_AREA = 4 * 1024 * 1024  # pixels of the dynamic size: 1280 x 3276, wider pictures get less
# Both sides of the large pass must exceed the base size by this, else one pass is made: 512 pixels for
# the published weights at 384, and as much in proportion for others.
BLEND_ABOVE = 512 / 384


def dynamic_size(
    size: Size, *, short_side: int = MAX_SHORT_SIDE, max_area: int = MAX_AREA, enlarge: bool = False
) -> Size:
    """Return the size of a pass that keeps the picture's shape.

    The short side is at most ``short_side`` and both are multiples of 32, at least 32; a panorama whose area
    would still exceed ``max_area`` is shrunk as a whole, and that is logged.

    Parameters
    ----------
    size
        (height, width) of the picture.
    short_side
        Most pixels on the short side.
    max_area
        Largest area, pixels.
    enlarge
        Whether smaller pictures are enlarged to that short side.
    """
    height, width = size
    scale = short_side / min(height, width)
    if not enlarge:
        scale = min(1.0, scale)
    area = scale * height * scale * width
    if area > max_area:
        scale *= (max_area / area) ** 0.5
        logger.warning(
            "a picture of %d x %d goes through the network at %d x %d: larger would take too much memory",
            width,
            height,
            round(width * scale),
            round(height * scale),
        )
    return _multiple(height * scale), _multiple(width * scale)


def _multiple(length: float) -> int:
    return max(round(length / MULTIPLE) * MULTIPLE, MULTIPLE)


def pass_sizes(
    size: Size,
    base_size: Size,
    method: ResizeMethod,
    *,
    short_side: int = MAX_SHORT_SIDE,
    enlarge: bool = False,
) -> tuple[Size, Size | None]:
    """Say at which sizes a picture goes through the network.

    Parameters
    ----------
    size
        (height, width) of the picture.
    base_size
        (height, width) the weights were trained at.
    method
        ``static``: one pass at base size; ``dynamic``: one at :func:`dynamic_size`; ``blend``: both,
        if the large one exceeds 4/3 of the base size on both sides (512 pixels for weights trained at
        384, as published), else the one at base size.
    short_side
        Most pixels on the short side of the large pass.
    enlarge
        Whether, for ``blend``, every picture gets a large pass of that short side, small ones too.

    Returns
    -------
    main
        Size of the pass that gives the result.
    low_resolution
        Size of the pass that gives its shape, if two are made.
    """
    if method == "static":
        return base_size, None
    large = dynamic_size(size, short_side=short_side, enlarge=enlarge and method == "blend")
    if method == "dynamic":
        return large, None
    if enlarge:
        return large, base_size
    return (large, base_size) if blends(large, base_size) else (base_size, None)


def blends(large: Size, base_size: Size) -> bool:
    """Whether a large pass of that size shows enough more than one at base size to be worth blending."""
    return all(side > BLEND_ABOVE * base for side, base in zip(large, base_size, strict=True))


def resize_rgb(rgb: NDArray[np.uint8], size: Size) -> torch.Tensor:
    """Resize bilinearly with antialiasing.

    Pillow does it: PyTorch's kernel is faster but rounds its weights otherwise, and one level in the
    input moves the published networks' logits by 0.01 where they are the same function to 0.0001.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8.
    size
        (height, width) wanted.

    Returns
    -------
    uint8 (3, height, width), on the CPU; channels_last in memory.
    """
    if rgb.shape[:2] != size:
        image = Image.fromarray(rgb).resize(size[::-1], Image.Resampling.BILINEAR)
        rgb = np.array(image)
    elif not rgb.flags.writeable:
        rgb = rgb.copy()  # torch wants memory that it may write to
    return torch.from_numpy(rgb).permute(2, 0, 1)


def normalise(images: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Turn uint8 (B, 3, h, w) into the network's input: (x / 255 - mean) / std, channels_last."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=images.device).view(1, 3, 1, 1)
    x = images.to(torch.float32).div_(255.0).sub_(mean).div_(std)
    return x.to(dtype=dtype, memory_format=torch.channels_last)
