"""An evaluation: mattes of a model or of a folder, scored while the next ones are made."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..engine.predictor import Predictor
from ..errors import DataSetError, InputError, UsageError
from ..images.picture import Picture
from ..media.pairs import Pair, evenly, find_pairs, read_image, read_mask
from ..options.suffixes import PICTURE_SUFFIXES
from ..types import FloatArray
from .metrics import Curve, Evaluator, PictureScores, score_picture

QUEUED = 4  # pictures per worker that wait to be scored


class MatteSource(Protocol):
    """Where mattes come from."""

    name: str

    def matte(self, pair: Pair, data: Path) -> FloatArray:
        """Return the matte of a picture, float32 (h, w) in [0, 1]."""
        ...


class NetworkMattes:
    """Mattes that a network predicts, as its users get them."""

    def __init__(self, name: str, predictor: Predictor) -> None:
        self.name, self._predictor = name, predictor

    def matte(self, pair: Pair, data: Path) -> FloatArray:
        """Predict."""
        from ..matting.pictures import predict_mattes

        return predict_mattes(self._predictor, [Picture(read_image(pair.image))])[0]


class FolderMattes:
    """Mattes in a folder, by the pictures' stems; or in a folder of folders, one a data set.

    Raises
    ------
    DataSetError
        There is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DataSetError(f"{folder}: no such folder of predictions")
        self.name, self._folder = str(folder), folder
        self._by_stem = cache(_by_stem)

    def matte(self, pair: Pair, data: Path) -> FloatArray:
        """Read; a matte of another size than its picture is an error."""
        within = self._folder / set_name(data)
        folder = within if within.is_dir() else self._folder
        found, stem = self._by_stem(folder), pair.image.stem
        # a matte is called as its picture, or as the command names its results
        path = found.get(stem) or found.get(f"{stem}_map") or found.get(f"{stem}_rgba")
        if path is None:
            raise DataSetError(f"{folder}: has no prediction for {pair.image.name}")
        return read_mask(path) / np.float32(255)


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES}


@dataclass
class SetReport:
    """What a model scores on a data set."""

    model: str
    data: str
    count: int
    scores: dict[str, float]
    curves: dict[str, Curve]
    pictures: list[tuple[Pair, PictureScores]] = field(default_factory=list)


def set_name(data: Path) -> str:
    """Return what a data set is called: its folder's name."""
    return data.resolve().name


def evaluate(
    source: MatteSource,
    data: Path,
    *,
    soft: bool = False,
    stretch: bool = False,
    limit: int | None = None,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
    failed: Callable[[InputError], None] | None = None,
) -> SetReport:
    """Score a model on a data set.

    Parameters
    ----------
    source
        A :class:`NetworkMattes` or :class:`FolderMattes`.
    data
        A folder with ``images/`` and ``masks/``.
    soft
        Add the errors of soft mattes.
    stretch
        Stretch every matte to [0, 1] first.
    limit
        Score only so many pictures, evenly spaced.
    workers
        Processes that score; with 0 a thread of the calling one does.
    progress
        Called with each picture's name.
    failed
        Called with what is wrong with a picture, which is then left out. None: that is raised.

    Raises
    ------
    DataSetError
        Halves of pairs are missing; without ``failed``, also files that are unreadable, predictions that
        are missing, and sizes that differ.
    """
    pairs = evenly(find_pairs(data), limit)
    evaluator = Evaluator()
    pictures: list[tuple[Pair, PictureScores]] = []
    with _scorers(workers) as pool:
        waiting: deque[tuple[Pair, Future[PictureScores]]] = deque()

        def collect() -> None:
            pair, future = waiting.popleft()
            with _reported(failed):
                scores = future.result()
                evaluator.add(scores)
                pictures.append((pair, scores))
            if progress is not None:
                progress(pair.image.name)

        for pair in pairs:
            with _reported(failed):
                matte = source.matte(pair, data)
                waiting.append((pair, pool.submit(_score, pair, matte, soft, stretch)))
            if len(waiting) > QUEUED * max(workers, 1):
                collect()
        while waiting:
            collect()
    return SetReport(
        source.name, set_name(data), evaluator.count, evaluator.results(), evaluator.curves(), pictures
    )


@contextmanager
def _reported(failed: Callable[[InputError], None] | None) -> Iterator[None]:
    """Hand what is wrong with a picture on, if there is someone to take it."""
    try:
        yield
    except InputError as error:
        if failed is None:
            raise
        failed(error)


def _score(pair: Pair, matte: FloatArray, soft: bool, stretch: bool) -> PictureScores:
    """Score in a worker, which reads the mask itself."""
    mask = read_mask(pair.mask) / np.float32(255)
    if matte.shape != mask.shape:
        (h, w), (mask_h, mask_w) = matte.shape, mask.shape
        raise DataSetError(f"{pair.mask}: is {mask_w} x {mask_h}, its matte {w} x {h}")
    return score_picture(matte, mask, soft=soft, stretch=stretch)


@contextmanager
def _scorers(workers: int) -> Iterator[Executor]:
    """Yield what scores; what still waits when something fails is not begun."""
    if workers < 1:
        pool: Executor = ThreadPoolExecutor(1)
    else:
        # a forked process would inherit PyTorch's threads in whatever state they are
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    with pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def find_mattes(name: str, **options: Any) -> MatteSource:
    """Turn what a user named into a source of mattes.

    Parameters
    ----------
    name
        A folder of predictions, a file of weights, or a mode.
    **options
        For :class:`~transparent_background.Remover`.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return FolderMattes(path)
    if path.suffix and path.suffix != name and not path.is_file():
        raise UsageError(f"{name}: no such file of weights")
    from ..matting.network import NetworkPredictor

    weights: dict[str, Any] = {"ckpt": path} if path.is_file() else {"mode": name}
    return NetworkMattes(name, NetworkPredictor(**weights, **options))


def worst(
    report: SetReport, score: str, count: int, *, lower_is_better: bool
) -> Sequence[tuple[Pair, float]]:
    """Return the pictures that score worst, the worst first."""
    scored = [(pair, scores.values[score]) for pair, scores in report.pictures]
    known = [(pair, value) for pair, value in scored if not np.isnan(value)]
    return sorted(known, key=lambda entry: entry[1], reverse=lower_is_better)[:count]
