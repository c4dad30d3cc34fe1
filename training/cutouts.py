"""Make cut-outs with soft mattes of their own from pictures with hard masks, to train on.

    python -m training.cutouts DATA/train/FeralCats DATA/train/CCP --out DATA/cutouts --workers 2

Writes ``images/SET_STEM.webp`` for each picture whose matte passes the checks: RGBA, cropped to the object
and a margin, with the object's own colours beyond its edge. ``masks`` is a link to ``images``, so that
``train`` takes the folder as a set with ``matte: true``. ``verdicts.csv`` says of every picture what became
of it, with its measures. Run again, it goes on where it stopped; what was dropped is not tried again unless
its line is deleted. Needs pymatting, which the extra ``dev`` brings.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numba
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from transparent_background.errors import DataSetError, TransparentBackgroundError
from transparent_background.media.atomic import make_folder, replacing
from transparent_background.media.pairs import Pair, find_pairs, read_pair

from .mattes import LIMITS, Matte, fault, judge_mask, make_matte

MARGIN = 8  # pixels kept around the object
VERDICTS = "verdicts.csv"
KEPT = "kept"


class Task(NamedTuple):
    """One picture to cut out."""

    name: str
    """``SET_STEM``."""
    pair: Pair
    out: Path
    """The folder that the cut-out goes to."""

    @property
    def path(self) -> Path:
        """Where the cut-out is written."""
        return self.out / f"{self.name}.webp"


class Verdict(NamedTuple):
    """What became of one picture."""

    name: str
    outcome: str
    """``kept``; a measure that is out of its limits; ``unreadable`` or ``unsolved``."""
    measures: Mapping[str, float]
    """Those that were taken, by the names of :data:`.mattes.LIMITS`."""


def cut_out(task: Task) -> Verdict:
    """Make one cut-out, and write it if it is good."""
    try:
        image, mask = read_pair(task.pair)
    except DataSetError:
        return Verdict(task.name, "unreadable", {})
    if image.shape[:2] != mask.shape:
        return Verdict(task.name, "unreadable", {})
    measures = judge_mask(mask)
    wrong = fault(measures)
    if wrong is None:
        try:
            matte = make_matte(image, mask)
        except ValueError:  # nothing is known of the background, or the solver does not converge
            return Verdict(task.name, "unsolved", measures)
        measures = matte.measures
        wrong = fault(measures)
        if wrong is None:
            write(matte, task.path)
    return Verdict(task.name, wrong or KEPT, measures)


def write(matte: Matte, path: Path) -> None:
    """Write a cut-out: exact alpha, colours of quality 95, kept where the alpha is 0 too."""
    rows, columns = (np.flatnonzero((matte.alpha > 0).any(axis=axis)) for axis in (1, 0))
    window = tuple(slice(max(int(at[0]) - MARGIN, 0), int(at[-1]) + MARGIN + 1) for at in (rows, columns))
    alpha = np.rint(matte.alpha[window] * 255).astype(np.uint8)
    picture = Image.fromarray(np.dstack([matte.colours[window], alpha]))
    with replacing(path) as file:
        picture.save(file, "WEBP", quality=95, alpha_quality=100, exact=True, method=4)


def find_tasks(folders: Sequence[Path], out: Path, limit: int | None, seed: int) -> list[Task]:
    """List the pictures of several data sets.

    Parameters
    ----------
    folders
        Each holds ``images/`` and ``masks/``; its own name is the set's.
    out
        The folder that cut-outs go to.
    limit
        Most pictures of each set, drawn at random; None for all.
    seed
        Of that draw.

    Raises
    ------
    DataSetError
        A folder is incomplete, or two have one name.
    """
    names = [folder.resolve().name for folder in folders]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataSetError(f"{twice[0]}: two sets of that name")
    tasks = []
    for name, folder in zip(names, folders, strict=True):
        pairs = find_pairs(folder)
        order = np.random.default_rng(seed).permutation(len(pairs))[:limit]
        tasks += [Task(f"{name}_{pairs[i].image.stem}", pairs[i], out) for i in sorted(order)]
    return tasks


def read_verdicts(path: Path) -> dict[str, str]:
    """Read what became of earlier pictures, by name; nothing if there is no such file."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["outcome"] or "" for row in csv.DictReader(file)}


