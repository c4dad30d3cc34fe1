"""What the command shows: log lines and progress on standard error, data on standard output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ..films.report import VideoProgress

ROOT = "transparent_background"


def start_console(*, quiet: bool = False, verbose: bool = False, debug: bool = False) -> Console:
    """Return a console on standard error that also shows the package's log records.

    Warnings and errors are shown, or more or less of them.
    """
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    level = logging.WARNING
    if quiet:
        level = logging.ERROR
    elif debug:
        level = logging.DEBUG
    elif verbose:
        level = logging.INFO
    logger = logging.getLogger(ROOT)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.addHandler(_ConsoleHandler(console, tracebacks=debug))
    logger.setLevel(level)
    logger.propagate = False
    return console


class _ConsoleHandler(logging.Handler):
    """Prints records through a rich console, so that they stay clear of a progress bar."""

    def __init__(self, console: Console, *, tracebacks: bool) -> None:
        super().__init__()
        self.console, self.tracebacks = console, tracebacks

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record as one line."""
        line = " ".join(record.getMessage().split())
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        self.console.print(f"{mark}{line}")
        if self.tracebacks and record.exc_info:
            self.console.print(logging.Formatter().formatException(record.exc_info))


@contextmanager
def picture_progress(console: Console, total: int, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """Show a bar of pictures with rate and time left; yields what to call with each one's name."""
    if not (shown and console.is_terminal and total > 1):
        yield lambda name: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            if not speed:
                return Text("")
            return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each")

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)
        yield lambda name: progress.update(bar, advance=1, description=name[-40:])


@contextmanager
def film_progress(console: Console, *, shown: bool) -> Iterator[Callable[[str, VideoProgress], None] | None]:
    """Show a bar of a film's frames with rate and time left; yields what to call after each frame."""
    if not (shown and console.is_terminal):
        yield None
        return
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    with Live(console=console, transient=True, refresh_per_second=4) as live:

        def show(name: str, progress: VideoProgress) -> None:
            row = Table.grid(padding=(0, 1))
            left = progress.remaining
            of = "" if progress.total is None else f"/{progress.total}"
            time_left = "" if left is None else f"{int(left // 60)}:{int(left % 60):02d} left"
            bar = ProgressBar(
                total=progress.total, completed=progress.frames, width=30, pulse=not progress.total
            )
            row.add_row(bar, f"{progress.frames}{of}", f"{progress.fps:.1f} frames/s", time_left, name[-40:])
            live.update(row)

        yield show


@contextmanager
def download_progress(console: Console, *, shown: bool) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of bytes once the first ones come; yields what to call with (done, total)."""
    if not (shown and console.is_terminal):
        yield lambda done, total: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("downloading weights"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars: list[object] = []

        def advance(done: int, total: int | None) -> None:
            if not bars:
                bars.append(progress.add_task("", total=total))
            progress.update(bars[0], completed=done, total=total)  # type: ignore[arg-type]

        yield advance


def print_data(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(f"{text}\n")
