"""One film, from its frames to a finished file: decoding, network, compositing and encoding overlapped.

A thread decodes, others run the network, the caller's steadies the mattes in their order, others compose,
and one encodes. Queues between them are short, so memory does not grow with the film.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from ..compositing.blend import blend
from ..compositing.finish import finish, object_colours
from ..engine.predictor import Predictor
from ..engine.threads import passes_side_by_side
from ..errors import InputError, UsageError
from ..images.result import Result
from ..matting.frames import FrameMatter, enlarge
from ..media.files import name_of, url_scheme
from ..media.video.frames import Frame
from ..media.video.opening import FilmSource
from ..media.video.readers import open_film
from ..options.settings import Settings
from .backdrop import background_over_time
from .frames import AHEAD, MattedFrame, matted_frames
from .outputs import Outputs, Targets
from .overlap import Stopwatch, in_advance, threads
from .report import FilmReport, ProgressCallback, VideoProgress

if TYPE_CHECKING:
    import torch

    _Composing: TypeAlias = tuple[Frame, Future[dict[str, Result]]]

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
    started, film, watch = time.perf_counter(), settings.film, Stopwatch()
    if film.resume and (not isinstance(source, (str, os.PathLike)) or url_scheme(source)):
        raise UsageError(f"--resume: {name_of(source)} cannot be read twice; it goes with files only")
    with ExitStack() as stack:
        if passes is None:
            passes = stack.enter_context(passes_side_by_side(predictor))
        reader = open_film(
            source, selection=film, deep=targets.deep, streams=film.sound, square=not targets.keeps_shape
        )
        stack.callback(reader.close)
        outputs = stack.enter_context(Outputs(targets, reader, settings, predictor.fingerprint))
        background_at = stack.enter_context(background_over_time(settings))
        warm_up = min(WARM_UP, outputs.resumed) if film.temporal else 0
        reader.skip = outputs.resumed - warm_up
        matter = FrameMatter(predictor, resize=film.resize, temporal=film.temporal)
        frames = stack.enter_context(
            closing(matted_frames(reader, matter, background_at, watch, batch=film.batch_size, passes=passes))
        )
        # all frames keep their size, and a film of the object's colours needs estimated ones
        colours = settings.foreground if film.foreground_film is None else "estimate"
        every = dataclasses.replace(settings, crop=None, foreground=colours)
        compose = partial(_results, settings=every, device=predictor.device, holds_alpha=targets.alpha)
        new, total, done = islice(frames, warm_up, None), reader.info.frames, 0
        for done in stack.enter_context(closing(_write(new, compose, outputs, watch, workers))):
            if progress is not None:
                whole = None if total is None else max(total - outputs.resumed, done)
                progress(VideoProgress(done, whole, time.perf_counter() - started))
        if progress is not None and done:
            progress(VideoProgress(done, done, time.perf_counter() - started))
        if not outputs.resumed + done:
            raise InputError(f"{name_of(source)}: no frame lies in the part that was asked for")
        with watch.timed("encode"):
            paths = outputs.finish(reader.take_packets())
    report = FilmReport(
        result=paths["result"],
        frames=outputs.resumed + done,
        size=reader.info.size,
        seconds=time.perf_counter() - started,
        matte=paths.get("matte"),
        foreground=paths.get("foreground"),
        resumed=outputs.resumed,
        losses=list(reader.losses),
        notes=[*reader.notes, *outputs.notes],
        stages={name: round(spent, 3) for name, spent in watch.seconds.items()},
    )
    for remarks in filter(None, (report.losses, report.notes)):
        logger.warning("%s: %s", name_of(source), "; ".join(remarks))
    return report


def _write(
    frames: Iterable[MattedFrame],
    compose: Callable[[MattedFrame], dict[str, Result]],
    outputs: Outputs,
    watch: Stopwatch,
    workers: int,
) -> Generator[int]:
    """Compose frames in threads and write them in one, in their order; count those that are written."""

    def make(matted: MattedFrame) -> dict[str, Result]:
        with watch.timed("compose"):
            return compose(matted)

    def composing() -> Iterator[_Composing]:
        last: MattedFrame | None = None
        for matted in frames:
            if last is None or not matted.repeats or matted.background is not last.background:
                results = composers.submit(make, matted)
            last = matted
            yield matted.frame, results

    broken = False

    def encode(composed: _Composing) -> None:
        nonlocal broken
        if broken:  # the frame before this one: nothing takes its place
            return
        try:
            frame, results = composed[0], composed[1].result()
            with watch.timed("encode"):
                outputs.write(results, frame)
        except BaseException:
            broken = True
            raise

    with threads(workers, "compose") as composers, threads(1, "encode") as encoder:
        for number, (_, encoding) in enumerate(in_advance(encoder, encode, composing(), AHEAD), 1):
            encoding.result()
            yield number


def _results(
    matted: MattedFrame, *, settings: Settings, device: torch.device, holds_alpha: bool
) -> dict[str, Result]:
    """Make all that is written of a frame, by the names of :class:`outputs.Targets`."""
    picture, wanted = matted.frame.picture, settings.film.foreground_film
    matte, behind = enlarge(matted.matte, picture), matted.background
    done = finish(picture, matte, settings, device, background=behind, holds_alpha=holds_alpha)
    results = {"result": done.result}
    if wanted is not None:
        colours = done.colours
        if colours is None:
            colours = object_colours(picture.rgb, done.alpha, device)
        if wanted == "premultiplied":
            colours = blend(colours, done.alpha, (0, 0, 0))
        results["foreground"] = Result(rgb=colours)
    if settings.film.matte:
        results["matte"] = Result(grey=done.alpha)
    return results
