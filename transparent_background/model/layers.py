"""The convolution block that every part of InSPyReNet's head is made of, and the folding of its BatchNorm."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..types import Size

Network = TypeVar("Network", bound=nn.Module)


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
        self.bn = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, h, w) -> (B, out_channels, h, w)."""
        x = self.bn(self.conv(x))
        return functional.relu(x, inplace=True) if self.relu else x


def fold_batch_norm(model: Network) -> Network:
    """Fold every BatchNorm of the head and of the backbones that are not timm's, in place.

    The network must be in evaluation mode, and can't be trained or saved under published keys
    afterwards. timm's backbones are left as they are.

    Returns
    -------
    The same object; its results differ by rounding only.
    """
    if model.training:
        raise ValueError("only a network in evaluation mode can have its BatchNorm folded")
    for module in list(model.modules()):
        for conv_name, norm_name in getattr(module, "pairs", ()):
            norm = getattr(module, norm_name)
            if isinstance(norm, nn.BatchNorm2d):
                setattr(module, conv_name, fuse_conv_bn_eval(getattr(module, conv_name), norm))
                setattr(module, norm_name, nn.Identity())
    return model


def size_of(x: torch.Tensor) -> Size:
    """Return (height, width) of (..., h, w)."""
    return x.shape[-2], x.shape[-1]


def resize(x: torch.Tensor, size: Size, *, align_corners: bool = False) -> torch.Tensor:
    """Resize (B, C, h, w) bilinearly; the tensor itself is returned if it has that size already."""
    if size_of(x) == size:
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)
