"""One film, from its frames to a finished file: decoding, network, compositing and encoding overlapped.

A thread decodes, others run the network, the caller's steadies the mattes in their order, others compose,
and one encodes. Queues between them are short, so memory does not grow with the film.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..compositing.backgrounds import Backdrops
from ..compositing.compose import finish_alpha
from ..compositing.film_results import make_results
from ..engine.threads import passes_side_by_side
from ..errors import InputError, UsageError
from ..images.result import Result
from ..matting.frames import FrameMatter, enlarge
from ..media.video.decoding import FilmReader
from ..media.video.frames import Frame
from ..media.files import name_of, url_scheme
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from ..options.result_types import Backdrop
from .backdrop import FilmBackdrop, Still
from .outputs import Outputs, Targets
from .overlap import Prefetch, Stopwatch
from .report import FilmReport, ProgressCallback, VideoProgress

if TYPE_CHECKING:
    from ..compositing.backgrounds import BackdropSource
    from ..images.picture import Picture
    from ..options.settings import Settings
    from ..remover import Remover
    from ..types import FloatArray

logger = logging.getLogger(__name__)

AHEAD = 3  # frames decoded and not used yet; a 4K frame takes 25 MB
WARM_UP = 12  # frames worked through again before those that follow a finished segment


def process_film(
    remover: Remover,
    source: FilmSource,
    targets: Targets,
    settings: Settings,
    *,
    workers: int = 1,
    passes: int | None = None,
    progress: ProgressCallback | None = None,
) -> FilmReport:
    """Work through a film.

    Parameters
    ----------
    source
        As for :func:`media.video.readers.open_film`.
    targets
        From :func:`outputs.plan_targets`: which files are written, and how.
    settings
        What to make of every frame; ``settings.film`` has what concerns films.
    workers
        Threads that compose.
    passes
        Of the network at once, by a caller who has set the libraries' threads for them; None: what is best.
    progress
        Called in the caller's thread after each frame. What it raises ends the work; nothing is left of it.

    Returns
    -------
    FilmReport

    Raises
    ------
    InputError
        The source cannot be read at all. What is damaged within it is worked around and reported.
    OutputError
        A result cannot be written; nothing is left of it.
    KeyboardInterrupt
        Passed on, after the frames that are done have been saved as a playable ``NAME.partial.SUFFIX``.
    """
    if settings.film.resume and (not isinstance(source, (str, os.PathLike)) or url_scheme(source)):
        raise UsageError(f"--resume: {name_of(source)} cannot be read twice; it goes with files only")
    started = time.perf_counter()
    with (
        passes_side_by_side(remover) if passes is None else nullcontext(passes) as passes,
        _Film(remover, source, targets, settings, workers, passes) as film,
    ):
        film.run(progress, started)
        report = film.finish()
    report.seconds = time.perf_counter() - started
    if report.losses:
        logger.warning("%s: %s", name_of(source), "; ".join(report.losses))
    if report.notes:
        logger.warning("%s: %s", name_of(source), "; ".join(report.notes))
    return report


def describe_model(remover: Remover) -> str:
    """Say which network makes the mattes and how: what is made with another does not fit."""
    weights = remover.weights
    try:
        status = weights.stat()
        file = f"{weights} {status.st_size} {status.st_mtime_ns}"
    except OSError:
        file = str(weights)
    return f"{remover!r} {remover.normalisation} {file}"


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame that is ready for the network."""

    frame: Frame
    small: Picture
    """At the size the network sees."""
    behind: BackdropSource | None
    """The background film's frame at that time."""


