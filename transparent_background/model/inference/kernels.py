"""Fused operations of PyTorch's oneDNN build, where they are there and give what they should.

They are what ``torch.compile`` puts into its code for processors: a layer with its activation, or
added to a map in place, in one pass over memory; and a matrix product that runs on AMD processors as
well as on Intel's. They are no public interface, so each is tried once before it is used, and the
plain operations are used where one fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from torch.nn import functional

TOLERANCE = 1e-4  # of the trial, whose values are about 1


def linear(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *, gelu: bool = False
) -> torch.Tensor:
    """(N, C) -> (N, C'), as :func:`torch.nn.functional.linear`; followed by the exact GELU if wanted."""
    if _usable(x) and _has_linear(gelu):
        return _fused_linear(x, weight, bias, gelu)
    y = functional.linear(x, weight, bias)
    return functional.gelu(y) if gelu else y


def _fused_linear(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, gelu: bool
) -> torch.Tensor:
    name, algorithm = ("gelu", "none") if gelu else ("none", "")
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, name, [], algorithm)


def add_conv_relu(
    total: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, padding: tuple[int, int]
) -> torch.Tensor:
    """Add a convolution to ``total`` in place, and take the ReLU of the sum."""
    if _usable(x) and _has_conv_add():
        return _fused_conv_add(total, x, weight, padding)
    total += functional.conv2d(x, weight, padding=padding)
    return total.relu_()


def _fused_conv_add(
    total: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, padding: tuple[int, int]
) -> torch.Tensor:
    ones = [1, 1]
    return torch.ops.mkldnn._convolution_pointwise_.binary(
        total, x, weight, None, list(padding), ones, ones, 1, "add", 1.0, "relu", [], ""
    )


def _usable(x: torch.Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32


@cache
def _has_linear(gelu: bool) -> bool:
    x, weight, bias = _trial(5, 8), _trial(3, 8), _trial(3)
    expected = functional.linear(x, weight, bias)
    expected = functional.gelu(expected) if gelu else expected
    return _same(lambda: _fused_linear(x, weight, bias, gelu), expected)


@cache
def _has_conv_add() -> bool:
    x, weight, total = _trial(1, 8, 6, 6), _trial(4, 8, 3, 3), _trial(1, 4, 6, 6)
    x, weight, total = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight, total))
    expected = functional.relu(total + functional.conv2d(x, weight, padding=1))
    return _same(lambda: _fused_conv_add(total, x, weight, (1, 1)), expected)


def _same(run: Callable[[], torch.Tensor], expected: torch.Tensor) -> bool:
    """Tell whether an operation is there, takes these arguments and gives what is expected."""
    try:
        found = run()
    except (RuntimeError, AttributeError, TypeError, NotImplementedError):
        return False
    return found.shape == expected.shape and bool((found - expected).abs().max() < TOLERANCE)


def _trial(*shape: int) -> torch.Tensor:
    """Return values between -1 and 1 that follow from their place."""
    return torch.sin(torch.arange(math.prod(shape), dtype=torch.float32)).view(shape)
