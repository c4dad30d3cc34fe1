"""From a plan to something that runs, in half precision where a network's mattes survive it."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from ..backends import ConvertedNetwork
from ..backends.torchscript import record
from ..checkpoints import Checkpoint
from ..images.drawn import draw_picture
from ..model import InSPyReNet, PyramidNetwork, to_probability
from ..model.attention import ContextAttention
from ..model.backbones.from_timm import Res2NetBackbone
from ..model.backbones.swin import SwinBackbone
from ..model.inference import inference_form
from ..model.input import normalise
from ..model.layers import size_of
from ..types import Precision
from .plan import ExecutionPlan

logger = logging.getLogger(__name__)

LARGEST_DIFFERENCE = 4 / 255  # of mattes, that half precision may make
CHECK_SIDE = 192  # pixels of the picture it is tried on; a multiple of 32, four windows of Swin
_SENSITIVE = ("conv_key", "conv_value", "conv_out4")  # of ContextAttention: applied in float32

Runner: TypeAlias = Callable[..., torch.Tensor]
"""Takes one or two tensors as :class:`PyramidNetwork` does, and returns d0, logits (B, 1, H, W)."""


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
        plain = _finest_of(network)

        def run(*inputs: torch.Tensor) -> torch.Tensor:
            """Run what was converted before in the other runtime, and the rest in PyTorch."""
            return (converted if converted.is_ready(*map(size_of, inputs)) else plain)(*inputs)

        return (converted if plan.asked else run), plan
    if plan.precision != torch.float32:
        network, plan = _lowered(network, plan, device)
    if plan.form == "pieces":
        return _finest_of(inference_form(network)), plan
    if plan.form == "recorded":
        x = torch.zeros(1, 3, *checkpoint.base_size, device=device).to(memory_format=torch.channels_last)
        return _finest_of(record(network, x)), plan
    if plan.form == "compiled":
        mode = "reduce-overhead" if device.type == "cuda" else None
        return _finest_of(torch.compile(network, mode=mode)), plan
    return _finest_of(network), plan


def _finest_of(network: Callable[..., Any]) -> Runner:
    """Return what runs a network of which only the finest saliency is wanted."""
    return lambda *inputs: network(*inputs)[3]


def _lowered(
    network: PyramidNetwork, plan: ExecutionPlan, device: torch.device
) -> tuple[PyramidNetwork, ExecutionPlan]:
    """Return the network in half precision if its mattes allow that, and the plan that came of it."""
    lowered = lower_precision(network, plan.precision)
    pair = (inference_form(network), inference_form(lowered)) if plan.form == "pieces" else (network, lowered)
    difference = _largest_difference(*pair, device)
    if difference <= LARGEST_DIFFERENCE:
        return lowered, plan
    changed = f"changed a matte by {difference * 255:.0f}/255" if difference <= 1 else "overflowed"
    why = f"{plan.precision_name} {changed} in the check at load"
    logger.warning("%s: float32 is used", why)
    return network, dataclasses.replace(plan, precision=torch.float32, reasons=(*plan.reasons, why))


def lower_precision(network: PyramidNetwork, dtype: torch.dtype) -> PyramidNetwork:
    """Return a copy of a folded network whose products are taken in half precision.

    Of the published network, convolutions and linear layers are converted. In float32 stay the
    normalisations with the sums that they are taken of, the context vectors and what is made of them (sums
    over up to a million pixels), logits of the axial attention, and all saliency maps.
    """
    lowered = copy.deepcopy(network)
    if not isinstance(network, InSPyReNet) or not isinstance(
        network.backbone, (SwinBackbone, Res2NetBackbone)
    ):
        lowered.to(dtype)
    for module in lowered.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.to(dtype)
        table = getattr(module, "relative_position_bias_table", None)
        if isinstance(table, nn.Parameter):
            table.data = table.data.to(dtype)  # Swin's, added to logits that are products
    for module in lowered.modules():
        if isinstance(module, ContextAttention):
            for name in _SENSITIVE:
                getattr(module, name).to(torch.float32)
    return lowered


def _largest_difference(network: PyramidNetwork, lowered: PyramidNetwork, device: torch.device) -> float:
    """Return what half precision changes at most in the matte of a drawn picture, in [0, 1].

    Infinity if values are lost: float16 holds none above 65504.
    """
    picture, _ = draw_picture((CHECK_SIDE, CHECK_SIDE))
    x = normalise(torch.from_numpy(picture).permute(2, 0, 1)[None].to(device))
    with torch.inference_mode():
        mattes = [to_probability(net(x)[3], stretch=True) for net in (network, lowered)]
    difference = (mattes[0] - mattes[1]).abs().max()
    return float(difference) if torch.isfinite(difference) else float("inf")
