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
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..errors import OutputError, TransparentBackgroundError
from ..options.settings import Settings
from .plan import Plan, Task

if TYPE_CHECKING:
    from ..compositing.backgrounds import Backdrops
    from ..films.report import FilmReport, VideoProgress
    from ..images.picture import Picture
    from ..media.reading import Animation
    from ..remover import Remover

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
    size: tuple[int, int] | None = None
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


@dataclass(slots=True)
class _Loaded:
    """A source that has been read: a picture, or an animation that is yet to be."""

    picture: Picture | None
    animation: Animation | None = None
    data: bytes | None = None


FilmProgress: TypeAlias = Callable[[str, "VideoProgress"], None]
"""Called with a film's name and how far it is."""


def run(
    plan: Plan,
    remover: Remover | None,
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
        if remover is None:
            raise TypeError("a remover is needed where there is something to do")
        _Work(remover, settings, report, workers, batch_size, on_film).do(plan.tasks)
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
        remover: Remover,
        settings: Settings,
        report: _Report,
        workers: int,
        batch_size: int,
        on_film: FilmProgress | None,
    ) -> None:
        from ..compositing.backgrounds import Backdrops

        self.on_film = on_film

        self.remover, self.settings, self.report = remover, settings, report
        self.workers, self.batch_size, self.passes = workers, batch_size, 1
        self.backdrops: Backdrops = Backdrops()
        self.writing: deque[tuple[Task, Future[tuple[int, int]]]] = deque()
        self.full: str | None = None

    def do(self, tasks: list[Task]) -> None:
        """Work through the tasks; an interrupt leaves no half-written file."""
        from ..engine.threads import passes_side_by_side

        many = len(tasks) >= MANY and all(task.targets is None for task in tasks)
        with passes_side_by_side(self.remover) if many else nullcontext(1) as passes:
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
                    self._infer(batch, writers)
                    batch = []
                if self.full:
                    break
            if not self.full:
                self._infer(batch, writers)
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

    def _infer(self, batch: list[tuple[Task, _Loaded]], writers: ThreadPoolExecutor) -> None:
        """Run the network on a batch and hand the mattes to the writers."""
        still = [(task, loaded.picture) for task, loaded in batch if loaded.picture is not None]
        if self.passes > 1:
            for task, picture in still:
                self.writing.append((task, writers.submit(self._whole, task, picture)))
                self._drain(self.passes + self.workers)
            still = []
        try:
            mattes = self.remover.mattes([picture for _, picture in still]) if still else []
        except Exception as error:
            for task, _ in still:
                self._fail(task, error)
            still, mattes = [], []
        for (task, picture), matte in zip(still, mattes, strict=True):
            self.writing.append((task, writers.submit(self._finish, task, picture, matte)))
            self._drain(2 * self.workers)
        for task, loaded in batch:
            if loaded.animation is not None:
                self._animate(task, loaded)
            elif loaded.picture is None:
                self._film(task)

    def _whole(self, task: Task, picture: Picture) -> tuple[int, int]:
        """Do everything with a picture in one thread, with others doing the same beside it."""
        (matte,) = self.remover.mattes([picture])
        return self._finish(task, picture, matte)

    def _finish(self, task: Task, picture: Picture, matte: object) -> tuple[int, int]:
        from ..compositing.finish import finish, make_result
        from ..engine.devices import estimates_on

        device = estimates_on(self.remover.device)
        result = make_result(picture, matte, task, self.settings, self.backdrops, device)  # type: ignore[arg-type]
        return finish(result, picture, task, self.settings)

    def _animate(self, task: Task, loaded: _Loaded) -> None:
        from ..compositing.finish import finish_animation

        source = loaded.data if loaded.data is not None else task.source.path
        assert source is not None
        assert loaded.animation is not None
        try:
            size = finish_animation(self.remover, source, loaded.animation, task, self.settings)
        except Exception as error:
            self._fail(task, error)
        else:
            self._succeed(task, size)

    def _film(self, task: Task) -> None:
        """Work through a film; the pictures before it are written meanwhile."""
        from functools import partial

        from ..films.process import process_film

        source = task.source
        progress = None if self.on_film is None else partial(self.on_film, source.name)
        what = source.address or source.path or sys.stdin.buffer
        assert task.targets is not None
        try:
            report = process_film(
                self.remover, what, task.targets, self.settings, workers=self.workers, progress=progress
            )
        except Exception as error:
            self._fail(task, error)
        else:
            self.report(Outcome(source.name, "done", str(report.result), report.size, film=report))

    def _drain(self, keep: int) -> None:
        """Wait until at most ``keep`` results are still being written."""
        while len(self.writing) > keep:
            task, future = self.writing.popleft()
            try:
                self._succeed(task, future.result())
            except Exception as error:
                self._fail(task, error)

    def _succeed(self, task: Task, size: tuple[int, int]) -> None:
        result = "-" if task.destination is None else str(task.destination)
        self.report(Outcome(task.source.name, "done", result, size))

    def _fail(self, task: Task, error: Exception) -> None:
        if isinstance(error, BrokenPipeError):
            raise error
        if isinstance(error, OutputError) and error.errno == errno.ENOSPC:
            self.full = "the disk is full"
        if isinstance(error, TransparentBackgroundError):
            text = str(error)
            logger.debug("%s", task.source.name, exc_info=error)
        else:
            text = f"unexpected {type(error).__name__}: {error} (--debug shows more)"
            logger.debug("%s", task.source.name, exc_info=error)
        if task.source.name not in text:
            text = f"{task.source.name}: {text}"
        self.report(Outcome(task.source.name, "failed", error=" ".join(text.split())))


def _load(task: Task) -> _Loaded:
    """Read one source."""
    from ..media.reading import animation, read
    from ..options.suffixes import ANIMATED

    if task.targets is not None:
        return _Loaded(None)  # a film is read while it is worked on
    data = sys.stdin.buffer.read() if task.source.path is None else None
    source = data if data is not None else task.source.path
    assert source is not None
    info = animation(source)
    if info is not None and task.format in ANIMATED:
        return _Loaded(None, info, data)
    if info is not None:
        logger.warning(
            "%s is animated, but %s holds one picture: only its first frame is done",
            task.source.name,
            task.format,
        )
    return _Loaded(read(source))
