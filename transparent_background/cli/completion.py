"""``transparent-background completion SHELL``: print a completion script."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from . import COMMANDS, options
from .console import print_data

SHELLS = ("bash", "zsh", "tcsh")


def build_parser() -> options.Parser:
    """Return the sub-command's parser."""
    parser = options.Parser(
        prog="transparent-background completion",
        description='Print a completion script; for bash: eval "$(transparent-background completion bash)".',
    )
    parser.add_argument("shell", choices=SHELLS)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    shell = build_parser().parse_args(argv).shell
    import shtab

    parser = options.build_parser()
    for action in parser._actions:
        if action.dest in ("source", "sources", "dest", "ckpt", "type"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    # the main parser takes sources where the sub-commands stand: joined only for the script
    sources = next(action for action in parser._actions if action.dest == "sources")
    parser._remove_action(sources)
    commands = parser.add_subparsers()
    for name, text in COMMANDS.items():
        parent = import_module(f".{name}", __package__).build_parser()
        commands.add_parser(name, help=text, parents=[parent], add_help=False)
    print_data(shtab.complete(parser, shell))
    return 0
