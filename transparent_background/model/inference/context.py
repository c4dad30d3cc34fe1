"""The context module and the decoder with their axial attention taken as plain matrix products."""

from __future__ import annotations

import torch
from torch.nn import functional

from ...types import Size
from ..context import AxialAttention, AxialBranch, ContextModule, Decoder
from ..layers import resize


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


class InferenceBranch:
    """What :class:`AxialBranch` computes, for one picture."""

    def __init__(self, branch: AxialBranch) -> None:
        self.branch = branch
        self.axial = InferenceAxial(branch.Hattn, branch.Wattn)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, depth, h, w)."""
        branch = self.branch
        return branch.conv3(self.axial(branch.conv2(branch.conv1(branch.conv0(x)))))  # type: ignore[no-any-return]


class InferenceContext:
    """What :class:`ContextModule` computes, for one picture."""

    def __init__(self, module: ContextModule) -> None:
        self.module = module
        self.branches = [InferenceBranch(b) for b in (module.branch1, module.branch2, module.branch3)]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) -> (1, depth, h, w)."""
        parts = [self.module.branch0(x), *(branch(x) for branch in self.branches)]
        mixed = self.module.conv_cat(torch.cat(parts, dim=1))
        mixed += self.module.conv_res(x)
        return mixed.relu_()  # type: ignore[no-any-return]


class InferenceDecoder:
    """What :class:`Decoder` computes, for one picture."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.axial = InferenceAxial(decoder.Hattn, decoder.Wattn)

    def __call__(
        self, x3: torch.Tensor, x4: torch.Tensor, x5: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Merge maps of strides 8, 16 and 32; see :class:`Decoder`."""
        size: Size = (x3.shape[-2], x3.shape[-1])
        decoder = self.decoder
        deep = [resize(x, size, align_corners=True) for x in (x5, x4)]
        x = decoder.conv2(self.axial(decoder.conv1(torch.cat([*deep, x3], dim=1))))
        x = decoder.conv4(decoder.conv3(x))
        return x, decoder.conv5(x)