class _Film:
    """The threads and files of one film."""

    def __init__(
        self,
        remover: Remover,
        source: FilmSource,
        targets: Targets,
        settings: Settings,
        workers: int,
        passes: int,
    ) -> None:
        self.passes = passes
        self.settings, self.options, self.source = settings, settings.film, source
        self.watch = Stopwatch()
        self.reader = open_film(
            source,
            selection=self.options.selection,
            deep=targets.deep,
            streams=self.options.sound,
            square=not targets.keeps_shape,
        )
        try:
            self.outputs = Outputs(targets, self.reader, settings, describe_model(remover))
            self.matter = FrameMatter(remover, resize=self.options.resize, temporal=self.options.temporal)
            kind = settings.type
            moves = isinstance(kind, Backdrop) and kind.moves
            self.backdrop = (
                FilmBackdrop(kind.path, settings.fit, self.options.background_play)
                if isinstance(kind, Backdrop) and moves
                else None
            )
        except BaseException:
            self.reader.close()
            raise
        self.backdrops = Backdrops()
        self.network = ThreadPoolExecutor(passes, thread_name_prefix="network")
        self.inferring: deque[tuple[list[_Read], Future[list[FloatArray]]]] = deque()
        self.composers = ThreadPoolExecutor(workers, thread_name_prefix="compose")
        self.encoder = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self.pending: deque[Future[None]] = deque()
        self.done = self.outputs.resumed
        self.last: tuple[int, Future[dict[str, Result]]] | None = None
        self.seen = self.steadied = -1
        """Which frames of the source last went into the network and came out."""
        self.reading: Prefetch[_Read] | None = None

    def __enter__(self) -> _Film:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Stop the threads; save what was done if the user stopped it, remove it if it failed."""
        if self.reading is not None:
            self.reading.close()
        self.network.shutdown(cancel_futures=True)
        self.composers.shutdown(cancel_futures=True)
        self.encoder.shutdown(cancel_futures=True)
        try:
            if isinstance(error, KeyboardInterrupt):
                for path in self.outputs.save():
                    logger.warning("%s: stopped; %s holds what was done", name_of(self.source), path)
            elif error is not None:
                self.outputs.abandon()
        finally:
            self.reader.close()
            if self.backdrop is not None:
                self.backdrop.close()

    def run(self, progress: ProgressCallback | None, started: float) -> None:
        """Work through all frames."""
        warm = min(WARM_UP, self.done) if self.options.temporal else 0
        already = self.done
        self.reader.skip = already - warm
        self.reading = Prefetch(self.watch.iterate(self._frames(), "decode"), AHEAD)
        total = self.reader.info.frames
        left = None if total is None else max(total - already, 0)
        for read, matte in self._matted(self.reading):
            if warm:
                warm -= 1  # written before: it only tells the steadier where things stand
                self._small = self._small if matte is None else matte
                continue
            self._submit(read, matte)
            self._drain(AHEAD)
            if progress is not None:
                count = self.done - already
                whole = None if left is None else max(left, count)
                progress(VideoProgress(count, whole, time.perf_counter() - started))
        self._drain(0)
        if progress is not None and self.done > already:
            count = self.done - already
            progress(VideoProgress(count, count, time.perf_counter() - started))

    def _matted(self, reads: Iterable[_Read]) -> Iterator[tuple[_Read, FloatArray | None]]:
        """Put frames through the network, some at once; their mattes come in order, None for repetitions."""
        batch: list[_Read] = []
        for read in reads:
            batch.append(read)
            if len(batch) >= self.options.batch:
                self._infer(batch)
                batch = []
                yield from self._inferred(self.passes)
        if batch:
            self._infer(batch)
        yield from self._inferred(0)

    def _infer(self, batch: list[_Read]) -> None:
        """Start a pass over those of a batch that are no repetitions."""
        fresh = []
        for read in batch:
            if read.frame.index != self.seen:
                fresh.append(read.small)
            self.seen = read.frame.index
        self.inferring.append((batch, self.network.submit(self._pass, fresh)))

    def _pass(self, pictures: list[Picture]) -> list[FloatArray]:
        with self.watch.timed("network"):
            return self.matter.infer(pictures) if pictures else []

    def _inferred(self, keep: int) -> Iterator[tuple[_Read, FloatArray | None]]:
        """Wait until at most so many passes are on their way; steady what they gave."""
        while len(self.inferring) > keep:
            batch, future = self.inferring.popleft()
            found = iter(future.result())
            for read in batch:
                if read.frame.index == self.steadied:
                    yield read, None
                    continue
                self.steadied = read.frame.index
                with self.watch.timed("steady"):
                    (matte,) = self.matter.steady([read.small], [next(found)])
                yield read, matte

    def _frames(self) -> Iterator[_Read]:
        """Decode frames, and the background's frames with them."""
        for frame in self.reader:
            small = self.matter.prepare(frame.picture)
            if self.backdrop is None:
                yield _Read(frame, small, None)
            else:
                yield _Read(frame, small, Still(self.backdrop.at(frame.time, frame.picture.size)))

    def _submit(self, read: _Read, matte: FloatArray | None) -> None:
        """Hand a frame to the composers, and its result to the encoder."""
        if matte is None and self.last is not None and self.backdrop is None:
            composed = self.last[1]
        else:
            self._small = matte if matte is not None else self._small
            composed = self.composers.submit(self._compose, read.frame.picture, self._small, read.behind)
        self.last = read.frame.index, composed
        self.pending.append(self.encoder.submit(self._encode, read.frame, composed))

    _small: FloatArray

    def _compose(
        self, picture: Picture, small: FloatArray, behind: BackdropSource | None
    ) -> dict[str, Result]:
        with self.watch.timed("compose"):
            alpha = finish_alpha(
                enlarge(small, picture),
                threshold=self.settings.threshold,
                reverse=self.settings.reverse,
                own=picture.alpha,
            )
            return make_results(
                picture, alpha, self.settings, behind or self.backdrops, holds_alpha=self.outputs.alpha
            )

    def _encode(self, frame: Frame, composed: Future[dict[str, Result]]) -> None:
        results = composed.result()
        with self.watch.timed("encode"):
            self.outputs.write(results, frame)

    def _drain(self, keep: int) -> None:
        """Wait until at most so many frames are on their way to the file."""
        while len(self.pending) > keep:
            self.pending.popleft().result()
            self.done += 1

    def finish(self) -> FilmReport:
        """End the files."""
        if not self.done:
            raise InputError(f"{name_of(self.source)}: no frame lies in the part that was asked for")
        with self.watch.timed("encode"):
            rest = self.reader.take_packets() if isinstance(self.reader, FilmReader) else []
            paths = self.outputs.finish(rest)
        return FilmReport(
            result=paths["result"],
            frames=self.done,
            size=self.reader.info.size,
            seconds=0.0,
            matte=paths.get("matte"),
            foreground=paths.get("foreground"),
            resumed=self.outputs.resumed,
            losses=list(self.reader.losses),
            notes=[*self.reader.notes, *self.outputs.notes],
            stages={name: round(spent, 3) for name, spent in self.watch.seconds.items()},
        )
