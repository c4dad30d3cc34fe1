"""What a run writes down: CSV, TensorBoard, curves and grids of predictions."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..images.sheet import contact_sheet
from ..media.atomic import replacing
from ..types import ByteArray, FloatArray

logger = logging.getLogger(__name__)


class RunRecords:
    """The log files in a run's folder; a full disk costs the lines, not the run.

    Parameters
    ----------
    folder
        Where ``train.csv``, ``validation.csv``, ``loss.png``, ``scores.png`` and ``grids/`` go.
    step
        The step that the run goes on from; later lines of an interrupted run are dropped.
    tensorboard
        Whether to write TensorBoard events, if it is installed.
    """

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        self.folder = folder
        for name in ("train.csv", "validation.csv"):
            _drop_after(folder / name, step)
        self._writer = _tensorboard_writer(folder, step) if tensorboard else None

    def train(self, values: Mapping[str, float]) -> None:
        """Add a line on the training: ``step`` and what else there is, always under the same names."""
        self._add("train.csv", values)
        self._scalars("train", int(values["step"]), values)

    def validation(self, step: int, name: str, scores: Mapping[str, float]) -> None:
        """Add a line with the scores of one validation set, and log it."""
        logger.info("step %d, %s: %s", step, name, ", ".join(f"{key} {v:.4f}" for key, v in scores.items()))
        self._add("validation.csv", {"step": step, "set": name, **scores})
        self._scalars(f"validation/{name}", step, scores)

    def curves(self) -> None:
        """Draw ``loss.png`` and ``scores.png`` from the CSV files."""
        try:
            draw_curves(self.folder)
        except (
            OSError,
            ImportError,
            ValueError,
            TypeError,
            KeyError,
        ) as error:  # half a line, of a full disk
            logger.warning("the curves were not drawn: %s", error)

    def grid(self, step: int, rows: Sequence[tuple[ByteArray, ByteArray, FloatArray, str]]) -> None:
        """Save pictures, masks and mattes side by side as ``grids/STEP.png``."""
        try:
            (self.folder / "grids").mkdir(exist_ok=True)
            contact_sheet(rows).save(self.folder / "grids" / f"{step:07d}.png")
        except OSError as error:
            logger.warning("the grid was not written: %s", error)

    def close(self) -> None:
        """Draw the curves and finish the TensorBoard file."""
        self.curves()
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                logger.warning("TensorBoard events were not written: %s", error)

    def _add(self, name: str, values: Mapping[str, Any]) -> None:
        path = self.folder / name
        try:
            new = not path.exists() or not path.stat().st_size
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(values))
                if new:
                    writer.writeheader()
                writer.writerow({key: _short(value) for key, value in values.items()})
        except OSError as error:
            logger.warning("%s: a line was not written: %s", path, error.strerror or error)

    def _scalars(self, group: str, step: int, values: Mapping[str, float]) -> None:
        if self._writer is None:
            return
        try:
            for name, value in values.items():
                if name != "step":
                    self._writer.add_scalar(f"{group}/{name}", value, step)
        except OSError as error:  # its writing thread is dead, and would say so at every value
            logger.warning("TensorBoard events are not written any more: %s", error)
            self._writer = None


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _drop_after(path: Path, step: int) -> None:
    """Remove lines after a step, which a resumed run will write again."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if not lines or lines[0][:1] != ["step"]:  # nor a whole first line, which says what the others are
        path.unlink()
        return
    width = len(lines[0])
    # a full disk may have left half a line
    kept = [line for line in lines[1:] if len(line) == width and line[0].isdigit() and int(line[0]) <= step]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([*lines[:1], *kept])
    with replacing(path) as target:
        target.write(text.getvalue().encode("utf-8"))


def _tensorboard_writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info("tensorboard is not installed; its events are not written")
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a log file as mappings; none if it is missing."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def draw_curves(folder: Path) -> None:
    """Draw the loss and the validation scores of a run's folder as PNG."""
    from matplotlib.figure import Figure

    rows = read_rows(folder / "train.csv")
    if rows:
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        left = figure.subplots()
        steps = np.array([int(row["step"]) for row in rows])
        loss = np.array([float(row["loss"]) for row in rows])
        left.plot(steps, loss, color="0.8", linewidth=0.8, label="loss")
        width = max(len(loss) // 40, 1)
        smooth = np.convolve(loss, np.ones(width) / width, mode="valid")
        left.plot(steps[width - 1 :], smooth, color="tab:blue", label=f"mean of {width}")
        left.set(xlabel="step", ylabel="loss")
        right = left.twinx()
        right.plot(steps, [float(row["lr"]) for row in rows], color="tab:orange", linewidth=0.8)
        right.set_ylabel("learning rate", color="tab:orange")
        left.legend(loc="upper right", frameon=False)
        figure.savefig(folder / "loss.png", dpi=110)
    rows = read_rows(folder / "validation.csv")
    if rows:
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        for axes, score, title in zip(
            figure.subplots(1, 3), ("max_f", "mae", "iou"), ("max F", "MAE", "IoU"), strict=True
        ):
            for name in dict.fromkeys(row["set"] for row in rows):
                own = [row for row in rows if row["set"] == name]
                axes.plot(
                    [int(r["step"]) for r in own], [float(r[score]) for r in own], marker=".", label=name
                )
            axes.set(xlabel="step", title=title)
            axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.savefig(folder / "scores.png", dpi=110)
