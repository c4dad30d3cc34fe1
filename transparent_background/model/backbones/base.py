"""Backbones: five feature maps from a normalised picture, fine to coarse.

timm has the networks; here are the forward passes that the published weights were trained with,
and one adapter for every other timm network with five levels. timm takes seconds to import, so it
is imported when a backbone is built, and the bundled model's backbone (:mod:`.mobilenet`) does
without.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import nn

FeatureMaps: TypeAlias = tuple[torch.Tensor, ...]
"""Five, fine to coarse."""


class Backbone(nn.Module):
    """Base of the backbones."""

    channels: tuple[int, ...]
    """Channels of the five maps."""

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> five maps (B, channels[i], h_i, w_i), the last three of strides 8, 16, 32."""
        raise NotImplementedError

    def shallow(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the first two maps alone; a backbone that can leaves the rest out."""
        x1, x2, *_ = self(x)
        return x1, x2
