"""From a plan to something that runs."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Protocol

import torch

from ..backends import ConvertedNetwork
from ..backends.torchscript import record
from ..checkpoints import Checkpoint
from ..model import PyramidNetwork
from ..model.inference import inference_form
from ..model.layers import size_of
from ..types import Precision
from .plan import ExecutionPlan
from .precision import LARGEST_DIFFERENCE, lower_precision, try_precision

logger = logging.getLogger(__name__)


class Runner(Protocol):
    """What :func:`prepare` returns."""

    def __call__(self, x: torch.Tensor, x_lr: torch.Tensor | None = None, /) -> torch.Tensor:
        """Return d0, logits (B, 1, H, W), of what :class:`PyramidNetwork` takes."""


def prepare(
    network: PyramidNetwork, checkpoint: Checkpoint, weights: Path, plan: ExecutionPlan, device: torch.device
) -> tuple[Runner, ExecutionPlan]:
    """Bring a network to the form that a plan names.

    Parameters
    ----------
    network
        Folded, in float32, on the device; it may share its weights with what is returned.
    weights
        The file they came from; converted forms are kept by its checksum.

    Returns
    -------
    runner
        Runs it.
    plan
        What was done: the same plan, or float32 if half precision would have changed mattes too much,
        which is also logged as a warning.
    """
    if plan.backend != "torch":
        precision: Precision = "bfloat16" if plan.precision == torch.bfloat16 else "float32"
        converted = ConvertedNetwork(network, checkpoint, weights, plan.backend, precision=precision)
        return (converted if plan.asked else _WhereReady(converted, network)), plan
    if plan.precision != torch.float32:
        network, plan = _lowered(network, plan, device)
    if plan.form == "pieces":
        return _Runs(inference_form(network)), plan
    if plan.form == "recorded":
        x = torch.zeros(1, 3, *checkpoint.base_size, device=device).to(memory_format=torch.channels_last)
        return _Runs(record(network, x)), plan
    if plan.form == "compiled":
        return _Runs(torch.compile(network, mode="reduce-overhead" if device.type == "cuda" else None)), plan
    return _Runs(network), plan


class _WhereReady:
    """Runs what was converted before in the other runtime, and the rest in PyTorch."""

    def __init__(self, converted: ConvertedNetwork, network: PyramidNetwork) -> None:
        self.converted, self.plain = converted, _Runs(network)

    def __call__(self, x: torch.Tensor, x_lr: torch.Tensor | None = None) -> torch.Tensor:
        ready = self.converted.is_ready(*(size_of(t) for t in (x, x_lr) if t is not None))
        return self.converted(x, x_lr) if ready else self.plain(x, x_lr)


class _Runs:
    """A network of which only the finest saliency is wanted."""

    def __init__(self, network: object) -> None:
        self.network = network

    def __call__(self, x: torch.Tensor, x_lr: torch.Tensor | None = None) -> torch.Tensor:
        inputs = (x,) if x_lr is None else (x, x_lr)
        logits: torch.Tensor = self.network(*inputs)[3]  # type: ignore[operator]
        return logits


def _lowered(
    network: PyramidNetwork, plan: ExecutionPlan, device: torch.device
) -> tuple[PyramidNetwork, ExecutionPlan]:
    """Return the network in half precision if its mattes allow that, and the plan that came of it."""
    lowered = lower_precision(network, plan.precision)
    pair = (inference_form(network), inference_form(lowered)) if plan.form == "pieces" else (network, lowered)
    difference = try_precision(*pair, device)
    if difference <= LARGEST_DIFFERENCE:
        return lowered, plan
    changed = f"changed a matte by {difference * 255:.0f}/255" if difference <= 1 else "overflowed"
    why = f"{plan.precision_name} {changed} in the check at load"
    logger.warning("%s: float32 is used", why)
    return network, dataclasses.replace(plan, precision=torch.float32, reasons=(*plan.reasons, why))
