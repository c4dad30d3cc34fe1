"""Scale-invariant context attention (SICA, InSPyReNet section 3.2): one refinement stage."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from ..types import Size
from .layers import ConvBlock, resize


class ContextAttention(nn.Module):
    """Refines features under the last saliency map and predicts the next Laplacian.

    Features are summed under 3 probability maps of the saliency (foreground, background,
    uncertainty) and, where the last Laplacian is given, 2 of the Laplacian (positive, negative):
    3 or 5 context vectors a picture. Every pixel then attends to those vectors. The sums are taken
    at ``stage_size`` whatever the input's size, so that a larger input gives vectors of the same
    scale as in training.

    Parameters
    ----------
    in_channels
        Channels of the features.
    depth
        Channels of queries, keys, values and of the refined features.
    stage_size
        (height, width) at which the context vectors are summed: the base size over 2**stage.
    laplacian
        Whether the last Laplacian map takes part.
    """

    def __init__(self, in_channels: int, depth: int, stage_size: Size, *, laplacian: bool) -> None:
        super().__init__()
        self.stage_size = stage_size
        self.conv_query = nn.Sequential(
            ConvBlock(in_channels, depth, 3, relu=True), ConvBlock(depth, depth, 3, relu=True)
        )
        self.conv_key = nn.Sequential(
            ConvBlock(in_channels, depth, relu=True), ConvBlock(depth, depth, relu=True)
        )
        self.conv_value = nn.Sequential(
            ConvBlock(in_channels, depth, relu=True), ConvBlock(depth, depth, relu=True)
        )
        self.conv_out1 = ConvBlock(depth, depth, 3, relu=True)
        self.conv_out2 = ConvBlock(in_channels + depth, depth, 3, relu=True)
        self.conv_out3 = ConvBlock(depth, depth, 3, relu=True)
        self.conv_out4 = ConvBlock(depth, 1)
        self.threshold = nn.Parameter(torch.tensor([0.5]))
        self.lthreshold = nn.Parameter(torch.tensor([0.5])) if laplacian else None
        self.scale = depth**-0.5

    def forward(
        self, x: torch.Tensor, saliency: torch.Tensor, laplacian: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine features by the last maps.

        Parameters
        ----------
        x : (B, in_channels, h, w)
        saliency : (B, 1, any, any), logits of the level before
        laplacian : (B, 1, any, any), logits; given exactly if the stage was built for it

        Returns
        -------
        features : (B, depth, h, w)
        laplacian : (B, 1, h, w), logits
        """
        batch, _, height, width = x.shape
        maps = self.probabilities((height, width), saliency, laplacian)
        context = self._context_vectors(x, maps)
        key, value = self.key_and_value(context)
        query = self.conv_query(x).flatten(2).transpose(1, 2)  # (B, h*w, depth)
        similarity = torch.bmm(query.float(), key.flatten(2)) * self.scale  # (B, h*w, ctx)
        weights = functional.softmax(similarity, dim=-1).transpose(1, 2)  # (B, ctx, h*w)
        attended = torch.bmm(value.flatten(2), weights).to(x.dtype)  # (B, depth, h*w)
        attended = self.conv_out1(attended.reshape(batch, -1, height, width))
        refined = self.conv_out3(self.conv_out2(torch.cat([x, attended], dim=1)))
        return refined, self.residual(refined)

    def residual(self, refined: torch.Tensor) -> torch.Tensor:
        """Predict the Laplacian from refined features, in float32: (B, depth, h, w) -> (B, 1, h, w)."""
        return _in_float32(self.conv_out4, refined)

    def key_and_value(self, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Project context vectors (B, in_channels, ctx, 1), in float32, to (B, depth, ctx, 1) each."""
        return _in_float32(self.conv_key, context), _in_float32(self.conv_value, context)

    def probabilities(
        self, size: Size, saliency: torch.Tensor, laplacian: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the 3 or 5 probability maps at the features' size, (B, ctx, h, w)."""
        return probability_maps(size, saliency, self.threshold, laplacian, self.lthreshold)

    def _context_vectors(self, x: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
        """Sum the features under every probability map: float32 (B, in_channels, ctx, 1)."""
        batch, channels = x.shape[:2]
        pixels = self.stage_size[0] * self.stage_size[1]
        # The published code reads the memory of (B, C, h, w) as (B, h*w, C), without a transpose.
        features = resize(x, self.stage_size).reshape(batch, pixels, channels)
        maps = resize(probabilities, self.stage_size).flatten(2)  # (B, ctx, h*w)
        # float16 cannot hold a sum over up to a million pixels
        context = torch.bmm(maps.float(), features.float())  # (B, ctx, C)
        return context.transpose(1, 2).unsqueeze(3)


def probability_maps(
    size: Size,
    saliency: torch.Tensor,
    threshold: torch.Tensor,
    laplacian: torch.Tensor | None,
    laplacian_threshold: torch.Tensor | None,
) -> torch.Tensor:
    """Return what features are summed under: 3 maps of the saliency, and 2 of the Laplacian if it is given.

    Parameters
    ----------
    size
        (h, w) of the maps.
    saliency, laplacian : (B, 1, any, any), logits
    threshold, laplacian_threshold
        Probabilities that count as neither foreground nor background; learnt.

    Returns
    -------
    (B, 3 or 5, h, w)
    """
    if (laplacian is None) != (laplacian_threshold is None):
        raise TypeError("the stage was built with and is called without a Laplacian, or the reverse")
    signed = torch.sigmoid(resize(saliency, size)) - threshold.float()
    maps = [signed.clamp(min=0), (-signed).clamp(min=0), threshold.float() - signed.abs()]
    if laplacian is not None and laplacian_threshold is not None:
        signed = torch.sigmoid(resize(laplacian, size)) - laplacian_threshold.float()
        maps += [signed.clamp(min=0), (-signed).clamp(min=0)]
    return torch.cat(maps, dim=1)


def _in_float32(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Apply a module in float32, whatever the precision of its weights and within autocast too."""
    run: Callable[[torch.Tensor], torch.Tensor] = module
    if next(module.parameters()).dtype != torch.float32:
        weights = {name: tensor.float() for name, tensor in module.state_dict(keep_vars=True).items()}
        run = partial(functional_call, module, weights)
    if torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            return run(x.float())
    return run(x.float())
