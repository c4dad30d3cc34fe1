"""MobileNet-EdgeTPU as a backbone, with timm's state-dict keys and without timm's import time.

The same function as ``timm.create_model("mobilenet_edgetpu_100", features_only=True, act_layer="relu")``
with the activation after the first 1x1 convolution left out, as in MLCommons' published network; a
test holds it to that. Its early blocks are dense 3x3 convolutions, which run close to a processor's
peak where depthwise ones wait for memory.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .base import Backbone, FeatureMaps
from .mobilenet import TAPS, Convolution, InvertedResidual

# timm's definition of the network: expansion and channels of each stage's first block
DENSE_STAGES = ((8, 32), (8, 48))  # of stride 2
DENSE_REPEATS = 3  # further blocks of expansion 4 in each
# expansion, channels, stride, kernel, whether the first block adds its input, further blocks
STAGES = (
    (8, 96, 2, 3, True, 3),
    (8, 96, 1, 3, False, 3),
    (8, 160, 2, 5, True, 3),
    (8, 192, 1, 3, True, 0),
)


class PointBlock(nn.Module):
    """A linear 1x1 convolution with BatchNorm: the first stage."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Convolution(inputs, outputs, 1, same=False)
        self.bn1 = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        return self.bn1(self.conv(x))  # type: ignore[no-any-return]


class FusedResidual(nn.Module):
    """Dense 3x3 expansion, linear 1x1; the input is added where shapes allow."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int, same: bool) -> None:
        super().__init__()
        width = inputs * expansion
        self.conv_exp = Convolution(inputs, width, 3, stride=stride, same=same)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv_pwl = Convolution(width, outputs, 1, same=same)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        y = functional.relu(self.bn1(self.conv_exp(x)), inplace=True)
        y = self.bn2(self.conv_pwl(y))
        return x + y if self.skip else y  # type: ignore[no-any-return]


class MobileNetEdgeTPU(Backbone):
    """MobileNet-EdgeTPU 1.0: maps of strides 2, 4, 8, 16, 32.

    Parameters
    ----------
    same_padding
        Pad as TensorFlow's "SAME" (timm's ``pad_type="same"``).
    """

    channels = (16, 32, 48, 96, 192)

    def __init__(self, *, same_padding: bool = False) -> None:
        super().__init__()
        same = same_padding
        self.conv_stem = Convolution(3, 32, 3, stride=2, same=same)
        self.bn1 = nn.BatchNorm2d(32)
        stages = [nn.Sequential(PointBlock(32, 16))]
        inputs = 16
        for expansion, outputs in DENSE_STAGES:
            blocks: list[nn.Module] = [
                FusedResidual(inputs, outputs, expansion=expansion, stride=2, same=same)
            ]
            blocks += [
                FusedResidual(outputs, outputs, expansion=4, stride=1, same=same)
                for _ in range(DENSE_REPEATS)
            ]
            stages.append(nn.Sequential(*blocks))
            inputs = outputs
        for expansion, outputs, stride, size, skip, repeats in STAGES:
            blocks = [_separable(inputs, outputs, expansion, stride, size, same, skip=skip)]
            blocks += [_separable(outputs, outputs, 4, 1, size, same) for _ in range(repeats)]
            stages.append(nn.Sequential(*blocks))
            inputs = outputs
        self.blocks = nn.Sequential(*stages)

    def shallow(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, H, W) -> maps of strides 2 and 4, at a half of the cost of all five."""
        x = functional.relu(self.bn1(self.conv_stem(x)), inplace=True)
        x1 = self.blocks[0](x)
        return x1, self.blocks[1](x1)

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> five maps with 16, 32, 48, 96 and 192 channels."""
        x = functional.relu(self.bn1(self.conv_stem(x)), inplace=True)
        maps = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in TAPS:
                maps.append(x)
        x1, x2, x3, x4, x5 = maps
        return x1, x2, x3, x4, x5


def _separable(
    inputs: int, outputs: int, expansion: int, stride: int, size: int, same: bool, *, skip: bool = True
) -> InvertedResidual:
    return InvertedResidual(
        inputs,
        outputs,
        expansion=expansion,
        stride=stride,
        same=same,
        size=size,
        skip=skip,
        activation=functional.relu,
    )
