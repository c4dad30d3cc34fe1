"""``transparent-background completion SHELL``: print a completion script."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from . import COMMANDS
from .arguments import Parser
from .console import print_data
from .options import build_parser as build_main_parser

SHELLS = ("bash", "zsh", "tcsh")


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser(
        "completion",
        'Print a completion script; for bash: eval "$(transparent-background completion bash)".',
    )
    parser.add_argument("shell", choices=SHELLS)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    shell = build_parser().parse_args(argv).shell
    import shtab

    # sources stand where the sub-commands do: they are joined only for the script
    parser = build_main_parser(sources=False)
    commands = parser.add_subparsers()
    for name, text in COMMANDS.items():
        parent = import_module(f".{name}", __package__).build_parser()
        commands.add_parser(name, help=text, parents=[parent], add_help=False)
    print_data(shtab.complete(parser, shell))
    return 0
