"""Backbones: five feature maps from a normalised picture, fine to coarse.

timm has the networks; here are the forward passes that the published weights were trained with,
and one adapter for every other timm network with five levels. timm takes seconds to import, so it
is imported when a backbone is built, and the bundled model's backbone (:mod:`.mobilenet`) does
without.
"""

from __future__ import annotations

import torch
from torch import nn

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
