"""The convolution block that every part of InSPyReNet's head is made of."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..types import Size


class ConvBlock(nn.Module):
    """Convolution of unchanged size, BatchNorm, and ReLU if wanted; the convolution has no bias.

    Parameters
    ----------
    in_channels, out_channels
        Channels read and written.
    kernel_size
        Odd, one number or (height, width).
    dilation
        Distance between the taps, in pixels.
    norm, relu
        Whether BatchNorm and ReLU follow.
    """

    pairs = (("conv", "bn"),)
    """The attributes that hold the convolution and its BatchNorm."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Size = 1,
        *,
        dilation: int = 1,
        norm: bool = True,
        relu: bool = False,
    ) -> None:
        super().__init__()
        kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        padding = (dilation * (kh // 2), dilation * (kw // 2))
        self.conv = nn.Conv2d(
            in_channels, out_channels, (kh, kw), padding=padding, dilation=dilation, bias=False
        )
        nn.init.kaiming_normal_(self.conv.weight)
        self.bn = nn.BatchNorm2d(out_channels) if norm else None
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, h, w) -> (B, out_channels, h, w)."""
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return functional.relu(x, inplace=True) if self.relu else x


def size_of(x: torch.Tensor) -> Size:
    """Return (height, width) of (..., h, w)."""
    return x.shape[-2], x.shape[-1]


def resize(x: torch.Tensor, size: Size, *, align_corners: bool = False) -> torch.Tensor:
    """Resize (B, C, h, w) bilinearly; the tensor itself is returned if it has that size already."""
    if size_of(x) == size:
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)
