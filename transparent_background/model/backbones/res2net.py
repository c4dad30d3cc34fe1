"""The Res2Net of the published InSPyReNet."""

from __future__ import annotations

from typing import Any, cast

import torch

from .base import Backbone, FeatureMaps

# Dilation of the 3x3 kernels, block by block, in the last two stages of the published Res2Net
# (its `output_stride=32` with the multi-grid 1, 2, 4); stages that are not named have 1.
RES2NET_DILATION = {"layer3": (2,), "layer4": (4, 8, 16)}


class Res2NetBackbone(Backbone):
    """Res2Net-50 v1b 26w 4s (Gao et al. 2019), dilated as in the published InSPyReNet.

    The first map is the stem's after pooling.
    """

    conv1: Any
    bn1: Any
    act1: Any
    maxpool: Any
    layer1: Any
    layer2: Any
    layer3: Any
    layer4: Any

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        import timm

        net: Any = timm.create_model(name, num_classes=0, **options)
        self.conv1, self.bn1, self.act1, self.maxpool = net.conv1, net.bn1, net.act1, net.maxpool
        self.layer1, self.layer2 = net.layer1, net.layer2
        self.layer3, self.layer4 = net.layer3, net.layer4
        for stage, dilations in RES2NET_DILATION.items():
            for index, block in enumerate(getattr(self, stage)):
                dilation = dilations[min(index, len(dilations) - 1)]
                for conv in block.convs:
                    conv.dilation = conv.padding = (dilation, dilation)
        widths = [int(info["num_chs"]) for info in net.feature_info]
        self.channels = cast("tuple[int, int, int, int, int]", tuple(widths))

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> maps of strides 4, 4, 8, 16, 32."""
        x1 = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x2 = self.layer1(x1)
        x3 = self.layer2(x2)
        x4 = self.layer3(x3)
        return x1, x2, x3, x4, self.layer4(x4)
