"""Any network of timm with five levels."""

from __future__ import annotations

from typing import Any, cast

import torch

from ...errors import UsageError
from .base import Backbone, FeatureMaps


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
