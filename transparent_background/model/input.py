"""What the network takes: pictures resized and normalised, in sizes that it can be run at."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from ..types import ByteArray, Size

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1]; what the backbones were trained with
IMAGENET_STD = (0.229, 0.224, 0.225)
# Both sides of the large pass must exceed the base size by this, else one pass is made: 512 pixels for
# the published weights at 384, and as much in proportion for others.
BLEND_ABOVE = 512 / 384


def blends(large: Size, base_size: Size) -> bool:
    """Whether a large pass of that size shows enough more than one at base size to be worth blending."""
    return all(side > BLEND_ABOVE * base for side, base in zip(large, base_size, strict=True))


def resize_rgb(rgb: ByteArray, size: Size) -> torch.Tensor:
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


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Turn uint8 (B, 3, h, w) into the network's input: (x / 255 - mean) / std, channels_last."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=images.device).view(1, 3, 1, 1)
    x = images.to(torch.float32).div_(255.0).sub_(mean).div_(std)
    return x.to(memory_format=torch.channels_last)
