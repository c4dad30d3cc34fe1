"""``transparent-background mcp``: an MCP server over standard input and output, for assistants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..checkpoints import find
from ..errors import UsageError
from ..options.declare import read
from ..options.running import RunOptions
from ..options.service import Limits, ServiceSettings
from .arguments import Parser
from .serve import add_models, check_extra, load_devices, read_settings

EPILOG = """\
examples:
  transparent-background mcp --folder ~/Pictures          its pictures may be read, and results written there
  claude mcp add cutout -- transparent-background mcp --folder ~/Pictures

An assistant's program starts it and talks to it; by itself it only waits. The network is loaded when a
tool first needs it. The same tools are at /mcp of transparent-background serve.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser("mcp", "Serve assistants (MCP) over standard input and output (extra: web).", EPILOG)
    parser.add_options(
        ServiceSettings,
        only=("folders",),
        folders="whose files may be read and written; several times for several (default: the current "
        "folder, unless that is your home folder or above it)",
    )
    add_models(parser)
    parser.add_options(RunOptions, only=("threads", "verbose", "debug"))
    parser.add_options(Limits, only=("bytes", "pixels"))
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    values = vars(build_parser().parse_args(argv))
    paths = values.get("folders") or [_current_folder()]
    run = read(RunOptions, values)
    check_extra()
    for name in values.get("mode", ()):
        find(name)  # a misspelt one is told now rather than when an assistant first asks
    import asyncio

    from ..assistants.folders import Folders
    from ..assistants.stdio import serve_stdio
    from .console import start_console

    folders = Folders(paths)
    console = start_console(verbose=run.verbose, debug=run.debug)
    settings = read_settings({**values, "folders": paths})
    asyncio.run(serve_stdio(lambda: load_devices(values, console, threads=run.threads), folders, settings))
    return 0


def _current_folder() -> str:
    """Return the current folder, if it can be meant: programs are often started in ``/`` or at home."""
    here = Path.cwd()
    if here == Path(here.anchor) or Path.home().resolve().is_relative_to(here.resolve()):
        raise UsageError(
            "--folder PATH: say whose pictures may be read and written; all of the home folder "
            "is only open if it is named"
        )
    return str(here)
