"""Plots of an evaluation: PR and F curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import needing
from .metrics import LEVELS
from .run import SetReport


def plot_curves(reports: Sequence[SetReport], folder: Path) -> list[Path]:
    """Draw ``pr.png`` and ``f.png``, one line for each model and data set.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    with needing("eval", "plots need more packages"):
        from matplotlib.figure import Figure
    thresholds = np.arange(LEVELS)[::-1] / (LEVELS - 1)
    paths = []
    for name, x_label, y_label in (("pr", "recall", "precision"), ("f", "threshold", "F")):
        figure = Figure(figsize=(6, 5), layout="constrained")
        axes = figure.subplots()
        for report in reports:
            if not report.curves:
                continue
            x = report.curves["recall"] if name == "pr" else thresholds
            axes.plot(x, report.curves[y_label.lower()], label=f"{report.model}, {report.data}")
        axes.set(xlabel=x_label, ylabel=y_label, xlim=(0, 1), ylim=(0, 1.01))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=110)
    return paths
