"""The work, overlapped: pictures are decoded and results made and written in threads.

The network runs in the caller's thread, one picture or batch after the other, while the next
pictures are read and the last results written; of many pictures, a small network on a processor does
several at once, each in a thread of its own. Queues are bounded: memory does not grow with the
number of pictures.
"""

from __future__ import annotations

import errno
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..engine.threads import passes_side_by_side
from ..errors import OutputError, TransparentBackgroundError
from ..films.outputs import Targets
from ..images.picture import Picture
from ..media.reading import Animation, animation, read
from ..options.settings import Settings
from ..options.suffixes import ANIMATED
from .plan import Plan, Task

if TYPE_CHECKING:
    from ..engine.predictor import Predictor
    from ..films.report import FilmReport, VideoProgress
    from ..types import FloatArray, Size

logger = logging.getLogger(__name__)

MANY = 4  # pictures; from here on a small network makes several passes at once

Status: TypeAlias = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source."""

    source: str
    status: Status
    result: str | None = None
    """The file that was written; ``-`` for standard output."""
    size: Size | None = None
    """(height, width) of the result."""
    error: str | None = None
    film: FilmReport | None = None
    """What became of a film."""


@dataclass(slots=True)
class Summary:
    """What became of all of them, in the order of the sources."""

    outcomes: list[Outcome] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """(path, reason) of files that nothing was done with."""
    seconds: float = 0.0
    stopped: str | None = None
    """Why the rest was not tried."""

    def count(self, status: Status) -> int:
        """Return how many sources ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class _Animated:
    """An animated picture, whose frames are read while it is worked on."""

    source: Path | bytes
    animation: Animation


_Loaded: TypeAlias = Picture | _Animated | Targets
"""What has been read of a source: a picture; of a film nothing yet, only how it is written is known."""

FilmProgress: TypeAlias = Callable[[str, "VideoProgress"], None]
"""Called with a film's name and how far it is."""


def run(
    plan: Plan,
    predictor: Predictor | None,
    settings: Settings,
    *,
    workers: int = 2,
    batch_size: int = 1,
    on_outcome: Callable[[Outcome], None] | None = None,
    on_film: FilmProgress | None = None,
) -> Summary:
    """Do what is planned.

    Parameters
    ----------
    predictor
        What predicts the mattes; None where nothing is to be done.
    workers
        Threads that read, and as many that compose and write.
    batch_size
        Pictures that share a pass of the network, if it sees them at one size.
    on_outcome
        Called in the caller's thread for every source as it ends.
    on_film
        Called in the caller's thread after every frame of a film.

    Returns
    -------
    Summary
        A source that fails is an outcome; the rest goes on, unless the disk is full.
    """
    started = time.perf_counter()
    summary = Summary(left_out=[(str(item.path), item.reason) for item in plan.left_out])
    report = _Report(summary, on_outcome)
    for source, reason in plan.refused:
        report(Outcome(source, "failed", error=reason))
    for task in plan.skipped:
        report(Outcome(task.source.name, "skipped", str(task.destination)))
    if plan.tasks:
        if predictor is None:
            raise TypeError("a predictor is needed where there is something to do")
        _Work(predictor, settings, report, workers, batch_size, on_film).do(plan.tasks)
    summary.seconds = time.perf_counter() - started
    return summary


class _Report:
    """Collects outcomes."""

    def __init__(self, summary: Summary, on_outcome: Callable[[Outcome], None] | None) -> None:
        self.summary, self.on_outcome = summary, on_outcome

    def __call__(self, outcome: Outcome) -> None:
        self.summary.outcomes.append(outcome)
        if outcome.error is not None:
            logger.error("%s", outcome.error)
        if self.on_outcome is not None:
            self.on_outcome(outcome)


