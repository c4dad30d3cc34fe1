"""The package's errors of soft mattes, over the whole picture and near its soft pixels only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from transparent_background.evaluate import matte
from transparent_background.types import FloatArray

from .edges import EDGES

WIDTH = 10  # pixels around soft ones that are unknown too, as in a trimap
FOUND = 0.7  # soft IoU from which an object counts as found, however its soft parts were taken

METRICS = {
    "sad": matte.sad,
    "mse": matte.mse,
    "gradient": matte.gradient_error,
    "connectivity": matte.connectivity_error,
}


@dataclass(frozen=True)
class Scores:
    """What one matte of one composite scores."""

    kind: str
    index: int
    name: str
    model: str
    whole: dict[str, float]
    """Errors over the whole picture, by name."""
    band: dict[str, float]
    """Errors over the unknown band."""
    iou: float
    """Soft intersection over union; NaN if both mattes are empty."""


def unknown_band(truth: FloatArray) -> np.ndarray:
    """Return what a trimap would leave open, bool (h, w): soft pixels and all within 10 pixels of them."""
    soft = (truth > 1 / 255) & (truth < 254 / 255)
    # a sharp edge between two pixels has no soft one
    chosen = (truth > 0.5).astype(np.uint8)
    edge = cv2.morphologyEx(chosen, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * WIDTH + 1, 2 * WIDTH + 1))
    return cv2.dilate(np.maximum(soft.astype(np.uint8), edge), around) > 0


def errors(prediction: FloatArray, truth: FloatArray, within: np.ndarray | None = None) -> dict[str, float]:
    """Return the four errors by name; the mattes are float32 (h, w) in [0, 1], ``within`` is bool (h, w)."""
    return {name: metric(prediction, truth, within) for name, metric in METRICS.items()}


def overlap(prediction: FloatArray, truth: FloatArray) -> float:
    """Return the soft IoU: the sum of the smaller alphas over that of the larger ones; NaN for 0 / 0."""
    union = float(np.maximum(prediction, truth).sum(dtype=np.float64))
    return float(np.minimum(prediction, truth).sum(dtype=np.float64)) / union if union else math.nan


def found_by_all(scores: Sequence[Scores]) -> list[Scores]:
    """Leave out the composites whose object one of the models missed."""
    missed = {(one.kind, one.index) for one in scores if not one.iou >= FOUND}
    return [one for one in scores if (one.kind, one.index) not in missed]


def table(scores: Sequence[Scores]) -> str:
    """Write means as a Markdown table, a line for each kind of edge and model, and for all kinds."""
    head = ["edge", "model", "n", "found", *TITLES, *(f"band {title}" for title in TITLES)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    there = {one.kind for one in scores}
    kinds = [kind for kind in EDGES if kind in there]
    for kind in [*kinds, "all"]:
        some = [one for one in scores if kind in (one.kind, "all")]
        for model in dict.fromkeys(one.model for one in some):
            lines.append(_row(kind, model, [one for one in some if one.model == model]))
    return "\n".join(lines)


TITLES = ("SAD", "MSE", "Grad", "Conn")


def _row(kind: str, model: str, scores: Sequence[Scores]) -> str:
    cells = [kind, model, str(len(scores)), f"{_mean(one.iou >= FOUND for one in scores):.0%}"]
    for area in ("whole", "band"):
        for name in METRICS:
            digits = 4 if name == "mse" else 2
            cells.append(f"{_mean(getattr(one, area)[name] for one in scores):.{digits}f}")
    return f"| {' | '.join(cells)} |"


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
