"""Swin Transformer in strips of windows, in place."""

from __future__ import annotations

from typing import cast

import torch
from torch.nn import functional

from ..backbones.base import FeatureMaps
from ..backbones.swin import SwinBackbone, SwinBlock, SwinStage, shift_masks
from .kernels import linear

STRIP_BYTES = 8 << 20  # of a strip's widest map, which is four times the channels


class InferenceSwin:
    """What :class:`SwinBackbone` computes, for one picture.

    A block changes a pixel by what its window holds, so a row of windows can go through attention and
    MLP and be written back before the next is looked at. Padding is added to queries, keys and values
    (of zeros these are the bias), not to what the layers multiply; the scale is folded into the
    queries' weights; biases by relative position are looked up once.
    """

    def __init__(self, backbone: SwinBackbone) -> None:
        self.backbone = backbone
        self.stages = [
            [InferenceBlock(block) for block in cast(SwinStage, stage).blocks]  # type: ignore[arg-type]
            for stage in backbone.layers
        ]

    def __call__(self, x: torch.Tensor) -> FeatureMaps:
        """(1, 3, H, W) -> maps of strides 4, 4, 8, 16, 32, channels_last."""
        backbone = self.backbone
        dtype = backbone.patch_embed.proj.weight.dtype
        x = backbone.patch_embed(x)  # (1, h, w, C)
        maps = [x]
        for index, (stage, blocks) in enumerate(zip(backbone.layers, self.stages, strict=True)):
            assert isinstance(stage, SwinStage)
            x = stage.downsample(x)
            # the blocks write into it; the first stage has no downsampling, and its input is a map
            x = x.clone() if x is maps[0] else x.contiguous()
            for block in blocks:
                block.apply(x[0])
            maps.append(getattr(backbone, f"norm{index}")(x))
        return tuple(m.permute(0, 3, 1, 2).to(dtype) for m in maps)


class InferenceBlock:
    """One block of a stage."""

    def __init__(self, block: SwinBlock) -> None:
        attention = block.attn
        self.window, self.shift, self.heads = block.window, block.shift, attention.num_heads
        self.norm1, self.norm2 = block.norm1, block.norm2
        channels = attention.qkv.in_features
        weight, bias = attention.qkv.weight.clone(), attention.qkv.bias.clone()
        weight[:channels] *= attention.scale
        bias[:channels] *= attention.scale
        self.qkv_weight, self.qkv_bias = weight, bias
        self.projection = attention.proj
        self.dtype = weight.dtype
        self.fc1, self.fc2 = block.mlp.fc1, block.mlp.fc2
        self.bias = attention.position_bias()  # (heads, window ** 2, window ** 2)
        self.along, self.across = shift_masks(block.window, block.shift, self.bias)

    def apply(self, x: torch.Tensor) -> None:
        """Change a map (h, w, C), contiguous, in place."""
        height, width, channels = x.shape
        rows = -(-height // self.window)
        longest = max(STRIP_BYTES // (16 * channels * self.window * width), 1)
        for first in range(0, rows, longest):
            last = min(first + longest, rows)
            parts = self._parts(x, first * self.window, last * self.window)
            self._attend(x, parts, first, last)
            for _, start, stop in parts:
                tokens = x[start:stop].view(-1, channels)
                hidden = linear(self.norm2(tokens).to(self.dtype), self.fc1.weight, self.fc1.bias, gelu=True)
                tokens.add_(linear(hidden, self.fc2.weight, self.fc2.bias))

    def _parts(self, x: torch.Tensor, first: int, last: int) -> list[tuple[int, int, int]]:
        """Say which rows of the map are rows ``first`` to ``last`` of the shifted, padded map.

        Returns
        -------
        (row in the strip, first row in the map, last row in the map) of up to two parts; rows of the
        strip that are in no part are padding.
        """
        height = x.shape[0]
        padded = -(-height // self.window) * self.window
        start, stop = first + self.shift, last + self.shift
        parts = []
        if start < height:
            parts.append((0, start, min(stop, height)))
        if stop > padded:
            wrapped = max(start - padded, 0)
            parts.append((padded + wrapped - start, wrapped, min(stop - padded, height)))
        return parts

    def _attend(self, x: torch.Tensor, parts: list[tuple[int, int, int]], first: int, last: int) -> None:
        """Add the attention within windows of rows ``first`` to ``last`` of windows."""
        height, width, channels = x.shape
        window, shift = self.window, self.shift
        rows, columns = last - first, -(-width // window)
        padded = columns * window
        # the columns of the strip: from the shift to the map's end, padding, and the first ones
        here = width - shift if width > shift else 0
        strip = self.qkv_bias.new_empty(rows * window, padded, 3 * channels)
        if sum(stop - start for _, start, stop in parts) < rows * window or padded > width:
            strip[:] = self.qkv_bias
        for row, start, stop in parts:
            count = stop - start
            tokens = self.norm1(x[start:stop]).view(-1, channels).to(self.dtype)
            qkv = linear(tokens, self.qkv_weight, self.qkv_bias).view(count, width, -1)
            strip[row : row + count, :here] = qkv[:, width - here :]
            if here < width:
                strip[row : row + count, padded - shift : padded - shift + width - here] = qkv[
                    :, : width - here
                ]
        size = channels // self.heads
        split = strip.view(rows, window, columns, window, 3, self.heads, size)
        # (3, windows, heads, window ** 2, size)
        qkv = split.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, -1, window * window, size)
        logits = torch.bmm(qkv[0], qkv[1].transpose(1, 2))
        logits = logits.view(rows, columns, self.heads, window**2, window**2).add_(self.bias)
        if shift:
            logits[:, -1] += self.across
            if last == -(-height // window):
                # where both apply the published mask is one step, not two: exp(-100) is zero either way
                logits[-1] += self.along
        weights = functional.softmax(logits, dim=-1).view(-1, window**2, window**2)
        mixed = torch.bmm(weights, qkv[2]).view(rows, columns, self.heads, window, window, size)
        mixed = mixed.permute(0, 3, 1, 4, 2, 5).reshape(rows * window, padded, channels)
        for row, start, stop in parts:
            part = mixed[row : row + stop - start]
            if here < width:
                wrapped = part[:, padded - shift : padded - shift + width - here]
                part = torch.cat([wrapped, part[:, :here]], dim=1)
            else:
                part = part[:, :width]
            tokens = x[start:stop].view(-1, channels)
            part = part.reshape(-1, channels)
            tokens.add_(linear(part, self.projection.weight, self.projection.bias))
