"""The main command: cut out pictures and films; cameras go on to :mod:`.live`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import SourceNotFoundError, UsageError
from ..media.sources import SourceList, find_sources
from ..options.result_types import Solid, parse_type
from ..options.suffixes import format_of
from . import films
from .options import build_parser

if TYPE_CHECKING:
    from rich.console import Console

    from ..films.report import FilmReport
    from ..options.settings import Settings
    from ..pipeline import Outcome, Plan, Summary
    from ..remover import Remover


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = build_parser()
    options = parser.parse_intermixed_args(argv)
    arguments = [*options.sources, *options.source]
    if not arguments:
        parser.error("a source is missing: a picture, a film, a folder, or - for standard input")
    settings = _settings(options)
    _check_mode(options)
    sources = _find(arguments, options)
    camera = _camera(sources, options)
    if camera is not None:
        from .live import run_live

        return run_live(options, camera, settings)

    from ..pipeline import make_plan
    from .console import error_console, set_up_logging

    console = error_console()
    set_up_logging(console, quiet=options.quiet, verbose=options.verbose, debug=options.debug)
    plan = make_plan(sources, settings, options.dest)
    if options.json and any(task.destination is None for task in plan.tasks):
        raise UsageError("--json and the result cannot both go to standard output; give --dest FILE")
    return _Job(options, settings, console).run(plan, arguments)


def _camera(sources: SourceList, options: argparse.Namespace) -> str | None:
    """Return the camera that is to be shown live; None if there are files to be made.

    A film or address is one too if it is to be shown. A stream with ``--dest`` is recorded as a film, every
    frame of it; a device with ``--dest`` is shown, and what is shown is recorded.
    """
    shown = options.preview or options.virtual_camera or options.record
    if not (shown or any(source.kind == "camera" for source in sources.items)):
        return None
    if len(sources.items) != 1:
        raise UsageError("a camera cannot be worked on together with other sources; name it alone")
    (source,) = sources.items
    if source.kind not in ("camera", "film"):
        raise UsageError(f"{source.name}: only a camera, a film or an address can be shown live")
    address = str(source.path) if source.address is None else source.address
    if options.dest is not None and not shown:
        if "://" in address:
            sources.items[0] = dataclasses.replace(source, kind="film")
            return None
        options.record = options.dest
    return address


def _settings(options: argparse.Namespace) -> Settings:
    """Check what can be checked before anything heavy is imported."""
    from ..options.settings import Settings

    kind = parse_type(options.type or "rgba")
    background = parse_type(options.background)
    if not isinstance(background, Solid):
        raise UsageError(f"--background {options.background!r} is no colour")
    if options.format is not None and format_of(options.format) is None:
        from ..media.video.containers import film_format

        if film_format(options.format) is None:
            raise UsageError(
                f"--format {options.format!r} cannot be written; choose png, jpg, webp, tiff or avif, "
                "for films mp4, mov, mkv, webm, gif or apng"
            )
    if options.quality is not None and not 1 <= options.quality <= 100:
        raise UsageError(f"--quality must be from 1 to 100, not {options.quality}")
    if options.quiet and options.verbose:
        raise UsageError("--quiet and --verbose exclude each other")
    return Settings(
        type=kind,
        type_text=options.type or "rgba",
        threshold=_threshold(options.threshold),
        reverse=options.reverse,
        fit=options.background_fit,
        foreground="auto" if options.foreground in films.FOREGROUND_FILMS else options.foreground,
        format=options.format,
        quality=options.quality,
        background=background.rgb,
        crop=_crop(options.crop),
        skip_existing=options.skip_existing,
        film=films.read_options(options),
    )


def _threshold(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"--threshold must be a number from 0 to 1, not {text!r}")
    return value


def _crop(text: str | None) -> str | None:
    if text is not None:
        from ..options.padding import parse_padding

        parse_padding(text)
    return text


def _check_mode(options: argparse.Namespace) -> None:
    from .. import checkpoints

    if options.mode is not None:
        checkpoints.find(options.mode)
    if options.jit and options.resize in ("dynamic", "blend"):
        raise UsageError(f"--jit works at one size; it cannot be had with --resize {options.resize}")


def _find(arguments: Sequence[str], options: argparse.Namespace) -> SourceList:
    try:
        return find_sources(arguments, recursive=options.recursive)
    except SourceNotFoundError:
        if options.watch and all(os.path.isdir(argument) for argument in arguments):  # noqa: PTH112
            return SourceList()  # the first picture may come later
        raise


class _Job:
    """The work of one call, with a remover that is made when it is first needed."""

    def __init__(self, options: argparse.Namespace, settings: Settings, console: Console) -> None:
        self.options, self.settings, self.console = options, settings, console
        self.remover: Remover | None = None

    def run(self, plan: Plan, arguments: Sequence[str]) -> int:
        summary = self._work(plan)
        if self.options.watch:
            self._watch(arguments, summary)
        self._conclude(summary)
        failed = summary.count("failed")
        return 4 if failed or summary.stopped else 0

    def _work(self, plan: Plan) -> Summary:
        from ..pipeline import run
        from .console import film_progress, picture_progress

        if plan.tasks and self.remover is None:
            self.remover = self._load()
        if not self.options.quiet:
            for item in plan.left_out:
                self.console.print(f"left out: {item.path}: {item.reason}")
        workers = self.options.workers or min(2, os.cpu_count() or 1)
        shown = not self.options.quiet
        with (
            picture_progress(self.console, len(plan.tasks), shown=shown) as advance,
            film_progress(self.console, shown=shown) as on_film,
        ):

            def on_outcome(outcome: Outcome) -> None:
                advance(outcome.source)
                if self.options.verbose and outcome.result:
                    self.console.print(f"{outcome.source} -> {outcome.result}")
                if outcome.film is not None and not self.options.quiet:
                    self.console.print(_film_line(outcome.source, outcome.film, self.options.verbose))

            return run(
                plan,
                self.remover,
                self.settings,
                workers=workers,
                batch_size=self.options.batch,
                on_outcome=on_outcome,
                on_film=on_film,
            )

    def _load(self) -> Remover:
        from .loading import load_remover

        remover = load_remover(self.options, self.options.mode, self.console)
        if self.options.verbose:
            self.console.print(f"{remover!r}: {remover.plan.describe()}")
        return remover

    def _watch(self, arguments: Sequence[str], summary: Summary) -> None:
        """Look for new and changed sources every second, until Ctrl-C."""
        from .watch import Watcher

        watcher = Watcher(arguments, self.options.recursive)
        if not self.options.quiet:
            self.console.print("watching; Ctrl-C ends")
        try:
            while True:
                fresh = watcher.poll()
                if fresh.items:
                    watcher.ignore(self._merge(summary, fresh))
                time.sleep(1.0)
        except KeyboardInterrupt:
            return

    def _merge(self, summary: Summary, fresh: SourceList) -> list[str]:
        """Work on what is new; return what was written."""
        from ..pipeline import make_plan

        plan = make_plan(fresh, self.settings, self.options.dest)
        more = self._work(plan)
        summary.outcomes += more.outcomes
        summary.left_out += more.left_out
        summary.seconds += more.seconds
        return [str(path) for task in plan.tasks for path in task.paths]

    def _conclude(self, summary: Summary) -> None:
        """Say what was done: JSON on standard output, or a line on standard error."""
        if self.options.json:
            sys.stdout.write(json.dumps(self._as_json(summary), indent=2) + "\n")
        if self.options.quiet or len(summary.outcomes) + len(summary.left_out) == 0:
            return
        done = summary.count("done")
        words = [f"{done} done in {summary.seconds:.1f} s"]
        words += [f"{n} {what}" for what in ("skipped", "failed") if (n := summary.count(what))]
        if summary.left_out:
            words.append(f"{len(summary.left_out)} left out")
        if summary.stopped:
            words.append(f"stopped early: {summary.stopped}")
        self.console.print(", ".join(words))
        for outcome in summary.outcomes[:1] if done == 1 and len(summary.outcomes) == 1 else []:
            if outcome.result not in (None, "-"):
                self.console.print(f"{outcome.result}")

    def _as_json(self, summary: Summary) -> dict[str, Any]:
        remover = self.remover
        return {
            "done": summary.count("done"),
            "skipped": summary.count("skipped"),
            "failed": summary.count("failed"),
            "seconds": round(summary.seconds, 3),
            "stopped": summary.stopped,
            "mode": remover.checkpoint.name if remover else None,
            "device": str(remover.device) if remover else None,
            "results": [_outcome_as_json(outcome) for outcome in summary.outcomes],
            "left_out": [{"path": path, "reason": reason} for path, reason in summary.left_out],
        }


def _film_line(source: str, film: FilmReport, verbose: bool) -> str:
    """Say in a line what became of a film; with ``verbose``, also where the time went."""
    count = f"{film.frames} frames" if film.frames != 1 else "one frame"
    text = f"{source}: {count}, {film.fps:.1f} a second"
    if verbose and film.stages:
        shares = [
            f"{name} {1000 * spent / max(film.frames, 1):.0f} ms" for name, spent in film.stages.items()
        ]
        text += f" (a frame, side by side: {', '.join(shares)})"
    beside = [str(path) for path in (film.matte, film.foreground) if path is not None]
    return text + "".join(f"; also {path}" for path in beside)


def _film_as_json(film: FilmReport) -> dict[str, Any]:
    return {
        "frames": film.frames,
        "seconds": round(film.seconds, 3),
        "fps": round(film.fps, 2),
        "matte": None if film.matte is None else str(film.matte),
        "foreground": None if film.foreground is None else str(film.foreground),
        "losses": film.losses,
        "notes": film.notes,
        "stages": film.stages,
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    size = None if outcome.size is None else {"height": outcome.size[0], "width": outcome.size[1]}
    return {
        "source": outcome.source,
        "status": outcome.status,
        "result": outcome.result,
        "size": size,
        "error": outcome.error,
        **({} if outcome.film is None else {"film": _film_as_json(outcome.film)}),
    }
