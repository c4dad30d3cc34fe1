"""Validation during a run: every set at base size, in one pass, by quick scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..matting.pictures import matte_at
from ..media.pairs import Pair, evenly, read_pair
from ..model import to_probability
from ..model.input import normalise, resize_rgb
from ..types import ByteArray, FloatArray
from .config import TrainConfig
from .samples import set_pairs

Row = tuple[ByteArray, ByteArray, FloatArray, str]

GRID = 10  # pictures in a grid of predictions
BETA_SQUARED = 0.3  # weight of recall in F, as usual for salient objects (Achanta et al. 2009)
LEVELS = 256  # thresholds of the F curve


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
            last = entry.path.rstrip("/").split("/")[-1]
            name = entry.path if last in self.sets else last
            self.sets[name] = evenly(pairs, config.log.validate_limit)

    def scores(self, network: nn.Module, device: torch.device) -> dict[str, dict[str, float]]:
        """Return max F, MAE and IoU of every set; the network is in evaluation mode afterwards."""
        results = {}
        for name, pairs in self.sets.items():
            scores = QuickScores()
            for _, mask, matte, _ in self._rows(network, pairs, device):
                scores.step(matte, mask / np.float32(255))
            results[name] = scores.results()
        return results

    def grid(self, network: nn.Module, device: torch.device) -> list[Row]:
        """Return pictures, masks, mattes and names, the same ones each time; else as :meth:`scores`."""
        pairs = [pair for members in self.sets.values() for pair in members]
        return list(self._rows(network, evenly(pairs, GRID), device))

    @torch.no_grad()
    def _rows(self, network: nn.Module, pairs: Sequence[Pair], device: torch.device) -> Iterator[Row]:
        """Yield picture, mask, matte and name of each pair."""
        network.eval()
        for pair in pairs:
            image, mask = read_pair(pair)
            x = normalise(resize_rgb(image, self.base_size)[None].to(device))
            prediction = to_probability(network(x).d0, stretch=self.stretch)
            yield image, mask, matte_at(prediction, (image.shape[0], image.shape[1])), pair.image.name


class QuickScores:
    """Collects max F, MAE and IoU picture by picture, of the same definition as ``evaluate``'s."""

    def __init__(self) -> None:
        self._curves: NDArray[np.float64] = np.zeros(LEVELS)
        self._mae = self._iou = 0.0
        self.count = self._with_object = 0

    def step(self, matte: FloatArray, mask: FloatArray) -> None:
        """Add a picture: two float32 (h, w) in [0, 1].

        What is no number in a matte counts as wrong. F and IoU leave out pictures without an object,
        about which they say nothing.
        """
        truth = mask > 0.5
        wrong = ~np.isfinite(matte)
        if wrong.any():
            matte = np.where(wrong, np.float32(1) - truth, matte)
        self._mae += float(np.abs(matte - truth).mean())
        self.count += 1
        if not truth.any():
            return
        self._with_object += 1
        levels = np.minimum((matte * (LEVELS - 1)).astype(np.int64), LEVELS - 1)
        # pixels at or above each threshold, from the highest threshold down
        hits = np.cumsum(np.bincount(levels[truth], minlength=LEVELS)[::-1])
        misses = np.cumsum(np.bincount(levels[~truth], minlength=LEVELS)[::-1])
        precision = hits / np.maximum(hits + misses, 1)
        recall = hits / max(int(truth.sum()), 1)
        bottom = BETA_SQUARED * precision + recall
        self._curves += (1 + BETA_SQUARED) * precision * recall / np.where(bottom == 0, 1, bottom)
        chosen = matte > 0.5
        union = int((chosen | truth).sum())
        self._iou += int((chosen & truth).sum()) / union

    def results(self) -> dict[str, float]:
        """Return ``max_f``, ``mae`` and ``iou``, means over the pictures so far."""
        n, m = max(self.count, 1), max(self._with_object, 1)
        return {"max_f": float(self._curves.max()) / m, "mae": self._mae / n, "iou": self._iou / m}
