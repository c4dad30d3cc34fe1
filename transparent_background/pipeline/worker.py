"""One run's work: pictures are decoded, and results made and written, in threads.

The network runs in the caller's thread, one picture or batch after the other, while the next
pictures are read and the last results written; of many pictures, a small network on a processor does
several at once, each in a thread of its own. Queues are bounded: memory does not grow with the
number of pictures.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ..compositing.backgrounds import background_of
from ..compositing.finish import finish
from ..engine.predictor import Predictor
from ..engine.threads import passes_side_by_side
from ..errors import MemoryShortageError, OutputError, TransparentBackgroundError
from ..films.outputs import Targets
from ..films.overlap import in_advance, threads
from ..films.process import process_film
from ..images.picture import Picture
from ..images.result import Result
from ..matting.pictures import predict_mattes
from ..media.atomic import make_folder
from ..media.reading import Animation, animation, read, read_frames
from ..media.writing import check_fits, write, write_animation
from ..options.settings import Settings
from ..options.suffixes import ANIMATED, KEEPS_ALPHA
from ..types import FloatArray, Size
from .plan import FilmProgress, Outcome, Task

logger = logging.getLogger(__name__)

MANY = 4  # pictures; from here on a small network makes several passes at once


_Loaded: TypeAlias = Picture | tuple[Path | bytes, Animation] | Targets
"""What has been read of a source: a picture; of an animation its file, as its frames are read while it is
worked on; of a film nothing yet, only how it is written is known."""


class Worker:
    """Does the tasks of one run; ``report`` is called as ``on_outcome`` of :func:`work.run` is."""

    def __init__(
        self,
        predictor: Predictor,
        settings: Settings,
        report: Callable[[Outcome], None],
        *,
        workers: int,
        on_film: FilmProgress | None,
    ) -> None:
        self.predictor, self.settings, self.report, self.on_film = predictor, settings, report, on_film
        self.workers, self.passes = workers, 1
        self.background = background_of(settings)
        self.writing: deque[tuple[Task, Future[Size]]] = deque()
        self.full: str | None = None
        self.alone: list[Task] | None = []
        """Pictures for which there was too little memory beside others; None: each is by itself now."""

    def do(self, tasks: list[Task], batch_size: int) -> str | None:
        """Work through the tasks; return why it stopped early. An interrupt leaves no half-written file."""
        many = len(tasks) >= MANY and all(task.targets is None for task in tasks)
        with (
            passes_side_by_side(self.predictor) if many else nullcontext(1) as self.passes,
            threads(self.workers, "read") as readers,
            threads(max(self.workers, self.passes), "write") as writers,
        ):
            loaded = self._loaded(in_advance(readers, _load, tasks, self.workers + batch_size))
            while not self.full and (batch := list(islice(loaded, batch_size))):
                self._work_on(batch, writers)
            self._drain(0)
            again, self.alone = self.alone or [], None
            while not self.full and again:
                self._work_on(list(self._loaded(in_advance(readers, _load, [again.pop(0)], 0))), writers)
                self._drain(0)
        return self.full

    def _loaded(self, reading: Iterable[tuple[Task, Future[_Loaded]]]) -> Iterator[tuple[Task, _Loaded]]:
        """Give tasks with what was read of them; those that cannot be read have failed."""
        for task, future in reading:
            try:
                loaded = future.result()
                if isinstance(loaded, Picture) and self.settings.crop is None:
                    check_fits(task.format, loaded.size)
            except Exception as error:
                self._fail(task, error)
            else:
                yield task, loaded

    def _work_on(self, batch: list[tuple[Task, _Loaded]], writers: Executor) -> None:
        """Work on what was read: pictures together, everything else one by one."""
        pictures = [(task, loaded) for task, loaded in batch if isinstance(loaded, Picture)]
        if self.passes > 1:
            for task, picture in pictures:
                self.writing.append((task, writers.submit(self._whole, task, picture)))
                self._drain(self.passes + self.workers)
        elif pictures:
            self._infer(pictures, writers)
        for task, loaded in batch:
            try:
                if isinstance(loaded, Targets):
                    self._film(task, loaded)
                elif isinstance(loaded, tuple):
                    self._succeed(task, self._animation(task, *loaded))
            except Exception as error:
                self._fail(task, error)

    def _infer(self, pictures: list[tuple[Task, Picture]], writers: Executor) -> None:
        """Run the network on pictures and hand the mattes to the writers."""
        try:
            mattes = predict_mattes(self.predictor, [picture for _, picture in pictures])
        except Exception as error:
            for task, _ in pictures:
                self._fail(task, error)
            return
        for (task, picture), matte in zip(pictures, mattes, strict=True):
            self.writing.append((task, writers.submit(self._finish, task, picture, matte)))
            self._drain(2 * self.workers)

    def _whole(self, task: Task, picture: Picture) -> Size:
        """Do everything with a picture in one thread, with others doing the same beside it."""
        (matte,) = predict_mattes(self.predictor, [picture])
        return self._finish(task, picture, matte)

    def _finish(self, task: Task, picture: Picture, matte: FloatArray) -> Size:
        """Make a picture's result and write it; return its size."""
        result = self._result(task, picture, matte, self.settings)
        quality = self.settings.quality
        write(_target(task), result, format=task.format, metadata=picture.metadata, quality=quality)
        return result.size

    def _result(self, task: Task, picture: Picture, matte: FloatArray, settings: Settings) -> Result:
        return finish(
            picture,
            matte,
            settings,
            self.predictor.device,
            background=self.background,
            holds_alpha=task.format in KEEPS_ALPHA,
        ).result

    def _animation(self, task: Task, source: Path | bytes, animation: Animation) -> Size:
        """Work through an animation frame by frame and write it; return its size."""
        # every frame keeps its place, so a crop would need the union of all: not cropped
        settings = dataclasses.replace(self.settings, crop=None)
        durations = [frame.duration for frame in read_frames(source)]
        size = (0, 0)

        def results() -> Iterator[Result]:
            nonlocal size
            for frame in read_frames(source):
                (matte,) = predict_mattes(self.predictor, [frame.picture])
                result = self._result(task, frame.picture, matte, settings)
                size = result.size
                yield result

        loop, quality = animation.loop, settings.quality
        write_animation(_target(task), results(), durations, loop=loop, format=task.format, quality=quality)
        return size

    def _film(self, task: Task, targets: Targets) -> None:
        """Work through a film; the pictures before it are written meanwhile."""
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
        if isinstance(error, MemoryShortageError) and self.alone is not None and task.targets is None:
            self.alone.append(task)
            return
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


def _target(task: Task) -> Path | BinaryIO:
    """Make the result's folder and return the result's name, or return standard output."""
    if task.destination is None:
        return sys.stdout.buffer
    make_folder(task.destination.parent)
    return task.destination


def _load(task: Task) -> _Loaded:
    """Read one source."""
    if task.targets is not None:
        return task.targets  # a film is read while it is worked on
    source = sys.stdin.buffer.read() if task.source.path is None else task.source.path
    moving = animation(source)
    if moving is not None:
        if task.format in ANIMATED:
            return source, moving
        logger.warning(
            "%s is animated, but %s holds one picture: only its first frame is done",
            task.source.name,
            task.format,
        )
    return read(source)
