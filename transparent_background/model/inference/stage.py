"""A refinement stage (SICA) in pieces, with its attention taken through the context vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch.nn import functional

from ...types import Size
from ..attention import ContextAttention
from ..layers import ConvBlock, resize
from .kernels import add_conv_relu
from .tiles import Box, convolve, padded, split

BORDER = 5  # pixels around a piece that its result depends on: five 3x3 convolutions in a row
PLANES = 8  # channels of the features that are summed under the probability maps at a time


class InferenceStage:
    """What :class:`ContextAttention` computes, for one picture at a time.

    - The features come as they are before they are upsampled, and are upsampled piece by piece.
    - A pixel's attended features are a mix of 3 or 5 vectors; the 3x3 convolution after the attention
      is linear, so it is taken of the 3 or 5 mixing weights, with kernels made from the vectors, in
      place of the features: 64 / 5 times less arithmetic in it.
    - The convolution of [features, attended] is the sum of two; nothing is concatenated.
    """

    def __init__(self, stage: ContextAttention) -> None:
        self.stage = stage
        conv = stage.conv_out2.conv
        inputs = conv.in_channels - conv.out_channels
        self.from_features = conv.weight[:, :inputs].contiguous(memory_format=torch.channels_last)
        self.from_attended = conv.weight[:, inputs:].contiguous(memory_format=torch.channels_last)

    def __call__(
        self,
        fine: torch.Tensor | None,
        coarse: torch.Tensor,
        size: Size,
        maps: tuple[torch.Tensor, ...],
        *,
        keep_features: bool = True,
        boxes: Iterable[Box] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine features by the last maps.

        Parameters
        ----------
        fine : (1, C, h, w), optional
            Features that have this size already; they come first.
        coarse : (1, C', h / 2, w / 2)
            Features to be upsampled.
        size
            (h, w)
        maps
            The last saliency and maybe Laplacian, as :class:`ContextAttention` takes them.
        keep_features
            Whether the refined features are wanted.
        boxes
            Where the Laplacian is wanted; elsewhere it is zero. None: everywhere.

        Returns
        -------
        features : (1, depth, h, w), or (1, depth, 0, 0) if they are not wanted
        laplacian : (1, 1, h, w), logits
        """
        stage = self.stage
        depth = stage.conv_out3.conv.out_channels
        channels = coarse.shape[1] + (0 if fine is None else fine.shape[1])
        shares = stage.probabilities(size, *maps)
        context = self._context_vectors(fine, coarse, size, shares)
        keys, values = stage.key_and_value(context)
        key, value = keys[0, :, :, 0].t() * stage.scale, values[0, :, :, 0]  # (ctx, depth), (depth, ctx)
        mixing = stage.conv_out1.conv
        # (O, depth, 3, 3) and (depth, ctx) -> (O, ctx, 3, 3)
        kernel = torch.einsum("odyx,dc->ocyx", mixing.weight.float(), value).to(coarse.dtype)
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        residual = shares.new_zeros(1, 1, *size)
        features = coarse.new_empty(1, depth, *(size if keep_features else (0, 0)))
        features = features.to(memory_format=torch.channels_last)
        for box in split(size, channels) if boxes is None else boxes:
            refined = self._refine(fine, coarse, size, box, key, kernel)
            if keep_features:
                box.cut(features).copy_(refined)
            box.cut(residual).copy_(stage.residual(refined))
        return features, residual

    def _refine(
        self,
        fine: torch.Tensor | None,
        coarse: torch.Tensor,
        size: Size,
        box: Box,
        key: torch.Tensor,
        kernel: torch.Tensor,
    ) -> torch.Tensor:
        """Return the refined features in a piece, (1, depth, box height, box width)."""
        stage = self.stage
        borders = [box.grown(border, size) for border in range(BORDER + 1)]
        x = _upsampled(fine, coarse, size, borders[5])
        first, second = (cast(ConvBlock, block).conv for block in stage.conv_query)
        query = convolve(x, borders[4], size, first.weight, first.bias).relu_()
        query = convolve(query, borders[3], size, second.weight, second.bias).relu_()
        logits = functional.conv2d(query.float(), key[:, :, None, None])  # (1, ctx, ., .)
        # over planes: along few neighbouring values PyTorch's softmax is ten times slower
        weights = functional.softmax(logits.contiguous(), dim=1).to(x.dtype)
        weights = weights.contiguous(memory_format=torch.channels_last)
        attended = convolve(weights, borders[2], size, kernel, stage.conv_out1.conv.bias).relu_()
        y = convolve(attended, borders[1], size, self.from_attended, stage.conv_out2.conv.bias)
        x = borders[2].within(borders[5]).cut(x).contiguous(memory_format=torch.channels_last)
        x, padding = padded(x, borders[1], size)
        y = add_conv_relu(y, x, self.from_features, padding)
        last = stage.conv_out3.conv
        return convolve(y, box, size, last.weight, last.bias).relu_()

    def _context_vectors(
        self, fine: torch.Tensor | None, coarse: torch.Tensor, size: Size, maps: torch.Tensor
    ) -> torch.Tensor:
        """Sum the features under every probability map: float32 (1, C, ctx, 1).

        The published code reads the memory of (C, h, w) as (h * w, C): one plane of the features is
        ``h * w / C`` rows of that matrix, so planes can be summed a few at a time and none need be kept.
        """
        stage_size = self.stage.stage_size
        pixels = stage_size[0] * stage_size[1]
        maps = resize(maps, stage_size).flatten(2)[0].float()  # (ctx, h * w)
        parts = [coarse] if fine is None else [fine, coarse]
        channels = sum(part.shape[1] for part in parts)
        if pixels % channels:
            planes = torch.cat([resize(resize(part, size), stage_size) for part in parts], dim=1)
            context = maps @ planes.reshape(pixels, channels).float()
            return context.t()[None, :, :, None]
        context = maps.new_zeros(maps.shape[0], channels)
        rows = pixels // channels  # of a plane
        done = 0
        for part in parts:
            for start in range(0, part.shape[1], PLANES):
                planes = part[:, start : start + PLANES].contiguous()
                planes = resize(resize(planes, size), stage_size)
                count = planes.shape[1]
                here = maps[:, done * rows : (done + count) * rows]
                context.addmm_(here, planes.reshape(-1, channels).float())
                done += count
        return context.t()[None, :, :, None]


def _upsampled(fine: torch.Tensor | None, coarse: torch.Tensor, size: Size, box: Box) -> torch.Tensor:
    """Return [fine, upsampled coarse] in a box, (1, C, box height, box width), channels_last."""
    # a coarse pixel on each side more than the box covers: the upsampling mixes neighbours
    half = Box(box.top // 2, -(-box.bottom // 2), box.left // 2, -(-box.right // 2))
    around = half.grown(1, (coarse.shape[-2], coarse.shape[-1]))
    covered = Box(2 * around.top, 2 * around.bottom, 2 * around.left, 2 * around.right)
    part = around.cut(coarse).contiguous(memory_format=torch.channels_last)
    up = functional.interpolate(part, scale_factor=2, mode="bilinear", align_corners=False)
    x = box.within(covered).cut(up)
    if fine is not None:
        x = torch.cat([box.cut(fine), x], dim=1)
    return x.contiguous(memory_format=torch.channels_last)
