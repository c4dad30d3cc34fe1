"""Does what is planned, and says what became of every source."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..media.parts import sweep
from ..options.settings import Settings
from .plan import FilmProgress, Outcome, Plan, Summary

if TYPE_CHECKING:
    from ..engine.predictor import Predictor

logger = logging.getLogger(__name__)


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
    summary = Summary(left_out=list(plan.left_out))

    def report(outcome: Outcome) -> None:
        summary.outcomes.append(outcome)
        if outcome.error is not None:
            logger.error("%s", outcome.error)
        if on_outcome is not None:
            on_outcome(outcome)

    for source, reason in plan.refused:
        report(Outcome(source, "failed", error=reason))
    for task in plan.skipped:
        report(Outcome(task.source.name, "skipped", str(task.destination)))
    for folder in {path.parent for task in (*plan.tasks, *plan.skipped) for path in task.paths}:
        sweep(folder)
    if plan.tasks:
        if predictor is None:
            raise TypeError("a predictor is needed where there is something to do")
        from .worker import Worker  # and torch, which a run without work does not wait for

        worker = Worker(predictor, settings, report, workers=workers, on_film=on_film)
        summary.stopped = worker.do(plan.tasks, batch_size)
    summary.seconds = time.perf_counter() - started
    return summary
