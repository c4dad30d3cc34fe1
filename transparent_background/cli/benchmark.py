"""``transparent-background benchmark``: what models cost on this machine."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TransparentBackgroundError, UsageError
from ..options.declare import read
from ..options.network import NetworkOptions
from ..options.running import RunOptions
from ..options.values import parse_size
from ..types import Size
from .arguments import Parser
from .console import print_data, start_console

if TYPE_CHECKING:
    from ..evaluate.speed import Cost

logger = logging.getLogger(__name__)

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
    from ..checkpoints import find
    from ..evaluate.speed import measure

    models = options.models or ["lite"]
    for model in models:
        if not Path(model).expanduser().is_file():
            find(model)  # a misspelt one is told before anything is measured
    costs, failures = [], []
    for model in models:
        try:
            cost = measure(
                model,
                size,
                device=network.device,
                resize=network.resize,
                repeat=options.repeat,
                threads=run.threads,
            )
        except TransparentBackgroundError as error:
            failures.append(error)  # what can be measured is, and shown
        else:
            costs.append(cost)
    if costs:
        _show(costs, size, options.format)
    if failures:
        for failure in failures[1:]:
            logger.error("%s", failure)
        raise failures[0]
    return 0


def _show(costs: list[Cost], size: Size, format: str) -> None:
    """Print a table, or JSON."""
    if format == "json":
        print_data(json.dumps([asdict(cost) for cost in costs], indent=2))
        return
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
