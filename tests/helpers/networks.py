"""Small networks whose every part counts, and the runtimes that may be missing."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
import pytest
import torch

from transparent_background.backends.openvino import import_openvino
from transparent_background.checkpoints import Checkpoint
from transparent_background.images.drawn import draw_picture
from transparent_background.model import (
    Backbone,
    InSPyReNet,
    LightInSPyReNet,
    PyramidNetwork,
    create_backbone,
    fold_batch_norm,
)

LIGHT = Checkpoint(name="light test", file_name="", head="light", depth=16, base_size=(64, 64))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def drawn(batch: int, *size: int) -> torch.Tensor:
    """Draw pictures of one object each: uint8 (batch, 3, h, w)."""
    pictures = np.stack([draw_picture(size, number)[0] for number in range(batch)])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()


def settle(network: torch.nn.Module) -> torch.nn.Module:
    """Give a fresh network statistics and attention that make every part count."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.copy_(0.1 * torch.randn(module.num_features, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(module.num_features, generator=generator))
    for name, parameter in network.named_parameters():
        if name.endswith("gamma"):
            parameter.data.fill_(0.5)
        elif ".conv_key.0.conv" in name or ".conv_value.0.conv" in name:
            parameter.data.div_(96 * 96 / 4 ** int(name[len("attention")]))  # they take sums
    return network.eval()


SWIN = {"embed_dim": 16, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 4, 8), "window_size": 4}


def build(name: str, base_size: tuple[int, int], **options: object) -> InSPyReNet:
    torch.manual_seed(0)
    network = settle(InSPyReNet(create_backbone(name, options), depth=16, base_size=base_size))
    for key, parameter in network.named_parameters():
        if "query_conv" in key:  # a softmax of large logits would turn rounding into differences
            parameter.data.mul_(0.05)
    return fold_batch_norm(network).requires_grad_(False).to(memory_format=torch.channels_last)


def need(module: str, *others: str) -> Any:
    """Import a module or skip; OpenVINO as the package does, without its reports over the network."""
    for name in (module, *others):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    return import_openvino() if module == "openvino" else importlib.import_module(module)


class SmallBackbone(Backbone):
    """Five convolutions: conversions take their time by the layer."""

    def __init__(self, stem: int) -> None:
        super().__init__()
        self.channels = (8, 8, 12, 16, 16)
        widths = zip((3, *self.channels), self.channels, (stem, 4 // stem, 2, 2, 2), strict=False)
        self.stages = torch.nn.ModuleList(
            torch.nn.Conv2d(before, after, 3, stride, 1) for before, after, stride in widths
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        maps = []
        for stage in self.stages:
            x = stage(x).relu()
            maps.append(x)
        return tuple(maps)


def make_light() -> PyramidNetwork:
    torch.manual_seed(0)
    return settle(LightInSPyReNet(SmallBackbone(2), depth=16, base_size=(64, 64)))
