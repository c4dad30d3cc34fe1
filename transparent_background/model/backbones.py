"""Backbones: five feature maps from a normalised picture, fine to coarse.

timm has the networks; here are the forward passes that the published weights were trained with,
and one adapter for every other timm network with five levels. timm takes seconds to import, so it
is imported when a backbone is built, and the bundled model's backbone (:mod:`.mobilenet`) does
without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from ..errors import UsageError

FeatureMaps = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Backbone(nn.Module):
    """Base of the backbones.

    Attributes
    ----------
    channels
        Channels of the five maps.
    """

    channels: tuple[int, int, int, int, int]

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> five maps (B, channels[i], h_i, w_i), the last three of strides 8, 16, 32."""
        raise NotImplementedError

    def shallow(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the first two maps alone; a backbone that can leaves the rest out."""
        x1, x2, *_ = self(x)
        return x1, x2


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
        return cast(FeatureMaps, tuple(self.features(x)))


SWIN_OPTIONS = {"embed_dim", "depths", "num_heads", "window_size", "drop_path_rate"}


def create_backbone(name: str, options: Mapping[str, object] | None = None) -> Backbone:
    """Build a backbone without weights.

    Parameters
    ----------
    name
        A timm name. ``swin_*`` and ``res2net*`` are built as the published weights need them; ``swin_*``,
        ``mobilenetv2_100`` and ``mobilenet_edgetpu_100`` without importing timm.
    options
        Passed to ``timm.create_model``, such as ``{"pad_type": "same"}``.

    Raises
    ------
    UsageError
        timm has no such network, or it has not five levels.
    """
    options = dict(options or {})
    if set(options) <= {"pad_type"}:
        same = options.get("pad_type") == "same"
        if name == "mobilenetv2_100":
            from .mobilenet import MobileNetV2

            return MobileNetV2(same_padding=same)
        if name == "mobilenet_edgetpu_100":
            from .edgetpu import MobileNetEdgeTPU

            return MobileNetEdgeTPU(same_padding=same)
    if name.startswith("swin_"):
        from .swin import SwinBackbone

        unknown = set(options) - SWIN_OPTIONS
        if unknown:
            raise UsageError(
                f"backbone {name!r} has no option {min(unknown)!r}; it has {', '.join(sorted(SWIN_OPTIONS))}"
            )
        return SwinBackbone(name, **cast("dict[str, Any]", options))
    import timm

    if not timm.is_model(name.split(".")[0]):
        raise UsageError(f"backbone {name!r} is no network of timm {timm.__version__}")
    if name.startswith("res2net"):
        return Res2NetBackbone(name, **options)
    return TimmBackbone(name, **options)
