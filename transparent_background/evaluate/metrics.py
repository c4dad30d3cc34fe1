"""All metrics of a picture, and of a data set picture by picture.

The saliency metrics are PySODMetrics'. Its own habit of stretching every prediction to [0, 1] first is
an option here: what is scored is what a user gets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import needing
from ..types import FloatArray
from . import boundary, matte

Curve = NDArray[np.float64]

F_BETA_SQUARED = 0.3  # weight of recall in F (Achanta et al. 2009)
LEVELS = 256  # thresholds of the curves: 255/255, 254/255, ... 0

TITLES = {
    "s_measure": "S",
    "mae": "MAE",
    "max_f": "max F",
    "mean_f": "mean F",
    "adaptive_f": "adp F",
    "weighted_f": "wF",
    "max_e": "max E",
    "mean_e": "mean E",
    "adaptive_e": "adp E",
    "iou": "IoU",
    "mba": "mBA",
    "boundary_iou": "bIoU",
    "sad": "SAD/1000",
    "mse": "MSE",
    "gradient": "Grad/1000",
    "connectivity": "Conn/1000",
}
"""Every score, in the order of tables, with its heading."""

MATTE = ("sad", "mse", "gradient", "connectivity")
"""Scores of soft mattes, on request."""

SALIENCY = tuple(name for name in TITLES if name not in MATTE)
"""Scores of every evaluation."""

LOWER_IS_BETTER = frozenset(("mae", *MATTE))


@dataclass
class PictureScores:
    """What one picture scores."""

    values: dict[str, float]
    """Scores by name; the maximum and mean of a curve are this picture's own."""
    curves: dict[str, Curve] = field(default_factory=dict)
    """``precision``, ``recall``, ``f`` and ``e`` over 256 thresholds from high to low."""


def score_picture(
    prediction: FloatArray, mask: FloatArray, *, soft: bool = False, stretch: bool = False
) -> PictureScores:
    """Score one matte.

    Parameters
    ----------
    prediction, mask : float32 (h, w) in [0, 1]
        The mask is cut at 0.5 for all but the matte errors.
    soft
        Add the errors of soft mattes.
    stretch
        Stretch the prediction to [0, 1] first, as papers do. A constant one stays as it is.

    Raises
    ------
    MissingExtraError
        PySODMetrics is not installed.
    ValueError
        The sizes differ.
    """
    if prediction.shape != mask.shape:
        raise ValueError(f"the matte is {prediction.shape}, the mask {mask.shape}")
    low, high = float(prediction.min()), float(prediction.max())
    if stretch and high > low:
        prediction = (prediction - low) / np.float32(high - low)
    prediction = prediction.clip(0.0, 1.0)
    truth = mask > 0.5
    values, curves = _saliency(prediction.astype(np.float64), truth)
    chosen = prediction > 0.5
    values["mba"] = boundary.mean_boundary_accuracy(chosen, truth)
    values["boundary_iou"] = boundary.boundary_iou(chosen, truth)
    if soft:
        values["sad"] = matte.sad(prediction, mask)
        values["mse"] = matte.mse(prediction, mask)
        values["gradient"] = matte.gradient_error(prediction, mask)
        values["connectivity"] = matte.connectivity_error(prediction, mask)
    return PictureScores(values, curves)


def _saliency(prediction: Curve, truth: NDArray[np.bool_]) -> tuple[dict[str, float], dict[str, Curve]]:
    """Run PySODMetrics on one picture."""
    with needing("eval", "evaluation needs more packages"):
        import py_sod_metrics as sod
    handlers = {
        "f": sod.FmeasureHandler(with_dynamic=True, with_adaptive=True, beta=F_BETA_SQUARED),
        "precision": sod.PrecisionHandler(with_dynamic=True, with_adaptive=False),
        "recall": sod.RecallHandler(with_dynamic=True, with_adaptive=False),
        "iou": sod.IOUHandler(with_dynamic=False, with_adaptive=False, with_binary=True),
    }
    binary = sod.FmeasureV2(handlers)
    others = {
        "s_measure": sod.Smeasure(),
        "mae": sod.MAE(),
        "weighted_f": sod.WeightedFmeasure(),
        "e": sod.Emeasure(),
    }
    binary.step(prediction, truth, normalize=False)
    for metric in others.values():
        metric.step(prediction, truth, normalize=False)
    curves = binary.get_results()
    e = others["e"].get_results()["em"]
    f_curve, e_curve = curves["f"]["dynamic"], np.asarray(e["curve"], np.float64)
    values = {
        "s_measure": others["s_measure"].get_results()["sm"],
        "mae": others["mae"].get_results()["mae"],
        "max_f": f_curve.max(),
        "mean_f": f_curve.mean(),
        "adaptive_f": curves["f"]["adaptive"],
        "weighted_f": others["weighted_f"].get_results()["wfm"],
        "max_e": e_curve.max(),
        "mean_e": e_curve.mean(),
        "adaptive_e": e["adp"],
        "iou": curves["iou"]["binary"],
    }
    if not truth.any():
        # precision and recall say nothing about a picture without an object; MAE and S-measure do
        kept = ("s_measure", "mae")
        return {name: float(value) if name in kept else math.nan for name, value in values.items()}, {}
    return {name: float(value) for name, value in values.items()}, {
        "precision": curves["precision"]["dynamic"],
        "recall": curves["recall"]["dynamic"],
        "f": f_curve,
        "e": e_curve,
    }


class Evaluator:
    """Scores of a data set, collected picture by picture.

    As usual for salient objects, curves are averaged over the pictures first, and ``max_f`` and
    ``max_e`` are the best of the averaged curve.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}
        self._curves: dict[str, Curve] = {}
        self.count = 0
        self._curved = 0

    def step(self, prediction: FloatArray, mask: FloatArray, *, soft: bool = False) -> PictureScores:
        """Score a picture as :func:`score_picture` does, and add it."""
        scores = score_picture(prediction, mask, soft=soft)
        self.add(scores)
        return scores

    def add(self, scores: PictureScores) -> None:
        """Add a picture that was scored elsewhere."""
        for name, value in scores.values.items():
            self._values.setdefault(name, []).append(value)
        for name, curve in scores.curves.items():
            self._curves[name] = self._curves.get(name, np.zeros(LEVELS)) + curve
        self.count += 1
        self._curved += bool(scores.curves)

    def curves(self) -> dict[str, Curve]:
        """Return the mean curves over the pictures that have an object."""
        return {name: total / self._curved for name, total in self._curves.items()}

    def results(self) -> dict[str, float]:
        """Return the scores by name.

        Pictures without an object count for ``mae``, ``s_measure`` and matte errors alone, and those
        without an edge not for ``mba``.
        """
        results = {name: _mean(values) for name, values in self._values.items()}
        curves = self.curves()
        for letter in ("f", "e"):
            if letter in curves:
                results[f"max_{letter}"] = float(curves[letter].max())
                results[f"mean_{letter}"] = float(curves[letter].mean())
        return results


def _mean(values: Sequence[float]) -> float:
    numbers = [value for value in values if not np.isnan(value)]
    return sum(numbers) / len(numbers) if numbers else float("nan")
