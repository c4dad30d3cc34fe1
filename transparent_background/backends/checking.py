"""Whether a converted network still is the function that PyTorch computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from ..errors import DeviceError
from .graph import Graph
from .runtime import Model

TOLERANCE = 1 / 255
"""Largest difference of a matte's pixel from PyTorch's: one level of a picture of 8 bits."""
EXEMPT = 0.001
"""Share of pixels that may exceed it. The published network's unscaled attention amplifies rounding, and a
pixel at the rim of the transition mask may fall on its other side: TorchScript's mattes differ too."""
MEAN_TOLERANCE = 0.0005
"""Largest mean difference of a matte."""
ROUNDED_TOLERANCE = 0.01
"""The same where weights were rounded: pixels at edges then move by several levels."""


@dataclass(frozen=True)
class Difference:
    """How far a converted network's mattes are from PyTorch's, over all pixels."""

    largest: float
    mean: float
    beyond: float
    """Share of the pixels that differ by more than 1/255."""


def compare(graph: Graph, model: Model, groups: Iterable[Sequence[torch.Tensor]]) -> Difference:
    """Compare a model's mattes with PyTorch's.

    Parameters
    ----------
    groups
        Inputs as the graph takes them. The model sees the pictures of a group together, PyTorch one by one;
        each group counts the same.
    """
    with torch.inference_mode():
        each = [_difference(graph, model, inputs) for inputs in groups]
    return Difference(
        max(one.largest for one in each),
        sum(one.mean for one in each) / len(each),
        sum(one.beyond for one in each) / len(each),
    )


def _difference(graph: Graph, model: Model, inputs: Sequence[torch.Tensor]) -> Difference:
    expected = graph.reference(inputs)
    output = torch.from_numpy(model(*(x.contiguous().numpy() for x in inputs)))
    if output.shape != expected.shape:
        return Difference(1.0, 1.0, 1.0)
    difference = (graph.to_matte(output) - expected).abs().nan_to_num(1.0)
    beyond = (difference > TOLERANCE).float().mean()
    return Difference(float(difference.max()), float(difference.mean()), float(beyond))


def check(difference: Difference, what: str, *, rounded: bool = False) -> None:
    """Refuse a conversion that is another function.

    Parameters
    ----------
    what
        What gives the model's numbers.
    rounded
        The weights were rounded, as float16 or int8: then the mean alone decides.

    Raises
    ------
    DeviceError
        More than one pixel in a thousand of the mattes differs by more than 1/255, or all by 0.0005 in the
        mean; with rounded weights, by 0.01 in the mean.
    """
    good = difference.beyond <= EXEMPT and difference.mean <= MEAN_TOLERANCE
    if rounded:
        good = difference.mean <= ROUNDED_TOLERANCE
    if not good:
        raise DeviceError(
            f"{what} does not give this network's numbers: mattes differ from PyTorch's by up to "
            f"{difference.largest:.3f}, {difference.mean:.4f} in the mean; "
            + ("leave --half and --int8 out" if rounded else "use PyTorch, or another version of it")
        )
