"""What to work on, how much at once, and what is said of it: the business of the command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..errors import UsageError
from .declare import COMMAND, LOCAL, flag, text, whole
from .values import parse_path


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What to work on, how much at once, and what is said of it."""

    IN_COMMON: ClassVar = {"group": "running", "doors": COMMAND}

    batch_size: int = whole(
        "pictures or frames that share a pass of the network; pays on GPUs",
        default=1,
        least=1,
        most=1000,
        old=("batch",),
        doors=LOCAL,
    )
    dest: str | None = text(
        "folder for the results, made if missing; with one source also a file name, or - for standard output",
        metavar="PATH",
        short=("-d",),
        file=True,
        default_help="the current folder; for a folder, one of its name there",
        group="what to work on",
    )
    recursive: bool = flag("work through folders' folders too", group="what to work on")
    skip_existing: bool = flag("leave out sources whose result is there and newer", group="what to work on")
    watch: bool = flag(
        "go on watching the sources for new and changed pictures until Ctrl-C", group="what to work on"
    )
    recipe: Path | None = text(
        "take options from a recipe (YAML or JSON); what stands in the command counts more",
        parse=parse_path,
        file=True,
    )
    save_recipe: Path | None = text(
        "write the options for results, films and the model to a recipe", parse=parse_path, file=True
    )
    workers: int | None = whole(
        "threads that read, and as many that write", least=1, default_help="2, or 1 on one core"
    )
    threads: int | None = whole(
        "processor threads of the network", least=1, default_help="the cores that this process may use"
    )
    json: bool = flag("print a summary as JSON on standard output")
    quiet: bool = flag("print errors only", short=("-q",))
    verbose: bool = flag("say what is being done", short=("-v",))
    debug: bool = flag("show tracebacks and everything that is logged")

    def __post_init__(self) -> None:
        """Check what goes together."""
        if self.quiet and (self.verbose or self.debug):
            raise UsageError(f"quiet and {'verbose' if self.verbose else 'debug'} exclude each other")
