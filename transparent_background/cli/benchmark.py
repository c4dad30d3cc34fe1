"""``transparent-background benchmark``: what models cost on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from ..errors import UsageError
from ..options.declare import read
from ..options.network import NetworkOptions
from ..options.running import RunOptions
from ..options.values import parse_size
from .arguments import Parser
from .console import print_data, start_console

OPTIONS = (NetworkOptions, RunOptions)

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
        "benchmark", "Measure parameters, arithmetic, time and memory of models for one picture.", EPILOG
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="modes or files of weights (lite)")
    parser.add_argument("--size", default="1024x1024", metavar="WxH", help="of the picture (1024x1024)")
    parser.add_argument("--repeat", type=int, default=10, metavar="N", help="timed runs, of which the median")
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown", help="of the table")
    parser.add_options(*OPTIONS, only=("threads", "device", "resize", "debug"))
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    size = parse_size(options.size, "--size")
    if options.repeat < 1:
        raise UsageError(f"--repeat must be at least 1, not {options.repeat}")
    values = vars(options)
    network, run = read(NetworkOptions, values), read(RunOptions, values)
    start_console(debug=run.debug)
    from ..evaluate.speed import measure

    costs = [
        measure(
            model,
            size,
            device=network.device,
            resize=network.resize,
            repeat=options.repeat,
            threads=run.threads,
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
