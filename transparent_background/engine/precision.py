"""Half precision: which weights may have it, and whether a network's mattes survive it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ..images.drawn import draw_picture
from ..model import InSPyReNet, PyramidNetwork, to_probability
from ..model.attention import ContextAttention
from ..model.backbones.from_timm import Res2NetBackbone
from ..model.backbones.swin import SwinBackbone
from ..model.input import normalise

LARGEST_DIFFERENCE = 4 / 255  # of mattes, that half precision may make
CHECK_SIDE = 192  # pixels of the picture it is tried on; a multiple of 32, four windows of Swin
_SENSITIVE = ("conv_key", "conv_value", "conv_out4")  # of ContextAttention: applied in float32


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
        return lowered.to(dtype)
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


def try_precision(network: PyramidNetwork, lowered: PyramidNetwork, device: torch.device) -> float:
    """Return the largest difference that half precision makes in the matte of a drawn picture.

    Parameters
    ----------
    network
        In float32.
    lowered
        The same in half precision.

    Returns
    -------
    In [0, 1]; infinity if values are lost (float16 holds none above 65504).
    """
    picture, _ = draw_picture((CHECK_SIDE, CHECK_SIDE))
    x = normalise(torch.from_numpy(picture).permute(2, 0, 1)[None].to(device))
    with torch.inference_mode():
        mattes = [to_probability(net(x)[3], stretch=True) for net in (network, lowered)]
    difference = (mattes[0] - mattes[1]).abs().max()
    return float(difference) if torch.isfinite(difference) else float("inf")
