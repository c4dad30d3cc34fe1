"""What the command shows: log lines and progress on standard error, data on standard output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

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


Update: TypeAlias = Callable[[int, "int | None", str], None]
"""Called with what is done, the total if it is known, and words that stand behind the bar."""


@contextmanager
def progress_bar(console: Console, *, shown: bool, of_bytes: bool = False) -> Iterator[Update]:
    """Show a bar with rate and time left, once something is done; yields what to call then."""
    if not (shown and console.is_terminal):
        yield lambda done, total, words: None
        return
    from rich import progress
    from rich.text import Text

    class Rate(progress.ProgressColumn):
        def render(self, task: progress.Task) -> Text:
            speed = task.finished_speed or task.speed
            if not speed:
                return Text("")
            return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each")

    amount = (
        (progress.DownloadColumn(), progress.TransferSpeedColumn())
        if of_bytes
        else (progress.MofNCompleteColumn(), Rate())
    )
    columns = (
        progress.BarColumn(),
        *amount,
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.description}"),
    )
    with progress.Progress(*columns, console=console, transient=True) as bars:
        tasks: list[progress.TaskID] = []

        def update(done: int, total: int | None, words: str) -> None:
            if not tasks:
                tasks.append(bars.add_task("", total=total))
            elif done < bars.tasks[0].completed:  # another film begins
                bars.reset(tasks[0])
            bars.update(tasks[0], completed=done, total=total, description=words[-40:])

        yield update


def print_data(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(f"{text}\n")
