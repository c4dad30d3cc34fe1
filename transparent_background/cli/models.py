"""``transparent-background models``: list, download, locate and verify weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .. import checkpoints
from ..checkpoints import Checkpoint
from ..errors import WeightsError
from .arguments import Parser
from .console import print_data, progress_bar, shown, start_console


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser("models", "List, download, locate and verify weights.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    listing = commands.add_parser("list", help="list them with size, state and origin (default)")
    for place in (parser, listing):
        place.add_argument("--json", action="store_true", help="print JSON")
    for name, text in (
        ("download", "download one, or nothing if it is there"),
        ("path", "print where one's file is"),
        ("verify", "compare one's file with its published checksum"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("name", metavar="NAME", help="a name that 'models' lists")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    console = start_console(verbose=True)
    if options.command in (None, "list"):
        _list(options.json)
        return 0
    checkpoint = checkpoints.find(options.name)
    if options.command == "download":
        with progress_bar(console, of_bytes=True) as update:
            path = checkpoints.fetch(checkpoint, progress=lambda done, total: update(done, total, ""))
        print_data(str(path))
    elif options.command == "path":
        print_data(str(_path(checkpoint)))
    else:
        state = checkpoints.verify(checkpoint)
        words = {"ok": "is the published file", "unchecked": "has no published checksum"}
        print_data(f"{_path(checkpoint)}: {words[state]}")
    return 0


def _path(checkpoint: Checkpoint) -> Any:
    path = checkpoints.local_path(checkpoint)
    if path is None:
        raise WeightsError(
            f"{checkpoint.name}: its file is not there; "
            f"run: transparent-background models download {checkpoint.name}"
        )
    return path


def _list(as_json: bool) -> None:
    known = [_describe(checkpoint) for checkpoint in checkpoints.all_checkpoints().values()]
    if as_json:
        print_data(json.dumps(known, indent=2))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("name", "size", "state", "base size", "resize", "origin", "description"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("name", "size", "state", "base size"))
    for entry in known:
        size = "-" if entry["bytes"] is None else f"{entry['bytes'] / 1e6:.0f} MB"
        base_size = "x".join(map(str, entry["base_size"]))
        words = (entry[name] for name in ("resize", "origin", "description"))
        table.add_row(*map(shown, (entry["name"], size, entry["state"], base_size, *words)))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=200)  # a pipe has no width to fold lines for
    console.print(table)


def _describe(checkpoint: Checkpoint) -> dict[str, Any]:
    path = checkpoints.local_path(checkpoint)
    state = "bundled" if checkpoint.bundled else "here" if path else "not downloaded"
    told = ("base_size", "resize", "backbone", "trained_on", "recipe", "scores", "licence", "origin")
    return {
        "name": checkpoint.name,
        "state": state,
        "path": None if path is None else str(path),
        "bytes": checkpoint.size if path is None else path.stat().st_size,
        **{name: getattr(checkpoint, name) for name in told},
        "description": checkpoint.description,
        "sources": checkpoint.sources,
    }
