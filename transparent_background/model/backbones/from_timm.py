"""timm's networks as backbones: the Res2Net of the published InSPyReNet, and any other with five levels."""

from __future__ import annotations

from typing import Any

import torch

from ...errors import UsageError
from .base import Backbone, FeatureMaps

# Dilation of the 3x3 kernels, block by block, in the last two stages of the published Res2Net
# (its `output_stride=32` with the multi-grid 1, 2, 4); stages that are not named have 1.
DILATIONS = {"layer3": (2,), "layer4": (4, 8, 16)}
STEM = ("conv1", "bn1", "act1", "maxpool")
LAYERS = ("layer1", "layer2", "layer3", "layer4")


class Res2NetBackbone(Backbone):
    """Res2Net-50 v1b 26w 4s (Gao et al. 2019), dilated as in the published InSPyReNet.

    The first map is the stem's after pooling.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        import timm

        net: Any = timm.create_model(name, num_classes=0, **options)
        for part in (*STEM, *LAYERS):
            self.add_module(part, getattr(net, part))
        for stage, dilations in DILATIONS.items():
            for index, block in enumerate(getattr(self, stage)):
                dilation = dilations[min(index, len(dilations) - 1)]
                for conv in block.convs:
                    conv.dilation = conv.padding = (dilation, dilation)
        self.channels = tuple(int(info["num_chs"]) for info in net.feature_info)

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> maps of strides 4, 4, 8, 16, 32."""
        for part in STEM:
            x = getattr(self, part)(x)
        maps = [x]
        for part in LAYERS:
            maps.append(getattr(self, part)(maps[-1]))
        return tuple(maps)


class TimmBackbone(Backbone):
    """Any timm network whose ``features_only`` form has five levels.

    State-dict keys are those of timm's feature network.
    """

    features: Any

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        import timm

        features: Any = timm.create_model(name, features_only=True, **options)
        widths = tuple(int(width) for width in features.feature_info.channels())
        if len(widths) != 5:
            raise UsageError(
                f"backbone {name!r} gives {len(widths)} maps; InSPyReNet needs one with 5, "
                "such as resnet50 or mobilenetv3_large_100"
            )
        self.features = features
        self.channels = widths

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> the network's five maps, usually of strides 2, 4, 8, 16, 32."""
        return tuple(self.features(x))
