"""``transparent-background benchmark``: what models cost on this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from ..errors import UsageError
from .console import error_console, print_data, set_up_logging
from .options import Parser

EPILOG = """\
examples:
  transparent-background benchmark
  transparent-background benchmark lite base --size 1920x1080 --repeat 5

Each model is measured in a process of its own on a drawn picture. Machines differ and are shared:
compare models within one run.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser(
        prog="transparent-background benchmark",
        description="Measure parameters, arithmetic, time and memory of models for one picture.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="modes or files of weights (lite)")
    parser.add_argument("--size", default="1024x1024", metavar="WxH", help="of the picture (1024x1024)")
    parser.add_argument("--repeat", type=int, default=10, metavar="N", help="timed runs, of which the median")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of the CPU")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument(
        "--resize", choices=("static", "dynamic", "blend"), help="what the network sees (default: the mode's)"
    )
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown", help="of the table")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and everything that is logged")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    size = _size(options.size)
    if options.repeat < 1:
        raise UsageError(f"--repeat must be at least 1, not {options.repeat}")
    set_up_logging(error_console(), quiet=False, verbose=False, debug=options.debug)
    from ..evaluate.speed import measure

    costs = [
        measure(
            model,
            size,
            device=options.device,
            resize=options.resize,
            repeat=options.repeat,
            threads=options.threads,
        )
        for model in options.models or ["lite"]
    ]
    if options.format == "json":
        print_data(json.dumps([asdict(cost) for cost in costs], indent=2))
        return 0
    lines = [
        f"picture {size[1]} x {size[0]}",
        "",
        "| model | parameters | GFLOP | matte ms | cut-out ms | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for cost in costs:
        peak = "-" if cost.peak_mb is None else f"{cost.peak_mb:.0f}"
        lines.append(
            f"| {cost.model} | {cost.parameters / 1e6:.2f} M | {cost.gflop:.2f} | {cost.matte_ms:.0f} | "
            f"{cost.cut_out_ms:.0f} | {peak} |"
        )
    print_data("\n".join(lines))
    return 0


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise UsageError(f"--size {text}: expected WIDTHxHEIGHT, such as 1024x1024")
    return int(height), int(width)
