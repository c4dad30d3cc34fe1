"""The axial attention of the context modules and the decoder as plain matrix products."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional

from ..context import AxialAttention, BothAxes


class InferenceAxial:
    """The sum of the vertical and the horizontal :class:`AxialAttention` of one map.

    Sequences are rows of the (C, H, W) memory, so that maps are better off as planes here: one
    product gives all six projections, as planes whose sequences are views, and both attentions add
    themselves to twice the map in place. gamma is folded into the values.
    """

    def __init__(self, vertical: AxialAttention, horizontal: AxialAttention) -> None:
        weights, biases, self.widths = [], [], []
        for attention in (vertical, horizontal):
            for block, scale in (
                (attention.query_conv, None),
                (attention.key_conv, None),
                (attention.value_conv, attention.gamma),
            ):
                assert block.conv.bias is not None
                factor = 1.0 if scale is None else scale.to(block.conv.weight.dtype)
                weights.append(block.conv.weight[:, :, 0, 0] * factor)
                biases.append(block.conv.bias * factor)
                self.widths.append(block.conv.out_channels)
        self.weight, self.bias = torch.cat(weights), torch.cat(biases)[:, None]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, H, W) -> the same shape, channels_last."""
        shape = x.shape
        planes = x[0].contiguous().flatten(1)  # (C, H * W)
        projected = torch.addmm(self.bias, self.weight, planes)
        parts = projected.split(self.widths)  # type: ignore[no-untyped-call]
        result = planes.mul(2.0)
        for (query, key, value), length in (
            (parts[:3], shape[-2]),
            (parts[3:], shape[-1]),
        ):
            # sums over thousands of products, not scaled: too large and too fine for half precision
            query, key = query.reshape(-1, length).float(), key.reshape(-1, length).float()
            weights = functional.softmax(query.t() @ key, dim=-1).to(value.dtype)  # (L, L)
            result.view(-1, length).addmm_(value.reshape(-1, length), weights.t())
        return result.view(shape).contiguous(memory_format=torch.channels_last)


def with_faster_attention(module: nn.Module) -> nn.Module:
    """Return a copy that shares the weights and takes its axial attention, of one picture, in this way."""
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    copied = copy.deepcopy(module, shared)
    for part in copied.modules():
        if isinstance(part, BothAxes):
            part.attend = InferenceAxial(part.Hattn, part.Wattn)  # type: ignore[method-assign]
    return copied
