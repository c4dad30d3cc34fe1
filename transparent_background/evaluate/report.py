"""Tables of scores, as Markdown, CSV and JSON, and plots of their PR and F curves."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import needing
from .metrics import LEVELS, TITLES
from .run import SetReport


def columns(reports: Sequence[SetReport]) -> list[str]:
    """Return the scores that the reports have, in the order of tables."""
    return [name for name in TITLES if any(name in report.scores for report in reports)]


def to_markdown(reports: Sequence[SetReport]) -> str:
    """Return a table with a line for each model and data set."""
    names = columns(reports)
    lines = [["set", "model", "n", *(TITLES[name] for name in names)]]
    for report in reports:
        numbers = [_number(report.scores.get(name, math.nan)) for name in names]
        lines.append([report.data, report.model, str(report.count), *numbers])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {row} |" for row in (rows[0], rule, *rows[1:]))


def to_csv(reports: Sequence[SetReport], *, each: bool = False) -> str:
    """Return comma-separated lines, one for each model and data set; or for each picture, too."""
    names = columns(reports)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["set", "model", "picture" if each else "pictures", *names])
    for report in reports:
        rows: list[tuple[str | int, dict[str, float]]] = [(report.count, report.scores)]
        if each:
            rows = [(pair.image.name, scores.values) for pair, scores in report.pictures]
        for first, scores in rows:
            cells = [scores.get(name, math.nan) for name in names]
            numbers = ["" if math.isnan(value) else f"{value:.6f}" for value in cells]
            writer.writerow([report.data, report.model, first, *numbers])
    return buffer.getvalue()


def to_json(reports: Sequence[SetReport]) -> str:
    """Return the scores as JSON; a score that does not exist is null."""
    tables = [
        {
            "set": report.data,
            "model": report.model,
            "pictures": report.count,
            "scores": {
                name: None if math.isnan(value) else round(value, 6) for name, value in report.scores.items()
            },
        }
        for report in reports
    ]
    return json.dumps(tables, indent=2)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}" if value < 100 else f"{value:.1f}"


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
