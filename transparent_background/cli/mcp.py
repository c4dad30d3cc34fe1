"""``transparent-background mcp``: an MCP server over standard input and output, for assistants."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from ..errors import UsageError
from ..options.limits import Limits
from ..options.service import ServiceSettings
from ..types import Backend, Precision
from .options import Parser, positive
from .serve import _bytes, _megapixels, check_extra, load_devices

EPILOG = """\
examples:
  transparent-background mcp --folder ~/Pictures          its pictures may be read, and results written there
  claude mcp add cutout -- transparent-background mcp --folder ~/Pictures

An assistant's program starts it and talks to it; by itself it only waits. The network is loaded when a
tool first needs it. The same tools are at /mcp of transparent-background serve.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    limits = Limits()
    parser = Parser(
        prog="transparent-background mcp",
        description="Serve assistants (MCP) over standard input and output (extra: web).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="PATH",
        help="whose files may be read and written; several times for several (default: the current folder, "
        "unless that is your home folder or above it)",
    )

    group = parser.add_argument_group("the model")
    group.add_argument(
        "-m",
        "--mode",
        action="append",
        metavar="NAME",
        help="a model to offer; several times for several, the first is the default (default: base, or lite "
        "if it cannot be had)",
    )
    group.add_argument(
        "-D",
        "--device",
        action="append",
        metavar="NAME",
        help="cpu, cuda:0, mps; several times for several, which share the work (default: the best there is)",
    )
    group.add_argument("-r", "--resize", choices=("static", "dynamic", "blend"), help="default: the mode's")
    group.add_argument("--backend", choices=get_args(Backend), default="auto", help="default: auto")
    group.add_argument("--precision", choices=get_args(Precision), default="float32", help="default: float32")
    group.add_argument("--offline", action="store_true", help="never download weights")
    group.add_argument("--threads", type=positive, metavar="N", help="processor threads of the network")

    group = parser.add_argument_group("limits")
    group.add_argument(
        "--max-size", type=_bytes, default=limits.bytes, metavar="SIZE", help="of a picture's file (32M)"
    )
    group.add_argument(
        "--max-pixels",
        type=_megapixels,
        default=limits.pixels,
        metavar="N",
        help="of a picture, in millions (64)",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is being done")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and everything that is logged")
    parser.set_defaults(quiet=False)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    paths = options.folder or [_current_folder()]
    check_extra()
    _check_modes(options.mode or [])
    import asyncio

    from ..assistants.folders import Folders
    from ..assistants.stdio import serve_stdio
    from .console import error_console, set_up_logging

    folders = Folders(paths)
    console = error_console()
    set_up_logging(console, quiet=False, verbose=options.verbose, debug=options.debug)
    settings = ServiceSettings(
        folders=tuple(paths),
        threads=min(max(os.cpu_count() or 1, 2), 8),
        limits=Limits(bytes=options.max_size, pixels=options.max_pixels),
    )
    asyncio.run(serve_stdio(lambda: load_devices(options, console), folders, settings))
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


def _check_modes(names: Sequence[str]) -> None:
    """Find a misspelt mode now rather than when an assistant first asks."""
    from .. import checkpoints

    for name in names:
        checkpoints.find(name)
