"""Parallel axial attention: the context module and the decoder (UACANet, Kim et al. 2021)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from .layers import ConvBlock, resize, size_of

Axis = Literal["h", "w"]


class AxialAttention(nn.Module):
    """Self-attention between the positions of one axis, added to the input.

    The published code makes its sequences by reading the memory of a (B, C, H, W) map as
    (B, C * W, H) for the vertical axis and as (B, C * H, W) for the horizontal one, without a
    transpose, so that for the vertical axis a "position" is a residue class of the flattened map
    rather than a row. The weights were trained so, and this does the same.

    Parameters
    ----------
    channels
        Channels of the map; queries and keys have an eighth of them (at least one).
    axis
        ``"h"`` or ``"w"``: whose length the sequences have.
    """

    def __init__(self, channels: int, axis: Axis) -> None:
        super().__init__()
        narrow = max(channels // 8, 1)
        self.query_conv = ConvBlock(channels, narrow)
        self.key_conv = ConvBlock(channels, narrow)
        self.value_conv = ConvBlock(channels, channels)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.axis = axis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> the same shape."""
        batch, _, height, width = x.shape
        length = height if self.axis == "h" else width
        # reshape reads channels_last maps in (B, C, H, W) order too; view would not
        query = self.query_conv(x).reshape(batch, -1, length)  # (B, C/8 * other, L)
        key = self.key_conv(x).reshape(batch, -1, length)
        value = self.value_conv(x).reshape(batch, -1, length)  # (B, C * other, L)
        # The logits are sums over thousands of products, not scaled: float16 cannot hold them.
        logits = torch.bmm(query.transpose(1, 2).float(), key.float())  # (B, L, L)
        weights = functional.softmax(logits, dim=-1).to(value.dtype)
        mixed = torch.bmm(value, weights.transpose(1, 2)).reshape(x.shape)
        return self.gamma.to(x.dtype) * mixed + x


class BothAxes(nn.Module):
    """Base of what adds the vertical and the horizontal attention of one map."""

    Hattn: AxialAttention
    Wattn: AxialAttention

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same shape."""
        return self.Hattn(x) + self.Wattn(x)


class AxialBranch(BothAxes):
    """One branch of the context module: a separable k x k kernel, axial attention, a 3x3 dilated by k."""

    def __init__(self, in_channels: int, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv0 = ConvBlock(in_channels, channels)
        self.conv1 = ConvBlock(channels, channels, (1, kernel_size))
        self.conv2 = ConvBlock(channels, channels, (kernel_size, 1))
        self.conv3 = ConvBlock(channels, channels, 3, dilation=kernel_size)
        self.Hattn = AxialAttention(channels, "h")
        self.Wattn = AxialAttention(channels, "w")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, h, w) -> (B, channels, h, w)."""
        return self.conv3(self.attend(self.conv2(self.conv1(self.conv0(x)))))


class ContextModule(nn.Module):
    """A backbone map brought to the ``depth`` channels of the head, with context of three sizes."""

    def __init__(self, in_channels: int, depth: int) -> None:
        super().__init__()
        self.branch0 = ConvBlock(in_channels, depth)
        self.branch1 = AxialBranch(in_channels, depth, 3)
        self.branch2 = AxialBranch(in_channels, depth, 5)
        self.branch3 = AxialBranch(in_channels, depth, 7)
        self.conv_cat = ConvBlock(4 * depth, depth, 3)
        self.conv_res = ConvBlock(in_channels, depth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, h, w) -> (B, depth, h, w)."""
        branches = [self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)]
        mixed: torch.Tensor = self.conv_cat(torch.cat(branches, dim=1))
        mixed += self.conv_res(x)
        return mixed.relu_()


class Decoder(BothAxes):
    """The three coarse maps merged at stride 8, and the first saliency map."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.conv1 = ConvBlock(3 * depth, depth, 3)
        self.conv2 = ConvBlock(depth, depth, 3)
        self.conv3 = ConvBlock(depth, depth, 3)
        self.conv4 = ConvBlock(depth, depth, 3)
        self.conv5 = ConvBlock(depth, 1, 3, norm=False)
        self.Hattn = AxialAttention(depth, "h")
        self.Wattn = AxialAttention(depth, "w")

    def forward(
        self, x3: torch.Tensor, x4: torch.Tensor, x5: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Merge maps of strides 8, 16 and 32.

        Returns
        -------
        features : (B, depth, H/8, W/8)
        saliency : (B, 1, H/8, W/8), logits
        """
        deep = [resize(x, size_of(x3), align_corners=True) for x in (x5, x4)]
        x = self.conv2(self.attend(self.conv1(torch.cat([*deep, x3], dim=1))))
        x = self.conv4(self.conv3(x))
        return x, self.conv5(x)
