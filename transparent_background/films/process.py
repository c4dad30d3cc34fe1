"""One film, from its frames to a finished file: decoding, network, compositing and encoding overlapped.

A thread decodes, others run the network, the caller's steadies the mattes in their order, others compose,
and one encodes. Queues between them are short, so memory does not grow with the film.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..engine.threads import passes_side_by_side
from ..errors import InputError, UsageError
from ..matting.frames import FrameMatter, enlarge
from ..media.files import name_of, url_scheme
from ..media.video.decoding import FilmReader
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from .backdrop import background_over_time
from .mattes import AHEAD, MattedFrame, MattedFrames
from .outputs import Outputs, Targets
from .overlap import Stopwatch
from .report import FilmReport, ProgressCallback, VideoProgress
from .results import frame_results, settings_of_frames

if TYPE_CHECKING:
    from ..engine.predictor import Predictor
    from ..images.result import Result
    from ..media.video.frames import Frame, Reader
    from ..options.settings import Settings

logger = logging.getLogger(__name__)

WARM_UP = 12  # frames worked through again before those that follow a finished segment


def process_film(
    predictor: Predictor,
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
    predictor
        What predicts the mattes.
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
    started, film, name, watch = time.perf_counter(), settings.film, name_of(source), Stopwatch()
    if film.resume and (not isinstance(source, (str, os.PathLike)) or url_scheme(source)):
        raise UsageError(f"--resume: {name} cannot be read twice; it goes with files only")
    with ExitStack() as stack:
        if passes is None:
            passes = stack.enter_context(passes_side_by_side(predictor))
        reader = open_film(
            source,
            selection=film,
            deep=targets.deep,
            streams=film.sound,
            square=not targets.keeps_shape,
        )
        stack.callback(reader.close)
        outputs = stack.enter_context(Outputs(targets, reader, settings, predictor.fingerprint))
        background_at = stack.enter_context(background_over_time(settings))
        warm_up = min(WARM_UP, outputs.resumed) if film.temporal else 0
        reader.skip = outputs.resumed - warm_up
        matter = FrameMatter(predictor, resize=film.resize, temporal=film.temporal)
        frames = stack.enter_context(
            MattedFrames(reader, matter, background_at, watch, batch=film.batch_size, passes=passes)
        )
        work = stack.enter_context(_Work(predictor, settings, outputs, watch, workers))
        work.do(frames, warm_up, _Progress(reader, outputs.resumed, progress, started))
        if not work.done:
            raise InputError(f"{name}: no frame lies in the part that was asked for")
        with watch.timed("encode"):
            paths = outputs.finish(reader.take_packets() if isinstance(reader, FilmReader) else [])
    report = FilmReport(
        result=paths["result"],
        frames=work.done,
        size=reader.info.size,
        seconds=time.perf_counter() - started,
        matte=paths.get("matte"),
        foreground=paths.get("foreground"),
        resumed=outputs.resumed,
        losses=list(reader.losses),
        notes=[*reader.notes, *outputs.notes],
        stages={stage: round(spent, 3) for stage, spent in watch.seconds.items()},
    )
    for remarks in filter(None, (report.losses, report.notes)):
        logger.warning("%s: %s", name, "; ".join(remarks))
    return report


class _Progress:
    """Tells a caller how far a film is."""

    def __init__(self, reader: Reader, resumed: int, call: ProgressCallback | None, started: float) -> None:
        total = reader.info.frames
        self.call, self.resumed, self.started = call, resumed, started
        self.total = None if total is None else max(total - resumed, 0)

    def __call__(self, done: int, *, ended: bool = False) -> None:
        """Tell of so many finished frames, those of an earlier run included."""
        if self.call is None:
            return
        count = done - self.resumed
        total = count if ended else None if self.total is None else max(self.total, count)
        self.call(VideoProgress(count, total, time.perf_counter() - self.started))


class _Work:
    """Composes frames in threads, and writes them in one, in their order."""

    def __init__(
        self, predictor: Predictor, settings: Settings, outputs: Outputs, watch: Stopwatch, workers: int
    ) -> None:
        self.device, self.settings = predictor.device, settings_of_frames(settings)
        self.outputs, self.watch = outputs, watch
        self.composers = ThreadPoolExecutor(workers, thread_name_prefix="compose")
        self.encoder = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self.last: tuple[MattedFrame, Future[dict[str, Result]]] | None = None
        self.pending: deque[Future[None]] = deque()
        self.done = outputs.resumed
        """Frames that are finished, those of an earlier run included."""

    def __enter__(self) -> _Work:
        return self

    def __exit__(self, *error: object) -> None:
        self.composers.shutdown(cancel_futures=True)
        self.encoder.shutdown(cancel_futures=True)

    def do(self, frames: MattedFrames, warm_up: int, progress: _Progress) -> None:
        """Work through all frames; the first ones were written before, and only warm up the steadying."""
        for number, matted in enumerate(frames):
            if number >= warm_up:
                self._submit(matted)
                self._drain(AHEAD)
                progress(self.done)
        self._drain(0)
        if self.done > self.outputs.resumed:
            progress(self.done, ended=True)

    def _submit(self, matted: MattedFrame) -> None:
        """Hand a frame to the composers, and its result to the encoder."""
        last = self.last
        if last is not None and matted.repeats and matted.background is last[0].background:
            composed = last[1]
        else:
            composed = self.composers.submit(self._compose, matted)
        self.last = matted, composed
        self.pending.append(self.encoder.submit(self._encode, matted.frame, composed))

    def _compose(self, matted: MattedFrame) -> dict[str, Result]:
        picture = matted.frame.picture
        with self.watch.timed("compose"):
            return frame_results(
                picture,
                enlarge(matted.matte, picture),
                self.settings,
                self.device,
                background=matted.background,
                holds_alpha=self.outputs.alpha,
            )

    def _encode(self, frame: Frame, composed: Future[dict[str, Result]]) -> None:
        results = composed.result()
        with self.watch.timed("encode"):
            self.outputs.write(results, frame)

    def _drain(self, keep: int) -> None:
        """Wait until at most ``keep`` frames are on their way to the file."""
        while len(self.pending) > keep:
            self.pending.popleft().result()
            self.done += 1
