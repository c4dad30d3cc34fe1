"""Validation during a run: every set at base size, in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ..matting.pictures import matte_at
from ..media.pairs import Pair, evenly, read_pair
from ..model import to_probability
from ..model.input import normalise, resize_rgb
from .config import TrainConfig
from .samples import set_pairs
from .scores import QuickScores

if TYPE_CHECKING:
    from ..types import ByteArray, FloatArray

    Row = tuple[ByteArray, ByteArray, FloatArray, str]

GRID = 10  # pictures in a grid of predictions


class Validator:
    """The validation sets of a run, checked when this is made.

    Each set is known by the last part of its path, or by the whole path where two would share it.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.base_size = config.model.base_size
        self.stretch = config.model.normalisation == "minmax"
        self.sets: dict[str, list[Pair]] = {}
        for entry in config.data.validating:
            pairs = set_pairs(config.data, entry)
            self.sets[self._name(entry.path)] = evenly(pairs, config.log.validate_limit)

    def _name(self, path: str) -> str:
        last = path.rstrip("/").split("/")[-1]
        return path if last in self.sets else last

    def scores(self, network: nn.Module, device: torch.device) -> dict[str, dict[str, float]]:
        """Return max F, MAE and IoU of every set; the network is in evaluation mode afterwards."""
        network.eval()
        results = {}
        for name, pairs in self.sets.items():
            scores = QuickScores()
            for pair in pairs:
                image, mask = read_pair(pair)
                scores.step(self._matte(network, image, device), mask / np.float32(255))
            results[name] = scores.results()
        return results

    def grid(self, network: nn.Module, device: torch.device) -> list[Row]:
        """Return pictures, masks, mattes and names, the same ones each time; else as :meth:`scores`."""
        network.eval()
        pairs = [pair for members in self.sets.values() for pair in members]
        rows: list[Row] = []
        for pair in evenly(pairs, GRID):
            image, mask = read_pair(pair)
            rows.append((image, mask, self._matte(network, image, device), pair.image.name))
        return rows

    @torch.no_grad()
    def _matte(self, network: nn.Module, image: ByteArray, device: torch.device) -> FloatArray:
        """Predict one picture: float32 (h, w) in [0, 1]."""
        x = normalise(resize_rgb(image, self.base_size)[None].to(device))
        prediction = to_probability(network(x).d0, stretch=self.stretch)
        return matte_at(prediction, (image.shape[0], image.shape[1]))
