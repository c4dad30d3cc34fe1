"""Distillation: the mattes of another checkpoint as a second target."""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoints.recognition import find_checkpoint
from ..engine.loading import load_network
from ..model import to_probability
from ..model.layers import resize


class Teacher:
    """Another network, of any size, whose mattes are taught.

    Parameters
    ----------
    name
        A mode, or a file of weights.
    device
        Where it runs.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        file = Path(name).expanduser()
        record, path = find_checkpoint(None, file) if file.suffix else find_checkpoint(name, None)
        self.base_size = record.base_size
        self.stretch = record.normalisation == "minmax"
        self.network = load_network(record, path, device)

    @torch.no_grad()
    def mattes(self, x: torch.Tensor) -> torch.Tensor:
        """Predict for a normalised batch (B, 3, h, w): float32 (B, 1, h, w) in [0, 1]."""
        logits = self.network(resize(x, self.base_size)).d0
        return resize(to_probability(logits, stretch=self.stretch), (x.shape[-2], x.shape[-1]))
