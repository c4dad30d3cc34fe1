"""MobileNetV2 as a backbone, with timm's state-dict keys and without timm's import time.

Importing timm takes longer than cutting out a picture with the bundled model does; this is the same
function as ``timm.create_model("mobilenetv2_100", features_only=True)``, which a test holds it to.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from .base import Backbone, FeatureMaps

# Sandler et al. 2018, table 2: expansion, channels, blocks, stride of each stage
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
Activation = Callable[..., torch.Tensor]
TAPS = (0, 1, 2, 4, 6)  # the stages whose outputs are the five maps: the last of each stride


class Convolution(nn.Conv2d):
    """Convolution padded symmetrically, or as TensorFlow's "SAME" where that differs."""

    def __init__(
        self, inputs: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1, same: bool
    ) -> None:
        # with stride 1 both ways of padding an odd kernel are one
        self.same = same and stride > 1
        padding = 0 if self.same else size // 2
        super().__init__(inputs, outputs, size, stride=stride, padding=padding, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, ceil(h / stride), ceil(w / stride))."""
        if self.same:
            top, bottom = self._margins(x.shape[-2])
            left, right = self._margins(x.shape[-1])
            x = functional.pad(x, (left, right, top, bottom))
        return super().forward(x)

    def _margins(self, length: int) -> tuple[int, int]:
        stride, size = self.stride[0], self.kernel_size[0]
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        return total // 2, total - total // 2


class SeparableBlock(nn.Module):
    """Depthwise 3x3, then a linear 1x1; the first stage's only block."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, same: bool) -> None:
        super().__init__()
        self.conv_dw = Convolution(inputs, inputs, 3, stride=stride, groups=inputs, same=same)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv_pw = Convolution(inputs, outputs, 1, same=same)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        x = functional.relu6(self.bn1(self.conv_dw(x)), inplace=True)
        return self.bn2(self.conv_pw(x))  # type: ignore[no-any-return]


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise k x k, linear 1x1; the input is added where shapes allow.

    Parameters
    ----------
    inputs, outputs, expansion, stride
        Channels in and out, width over input channels, and stride of the depthwise kernel.
    size
        Of the depthwise kernel, odd.
    same
        Pad as TensorFlow's "SAME".
    skip
        Whether the input is added where shapes allow.
    activation
        After the first two convolutions.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        expansion: int,
        stride: int,
        same: bool,
        size: int = 3,
        skip: bool = True,
        activation: Activation = functional.relu6,
    ) -> None:
        super().__init__()
        width = inputs * expansion
        self.activation = activation
        self.conv_pw = Convolution(inputs, width, 1, same=same)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv_dw = Convolution(width, width, size, stride=stride, groups=width, same=same)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv_pwl = Convolution(width, outputs, 1, same=same)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.skip = skip and stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        y = self.activation(self.bn1(self.conv_pw(x)), inplace=True)
        y = self.activation(self.bn2(self.conv_dw(y)), inplace=True)
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.skip else y  # type: ignore[no-any-return]


class MobileNetV2(Backbone):
    """MobileNetV2 1.0 (Sandler et al. 2018): maps of strides 2, 4, 8, 16, 32.

    Parameters
    ----------
    same_padding
        Pad as TensorFlow's "SAME" (timm's ``pad_type="same"``).
    """

    channels = (16, 24, 32, 96, 320)

    def __init__(self, *, same_padding: bool = False) -> None:
        super().__init__()
        self.conv_stem = Convolution(3, 32, 3, stride=2, same=same_padding)
        self.bn1 = nn.BatchNorm2d(32)
        stages: list[nn.Sequential] = []
        inputs = 32
        for expansion, outputs, count, first_stride in STAGES:
            blocks: list[nn.Module] = []
            for index in range(count):
                stride = first_stride if index == 0 else 1
                if expansion == 1:
                    block: nn.Module = SeparableBlock(inputs, outputs, stride=stride, same=same_padding)
                else:
                    block = InvertedResidual(
                        inputs, outputs, expansion=expansion, stride=stride, same=same_padding
                    )
                blocks.append(block)
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)

    def shallow(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, H, W) -> maps of strides 2 and 4, at a part of the cost of all five."""
        x = functional.relu6(self.bn1(self.conv_stem(x)), inplace=True)
        x1 = self.blocks[0](x)
        return x1, self.blocks[1](x1)

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> five maps with 16, 24, 32, 96 and 320 channels."""
        x = functional.relu6(self.bn1(self.conv_stem(x)), inplace=True)
        maps = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in TAPS:
                maps.append(x)
        x1, x2, x3, x4, x5 = maps
        return x1, x2, x3, x4, x5
