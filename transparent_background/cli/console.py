"""What the command shows: notes, log lines and progress on standard error, data on standard output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

    from ..options.network import NetworkOptions
    from ..remover import Remover

logger = logging.getLogger(__name__)


def start_console(*, quiet: bool = False, verbose: bool = False, debug: bool = False) -> Console:
    """Return a console on standard error for notes and progress; a quiet one shows none.

    The package's log records are shown there too: warnings and errors, or more or less of them.
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
    package = logging.getLogger("transparent_background")
    package.handlers[:] = [_ConsoleHandler(console, tracebacks=debug)]
    package.setLevel(level)
    package.propagate = False
    return Console(quiet=True) if quiet else console


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
        # what nobody expected is of no use without the place where it happened
        if record.exc_info and (self.tracebacks or record.levelno >= logging.ERROR):
            self.console.print(logging.Formatter().formatException(record.exc_info))


Update: TypeAlias = Callable[[int, "int | None", str], None]
"""Called with what is done, the total if it is known, and words that stand behind the bar."""


@contextmanager
def progress_bar(console: Console, *, of_bytes: bool = False) -> Iterator[Update]:
    """Show a bar with rate and time left, once something is done; yields what to call then."""
    if console.quiet or not console.is_terminal:
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


def load_remover(network: NetworkOptions, console: Console, *, threads: int | None = None) -> Remover:
    """Load a network, with a bar while weights are downloaded; errors are those of :class:`Remover`.

    Parameters
    ----------
    threads
        Processor threads of it; None: what suits the machine.
    """
    from ..engine.threads import set_threads
    from ..remover import Remover

    set_threads(threads)
    with progress_bar(console, of_bytes=True) as update:
        remover = Remover(
            **vars(network), progress=lambda done, total: update(done, total, "downloading weights")
        )
    logger.info("%r: %s", remover, remover.plan.describe())
    return remover


def print_data(text: str) -> None:
    """Print a result on standard output."""
    sys.stdout.write(f"{text}\n")