def run(tasks: Sequence[Task], out: Path, workers: int) -> dict[str, str]:
    """Make the cut-outs that are still missing, and return what became of every task, by name."""
    make_folder(out)
    outcomes = read_verdicts(out / VERDICTS)
    missing = [
        task
        for task in tasks
        if task.name not in outcomes or (outcomes[task.name] == KEPT and not task.path.exists())
    ]
    new = not (out / VERDICTS).exists()
    with (out / VERDICTS).open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["name", "outcome", *LIMITS])
        if new:
            writer.writeheader()
        with _mapping(workers) as mapping:
            for verdict in _tracked(mapping(missing), len(missing)):
                measures = {name: f"{value:.4f}" for name, value in verdict.measures.items()}
                writer.writerow({"name": verdict.name, "outcome": verdict.outcome, **measures})
                file.flush()
                outcomes[verdict.name] = verdict.outcome
    return {task.name: outcomes[task.name] for task in tasks}


def _tracked(verdicts: Iterable[Verdict], total: int) -> Iterable[Verdict]:
    return track(verdicts, "cutting out", total, console=Console(stderr=True))


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[[Sequence[Task]], Iterator[Verdict]]]:
    """Give what cuts out many tasks, in as many processes of one thread each; here, if it is one."""
    if workers == 1:
        with _one_thread():
            yield lambda tasks: map(cut_out, tasks)
        return
    # a forked process could not use the threads of numba that this one has started
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _use_one_thread)
    try:
        yield lambda tasks: (
            future.result() for future in as_completed([pool.submit(cut_out, task) for task in tasks])
        )
    finally:
        pool.shutdown(cancel_futures=True)  # after an interrupt, what is begun is finished and no more


def _use_one_thread() -> None:
    cv2.setNumThreads(1)
    numba.set_num_threads(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads(), numba.get_num_threads()
    _use_one_thread()
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        numba.set_num_threads(before[1])


def report(tasks: Sequence[Task], outcomes: Mapping[str, str]) -> list[str]:
    """Say in a line for each set how many cut-outs were kept, and why the others were dropped."""
    counts: dict[str, Counter[str]] = {}
    for task in tasks:
        folder = task.pair.image.parent.parent.resolve().name
        counts.setdefault(folder, Counter())[outcomes[task.name]] += 1
    lines = []
    for folder, found in counts.items():
        dropped = ", ".join(f"{name} {n}" for name, n in found.most_common() if name != KEPT)
        lines.append(f"{folder}: {found[KEPT]} of {found.total()} kept; dropped: {dropped or 'none'}")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m training.cutouts", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("sets", nargs="+", type=Path, help="folders with images/ and masks/")
    parser.add_argument("--out", type=Path, required=True, help="the folder that the cut-outs go to")
    parser.add_argument("--limit", type=int, help="most pictures of each set, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of that draw")
    parser.add_argument("--workers", type=int, default=1, help="processes; each uses one thread")
    options = parser.parse_args(arguments)
    if options.out.resolve() in {folder.resolve() for folder in options.sets}:
        parser.error(f"{options.out}: is one of the sets")
    if options.workers < 1 or (options.limit is not None and options.limit < 1):
        parser.error("--workers and --limit must be 1 or more")
    try:
        images, masks = options.out / "images", options.out / "masks"
        tasks = find_tasks(options.sets, images, options.limit, options.seed)
        make_folder(images)
        if not masks.exists():
            masks.symlink_to(images.name)
        outcomes = run(tasks, options.out, options.workers)
    except TransparentBackgroundError as error:
        parser.error(str(error))
    print("\n".join(report(tasks, outcomes)))


if __name__ == "__main__":
    main()