class _Work:
    """One run's threads and queues."""

    def __init__(
        self,
        predictor: Predictor,
        settings: Settings,
        report: _Report,
        workers: int,
        batch_size: int,
        on_film: FilmProgress | None,
    ) -> None:
        from ..compositing.backgrounds import background_of

        self.predictor, self.settings, self.report, self.on_film = predictor, settings, report, on_film
        self.workers, self.batch_size, self.passes = workers, batch_size, 1
        self.background = background_of(settings)
        self.writing: deque[tuple[Task, Future[Size]]] = deque()
        self.full: str | None = None

    def do(self, tasks: list[Task]) -> None:
        """Work through the tasks; an interrupt leaves no half-written file."""
        many = len(tasks) >= MANY and all(task.targets is None for task in tasks)
        with passes_side_by_side(self.predictor) if many else nullcontext(1) as passes:
            self._do(tasks, passes)

    def _do(self, tasks: list[Task], passes: int) -> None:
        self.passes = passes
        readers = ThreadPoolExecutor(self.workers, thread_name_prefix="read")
        writers = ThreadPoolExecutor(max(self.workers, passes), thread_name_prefix="write")
        try:
            batch: list[tuple[Task, _Loaded]] = []
            for task, future in self._read_ahead(tasks, readers):
                loaded = self._result_of(task, future)
                if loaded is not None:
                    batch.append((task, loaded))
                if len(batch) >= self.batch_size:
                    self._work_on(batch, writers)
                    batch = []
                if self.full:
                    break
            if not self.full:
                self._work_on(batch, writers)
            self._drain(0)
        finally:
            readers.shutdown(wait=True, cancel_futures=True)
            writers.shutdown(wait=True, cancel_futures=True)
        self.report.summary.stopped = self.full

    def _read_ahead(
        self, tasks: list[Task], readers: ThreadPoolExecutor
    ) -> Iterator[tuple[Task, Future[_Loaded]]]:
        """Yield tasks in order, with a few more being read behind each."""
        ahead: deque[tuple[Task, Future[_Loaded]]] = deque()
        for task in tasks:
            ahead.append((task, readers.submit(_load, task)))
            if len(ahead) > self.workers + self.batch_size:
                yield ahead.popleft()
        while ahead:
            yield ahead.popleft()

    def _result_of(self, task: Task, future: Future[_Loaded]) -> _Loaded | None:
        try:
            return future.result()
        except Exception as error:
            self._fail(task, error)
            return None

    def _work_on(self, batch: list[tuple[Task, _Loaded]], writers: ThreadPoolExecutor) -> None:
        """Work on what was read: pictures together, everything else one by one."""
        pictures = [(task, loaded) for task, loaded in batch if isinstance(loaded, Picture)]
        if self.passes > 1:
            for task, picture in pictures:
                self.writing.append((task, writers.submit(self._whole, task, picture)))
                self._drain(self.passes + self.workers)
        elif pictures:
            self._infer(pictures, writers)
        for task, loaded in batch:
            if isinstance(loaded, Picture):
                continue
            try:
                if isinstance(loaded, Targets):
                    self._film(task, loaded)
                else:
                    self._animation(task, loaded)
            except Exception as error:
                self._fail(task, error)

    def _infer(self, pictures: list[tuple[Task, Picture]], writers: ThreadPoolExecutor) -> None:
        """Run the network on pictures and hand the mattes to the writers."""
        try:
            mattes = self._mattes([picture for _, picture in pictures])
        except Exception as error:
            for task, _ in pictures:
                self._fail(task, error)
            return
        for (task, picture), matte in zip(pictures, mattes, strict=True):
            self.writing.append((task, writers.submit(self._finish, task, picture, matte)))
            self._drain(2 * self.workers)

    def _mattes(self, pictures: list[Picture]) -> list[FloatArray]:
        from ..matting.pictures import predict_mattes

        return predict_mattes(self.predictor, pictures)

    def _whole(self, task: Task, picture: Picture) -> Size:
        """Do everything with a picture in one thread, with others doing the same beside it."""
        (matte,) = self._mattes([picture])
        return self._finish(task, picture, matte)

    def _finish(self, task: Task, picture: Picture, matte: FloatArray) -> Size:
        from .results import finish_picture

        device = self.predictor.device
        return finish_picture(picture, matte, task, self.settings, device, self.background)

    def _animation(self, task: Task, loaded: _Animated) -> None:
        """Work through an animated picture."""
        from .results import finish_animation

        size = finish_animation(
            self.predictor, loaded.source, loaded.animation, task, self.settings, self.background
        )
        self._succeed(task, size)

    def _film(self, task: Task, targets: Targets) -> None:
        """Work through a film; the pictures before it are written meanwhile."""
        from ..films.process import process_film

        source = task.source
        report = process_film(
            self.predictor,
            source.address or source.path or sys.stdin.buffer,
            targets,
            self.settings,
            workers=self.workers,
            progress=None if self.on_film is None else partial(self.on_film, source.name),
        )
        self.report(Outcome(source.name, "done", str(report.result), report.size, film=report))

    def _drain(self, keep: int) -> None:
        """Wait until at most ``keep`` results are still being written."""
        while len(self.writing) > keep:
            task, future = self.writing.popleft()
            try:
                self._succeed(task, future.result())
            except Exception as error:
                self._fail(task, error)

    def _succeed(self, task: Task, size: Size) -> None:
        result = "-" if task.destination is None else str(task.destination)
        self.report(Outcome(task.source.name, "done", result, size))

    def _fail(self, task: Task, error: Exception) -> None:
        if isinstance(error, BrokenPipeError):
            raise error
        if isinstance(error, OutputError) and error.errno == errno.ENOSPC:
            self.full = "the disk is full"
        if isinstance(error, TransparentBackgroundError):
            text = str(error)
        else:
            text = f"unexpected {type(error).__name__}: {error} (--debug shows more)"
        logger.debug("%s", task.source.name, exc_info=error)
        if task.source.name not in text:
            text = f"{task.source.name}: {text}"
        self.report(Outcome(task.source.name, "failed", error=" ".join(text.split())))


def _load(task: Task) -> _Loaded:
    """Read one source."""
    if task.targets is not None:
        return task.targets  # a film is read while it is worked on
    source = sys.stdin.buffer.read() if task.source.path is None else task.source.path
    moving = animation(source)
    if moving is not None:
        if task.format in ANIMATED:
            return _Animated(source, moving)
        logger.warning(
            "%s is animated, but %s holds one picture: only its first frame is done",
            task.source.name,
            task.format,
        )
    return read(source)
