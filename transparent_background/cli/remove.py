"""The main command: cut out pictures and films; cameras go on to :mod:`.live`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SourceNotFoundError, UsageError
from ..media.sources import SourceList, find_sources
from ..options.declare import given
from .options import Request, read_request

if TYPE_CHECKING:
    from rich.console import Console

    from ..films.report import FilmReport, VideoProgress
    from ..pipeline.plan import Outcome, Plan, Summary
    from ..remover import Remover


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    request = read_request(argv)
    run = request.run
    if request.network.mode is not None:
        from ..checkpoints import find

        find(request.network.mode)  # a misspelt one is told before anything is loaded
    if run.save_recipe is not None:
        from ..options.recipe import KEPT, Recipe

        Recipe(given(request.values, *KEPT)).save(run.save_recipe)
    sources = _find(request)
    address = live_address(sources, request)
    if address is not None:
        from .live import run_live

        return run_live(request, address)

    from .console import start_console

    console = start_console(quiet=run.quiet, verbose=run.verbose, debug=run.debug)
    # a camera that is not shown is an address, of which a film is made
    items = [replace(s, kind="film") if s.kind == "camera" else s for s in sources.items]
    return _Job(request, console).run(replace(sources, items=items))


def live_address(sources: SourceList, request: Request) -> str | None:
    """Return the camera that is to be shown live; None if there are files to be made.

    A film or address is one too if it is to be shown. A stream with ``--dest`` is recorded as a film, every
    frame of it; a device with ``--dest`` is shown, and what is shown is recorded.
    """
    camera = request.camera
    shown = bool(camera.preview or camera.virtual_camera or camera.record)
    if not (shown or any(source.kind == "camera" for source in sources.items)):
        return None
    if len(sources.items) != 1:
        raise UsageError("a camera cannot be worked on together with other sources; name it alone")
    (source,) = sources.items
    if source.kind not in ("camera", "film"):
        raise UsageError(f"{source.name}: only a camera, a film or an address can be shown live")
    address = str(source.path) if source.address is None else source.address
    return None if request.run.dest is not None and not shown and "://" in address else address


def _find(request: Request) -> SourceList:
    try:
        return find_sources(request.sources, recursive=request.run.recursive)
    except SourceNotFoundError:
        if request.run.watch and all(Path(source).is_dir() for source in request.sources):
            return SourceList()  # the first picture may come later
        raise


class _Job:
    """The work of one call, with a remover that is made when it is first needed."""

    def __init__(self, request: Request, console: Console) -> None:
        self.request, self.options, self.console = request, request.run, console
        self.remover: Remover | None = None

    def run(self, sources: SourceList) -> int:
        plan = self._plan(sources)
        if self.options.json and any(task.destination is None for task in plan.tasks):
            raise UsageError("--json and the result cannot both go to standard output; give --dest FILE")
        summary = self._work(plan)
        if self.options.watch:
            self._watch(summary)
        self._conclude(summary)
        return 4 if summary.count("failed") or summary.stopped else 0

    def _plan(self, sources: SourceList) -> Plan:
        from ..pipeline.plan import make_plan

        options = self.options
        return make_plan(sources, self.request.settings, options.dest, skip_existing=options.skip_existing)

    def _work(self, plan: Plan) -> Summary:
        from ..pipeline.work import run
        from .console import load_remover, progress_bar

        options = self.options
        if plan.tasks and self.remover is None:
            self.remover = load_remover(self.request.network, self.console, threads=options.threads)
        for item in plan.left_out:
            self.console.print(f"left out: {item.path}: {item.reason}")
        count, total = 0, len(plan.tasks)
        with progress_bar(self.console) as update:

            def on_outcome(outcome: Outcome) -> None:
                nonlocal count
                count += 1
                if total > 1:
                    update(min(count, total), total, outcome.source)
                if options.verbose and outcome.result:
                    self.console.print(f"{outcome.source} -> {outcome.result}")
                if outcome.film is not None:
                    self.console.print(_film_line(outcome.source, outcome.film, options.verbose))

            def on_film(name: str, progress: VideoProgress) -> None:
                if total == 1:
                    update(progress.frames, progress.total, name)
                else:
                    of = "" if progress.total is None else f"/{progress.total}"
                    update(min(count, total), total, f"{name} {progress.frames}{of}")

            return run(
                plan,
                self.remover,
                self.request.settings,
                workers=options.workers or min(2, os.cpu_count() or 1),
                batch_size=options.batch_size,
                on_outcome=on_outcome,
                on_film=on_film,
            )

    def _watch(self, summary: Summary) -> None:
        """Look for new and changed sources every second, until Ctrl-C."""
        from .watch import Watcher

        watcher = Watcher(self.request.sources, self.options.recursive)
        self.console.print("watching; Ctrl-C ends")
        try:
            while True:
                fresh = watcher.poll()
                if fresh.items:
                    plan = self._plan(fresh)
                    more = self._work(plan)
                    summary.outcomes += more.outcomes
                    summary.left_out += more.left_out
                    summary.seconds += more.seconds
                    watcher.ignore(path for task in plan.tasks for path in task.paths)
                time.sleep(1.0)
        except KeyboardInterrupt:
            return

    def _conclude(self, summary: Summary) -> None:
        """Say what was done: JSON on standard output, or a line on standard error."""
        if self.options.json:
            sys.stdout.write(json.dumps(self._as_json(summary), indent=2) + "\n")
        if not (summary.outcomes or summary.left_out):
            return
        done = summary.count("done")
        words = [f"{done} done in {summary.seconds:.1f} s"]
        words += [f"{n} {what}" for what in ("skipped", "failed") if (n := summary.count(what))]
        if summary.left_out:
            words.append(f"{len(summary.left_out)} left out")
        if summary.stopped:
            words.append(f"stopped early: {summary.stopped}")
        self.console.print(", ".join(words))
        results = [outcome.result for outcome in summary.outcomes]
        if done == 1 and len(results) == 1 and results[0] not in (None, "-"):
            self.console.print(f"{results[0]}")

    def _as_json(self, summary: Summary) -> dict[str, Any]:
        remover = self.remover
        return {
            **{status: summary.count(status) for status in ("done", "skipped", "failed")},
            "seconds": round(summary.seconds, 3),
            "stopped": summary.stopped,
            "mode": remover.checkpoint.name if remover else None,
            "device": str(remover.device) if remover else None,
            "results": [_outcome_as_json(outcome) for outcome in summary.outcomes],
            "left_out": [{"path": str(item.path), "reason": item.reason} for item in summary.left_out],
        }


def _film_line(source: str, film: FilmReport, verbose: bool) -> str:
    """Say in a line what became of a film; with ``verbose``, also where the time went."""
    count = f"{film.frames} frames" if film.frames != 1 else "one frame"
    text = f"{source}: {count}, {film.fps:.1f} a second"
    if verbose and film.stages:
        each = 1000 / max(film.frames, 1)
        shares = [f"{name} {each * spent:.0f} ms" for name, spent in film.stages.items()]
        text += f" (a frame, side by side: {', '.join(shares)})"
    beside = [str(path) for path in (film.matte, film.foreground) if path is not None]
    return text + "".join(f"; also {path}" for path in beside)


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    size, film = outcome.size, outcome.film
    entry: dict[str, Any] = {
        "source": outcome.source,
        "status": outcome.status,
        "result": outcome.result,
        "size": None if size is None else {"height": size[0], "width": size[1]},
        "error": outcome.error,
    }
    if film is not None:
        entry["film"] = {
            "frames": film.frames,
            "seconds": round(film.seconds, 3),
            "fps": round(film.fps, 2),
            "matte": None if film.matte is None else str(film.matte),
            "foreground": None if film.foreground is None else str(film.foreground),
            **{name: getattr(film, name) for name in ("losses", "notes", "stages")},
        }
    return entry
