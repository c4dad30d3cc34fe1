"""Pictures of an evaluation: PR and F curves, and a sheet of the worst results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from ..errors import MissingExtraError
from ..media.pairs import Pair, read_pair
from .metrics import LEVELS
from .run import SetReport

if TYPE_CHECKING:
    from ..types import FloatArray

CELL = 200  # side of a picture on a sheet, pixels
LINE = 16  # height of its caption


def plot_curves(reports: Sequence[SetReport], folder: Path) -> list[Path]:
    """Draw ``pr.png`` and ``f.png``, one line for each model and data set.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            'plots need more packages: pip install "transparent-background[eval]"'
        ) from error
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


def contact_sheet(entries: Sequence[tuple[Pair, FloatArray, str]], *, across: int = 2) -> Image.Image:
    """Lay out picture, mask and matte of several results, with a caption each.

    Parameters
    ----------
    entries
        Pairs, mattes as float32 (h, w) in [0, 1], and captions.
    across
        Results side by side.
    """
    rows = -(-len(entries) // across)
    sheet = Image.new("RGB", (across * 3 * CELL, max(rows, 1) * (CELL + LINE)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (pair, matte, caption) in enumerate(entries):
        left, top = index % across * 3 * CELL, index // across * (CELL + LINE)
        image, mask = read_pair(pair)
        layers = (image, mask, np.rint(matte * 255).astype(np.uint8))
        for column, layer in enumerate(layers):
            cell = Image.fromarray(layer).convert("RGB")
            cell.thumbnail((CELL - 4, CELL - 4))
            sheet.paste(cell, (left + column * CELL, top + LINE))
        draw.text((left + 2, top + 2), caption, fill="black")
    return sheet
