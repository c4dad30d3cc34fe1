"""MobileNets and their like as backbones, with timm's state-dict keys and without timm's import time.

Importing timm takes longer than cutting out a picture with the bundled model does. These are the same
functions as timm's ``mobilenetv2_100``, ``mobilenet_edgetpu_100`` and ``tf_efficientnet_lite2`` with
``features_only=True``, which tests hold them to; the second with ``act_layer="relu"`` and without the
activation after its first 1x1 convolution, as in MLCommons' published network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from .base import Backbone, FeatureMaps

Activation = Callable[..., torch.Tensor]
TAPS = (0, 1, 2, 4, 6)  # the stages whose outputs are the five maps: the last of each stride


class Convolution(nn.Conv2d):
    """Convolution padded symmetrically, or as TensorFlow's "SAME" where that differs."""

    def __init__(
        self, inputs: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1, same: bool = False
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


class Block(nn.Module):
    """Convolutions by timm's names, with BatchNorm, and an activation after all but the last.

    With ``skip`` the input is added.
    """

    pairs: tuple[tuple[str, str], ...]
    """The attributes that hold a convolution and its BatchNorm."""

    def __init__(
        self,
        activation: Activation,
        convolutions: Mapping[str, Convolution],
        *,
        skip: bool = False,
        epsilon: float = 1e-5,
    ) -> None:
        super().__init__()
        self.activation, self.skip = activation, skip
        self.pairs = tuple((name, f"bn{number}") for number, name in enumerate(convolutions, 1))
        for name, norm in self.pairs:
            self.add_module(name, convolutions[name])
            self.add_module(norm, nn.BatchNorm2d(convolutions[name].out_channels, eps=epsilon))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, h / stride, w / stride)."""
        y = x
        for number, (name, norm) in enumerate(self.pairs, 1):
            y = getattr(self, norm)(getattr(self, name)(y))
            if number < len(self.pairs):
                y = self.activation(y, inplace=True)
        return x + y if self.skip else y


class Stage(NamedTuple):
    """Blocks of one width: an expansion and a linear 1x1 convolution; the input is added if shapes allow."""

    outputs: int
    blocks: int
    stride: int
    """The first block's stride; the others have 1."""
    size: int = 3
    """Side of the kernel."""
    dense: bool = False
    """Whether the kernel itself expands; else a 1x1 convolution does, and the kernel is depthwise."""
    first_adds: bool = True
    """Whether the first block may add its input."""


class MobileNet(Backbone):
    """A strided convolution and stages of blocks: maps of strides 2, 4, 8, 16, 32.

    Parameters
    ----------
    same_padding
        Pad as TensorFlow's "SAME" (timm's ``pad_type="same"``).
    """

    pairs = (("conv_stem", "bn1"),)
    activation: Activation
    depthwise_first: bool
    """Whether the first stage, one block without an expansion, has a kernel before its 1x1 convolution."""
    stages: tuple[Stage, ...]
    expansions: tuple[int, int]
    """Width over input channels of each stage's first block, and of the others."""
    epsilon = 1e-5
    """Added to variances in BatchNorm."""

    def __init__(self, *, same_padding: bool = False) -> None:
        super().__init__()
        self.conv_stem = Convolution(3, 32, 3, stride=2, same=same_padding)
        self.bn1 = nn.BatchNorm2d(32, eps=self.epsilon)
        if self.depthwise_first:
            first = {"conv_dw": Convolution(32, 32, 3, groups=32), "conv_pw": Convolution(32, 16, 1)}
        else:
            first = {"conv": Convolution(32, 16, 1)}
        made = [nn.Sequential(Block(self.activation, first, epsilon=self.epsilon))]
        inputs = 16
        for stage in self.stages:
            made.append(nn.Sequential(*self._blocks(inputs, stage, same_padding)))
            inputs = stage.outputs
        self.blocks = nn.Sequential(*made)

    def _blocks(self, inputs: int, stage: Stage, same: bool) -> Iterator[Block]:
        for index in range(stage.blocks):
            width = inputs * self.expansions[min(index, 1)]
            stride = 1 if index else stage.stride
            if stage.dense:
                layers = {"conv_exp": Convolution(inputs, width, stage.size, stride=stride, same=same)}
            else:
                layers = {
                    "conv_pw": Convolution(inputs, width, 1),
                    "conv_dw": Convolution(width, width, stage.size, stride=stride, groups=width, same=same),
                }
            layers["conv_pwl"] = Convolution(width, stage.outputs, 1)
            skip = stride == 1 and inputs == stage.outputs and (index > 0 or stage.first_adds)
            yield Block(self.activation, layers, skip=skip, epsilon=self.epsilon)
            inputs = stage.outputs

    def _stem(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.bn1(self.conv_stem(x)), inplace=True)

    def shallow(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, H, W) -> maps of strides 2 and 4, at a part of the cost of all five."""
        x1 = self.blocks[0](self._stem(x))
        return x1, self.blocks[1](x1)

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> five maps."""
        x = self._stem(x)
        maps = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in TAPS:
                maps.append(x)
        return tuple(maps)


class MobileNetV2(MobileNet):
    """MobileNetV2 1.0 (Sandler et al. 2018, table 2)."""

    channels = (16, 24, 32, 96, 320)
    activation = staticmethod(functional.relu6)
    stages = (
        Stage(24, 2, 2),
        Stage(32, 3, 2),
        Stage(64, 4, 2),
        Stage(96, 3, 1),
        Stage(160, 3, 2),
        Stage(320, 1, 1),
    )
    expansions = (6, 6)
    depthwise_first = True


class MobileNetEdgeTPU(MobileNet):
    """MobileNet-EdgeTPU 1.0 (Gupta and Akin 2020).

    Its early blocks are dense 3x3 convolutions, which run close to a processor's peak where depthwise ones
    wait for memory.
    """

    channels = (16, 32, 48, 96, 192)
    activation = staticmethod(functional.relu)
    stages = (
        Stage(32, 4, 2, dense=True),
        Stage(48, 4, 2, dense=True),
        Stage(96, 4, 2),
        Stage(96, 4, 1, first_adds=False),
        Stage(160, 4, 2, size=5),
        Stage(192, 1, 1),
    )
    expansions = (8, 4)
    depthwise_first = False


class EfficientNetLite2(MobileNet):
    """EfficientNet-Lite2 (Liu 2020): EfficientNet-B0 (Tan and Le 2019), 1.1 times as wide, 1.2 as deep.

    Without squeeze-and-excitation and with ReLU6; its first and last stage are not scaled.
    """

    channels = (16, 24, 48, 120, 352)
    activation = staticmethod(functional.relu6)
    stages = (
        Stage(24, 3, 2),
        Stage(48, 3, 2, size=5),
        Stage(88, 4, 2),
        Stage(120, 4, 1, size=5),
        Stage(208, 5, 2, size=5),
        Stage(352, 1, 1),
    )
    expansions = (6, 6)
    depthwise_first = True
    epsilon = 1e-3

    def __init__(self, *, same_padding: bool = True) -> None:
        super().__init__(same_padding=same_padding)
