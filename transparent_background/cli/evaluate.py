"""``transparent-background evaluate``: score models or folders of mattes on data with masks."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, UsageError
from ..media.atomic import writing_to
from ..options.declare import read
from ..options.network import NetworkOptions
from ..options.running import RunOptions
from .arguments import Parser
from .console import print_data, progress_bar, start_console

if TYPE_CHECKING:
    from ..evaluate.run import MatteSource, SetReport

logger = logging.getLogger(__name__)

OPTIONS = (NetworkOptions, RunOptions)

EPILOG = """\
examples:
  transparent-background evaluate --model lite --data ECSSD FeralCats
  transparent-background evaluate --pred mattes/ --data ECSSD --out report/
  transparent-background evaluate --compare lite base my.safetensors --data ECSSD --limit 50

A data set is a folder with images/ and masks/. A matte is scored as it is; papers stretch each to full
range first (--stretch). Pictures that cannot be scored are named and left out, with exit code 4.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser(
        "evaluate", "Score mattes: S-measure, MAE, F, weighted F, E, IoU, mBA, boundary IoU.", EPILOG
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", metavar="NAME|FILE", help="a mode, or a file of weights")
    what.add_argument("--pred", metavar="DIR", help="a folder of mattes named as the pictures")
    what.add_argument("--compare", nargs="+", metavar="MODEL", help="several of both, in one table")
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders to score on")
    parser.add_options(*OPTIONS, only=("resize", "normalisation", "device", "quiet", "debug"))
    parser.add_argument("--matte", action="store_true", help="add SAD, MSE, gradient and connectivity")
    parser.add_argument("--stretch", action="store_true", help="stretch every matte to full range first")
    parser.add_argument("--limit", type=int, metavar="N", help="only N pictures of each set, evenly spaced")
    parser.add_argument(
        "--workers",
        dest="scorers",  # not the threads that RunOptions calls workers
        type=int,
        default=max(min((os.cpu_count() or 1) - 1, 4), 1),
        metavar="N",
        help="processes that score while the network runs; 0: none (default: %(default)s)",
    )
    parser.add_argument("--out", metavar="DIR", help="write tables, curves and a sheet of the worst there")
    parser.add_argument("--worst", type=int, default=12, metavar="N", help="pictures on the sheet (12)")
    parser.add_argument("--by", default="mae", metavar="SCORE", help="what the worst are by (default: mae)")
    parser.add_argument(
        "--format", choices=("markdown", "csv", "json"), default="markdown", help="of the table printed"
    )
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    values = vars(options)
    network, run = read(NetworkOptions, values), read(RunOptions, values)
    console = start_console(quiet=run.quiet, debug=run.debug)
    _check(options)

    from ..evaluate import report as tables
    from ..evaluate.run import evaluate, find_mattes, set_name
    from ..media.pairs import find_pairs

    data = [Path(folder).expanduser() for folder in options.data]
    sizes = [min(len(find_pairs(folder)), options.limit or 10**9) for folder in data]
    settings = {name: getattr(network, name) for name in ("resize", "normalisation", "device")}
    names = options.compare or [options.model or options.pred]
    if options.pred and not Path(options.pred).expanduser().is_dir():
        raise UsageError(f"--pred {options.pred}: no such folder")
    out = None if options.out is None else Path(options.out).expanduser()
    if out is not None:
        with writing_to(out):
            out.mkdir(parents=True, exist_ok=True)
    data_labels = short_names(options.data)
    reports: list[SetReport] = []
    problems: list[InputError] = []
    whole, count = sum(sizes) * len(names), itertools.count(1)
    with progress_bar(console) as update:
        for name, label in zip(names, short_names(names), strict=True):
            source = find_mattes(name, **settings)
            for folder, data_label in zip(data, data_labels, strict=True):
                reports.append(
                    evaluate(
                        source,
                        folder,
                        soft=options.matte,
                        stretch=options.stretch,
                        limit=options.limit,
                        workers=options.scorers,
                        progress=lambda name: update(next(count), whole, name),
                        failed=problems.append,
                    )
                )
                if out is not None:
                    _write_sheet(
                        out / f"worst_{label}_{data_label}.jpg", source, folder, reports[-1], options
                    )
    reports.sort(key=lambda entry: [set_name(folder) for folder in data].index(entry.data))
    render = {"markdown": tables.to_markdown, "csv": tables.to_csv, "json": tables.to_json}
    if out is not None:
        _write_tables(out, reports)
    for problem in problems:
        logger.error("%s; left out", problem)
    if not any(report.count for report in reports):
        return 4
    print_data(render[options.format](reports).rstrip("\n"))
    return 4 if problems else 0


def _check(options: argparse.Namespace) -> None:
    from ..evaluate.metrics import MATTE, SALIENCY

    known = (*SALIENCY, *(MATTE if options.matte else ()))
    if options.by not in known:
        raise UsageError(f"--by {options.by}: no such score; choose from {', '.join(known)}")
    for name in ("limit", "worst"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} must be at least 1, not {value}")
    if options.scorers < 0:
        raise UsageError(f"--workers must not be negative, not {options.scorers}")


def short_names(names: Sequence[str]) -> list[str]:
    """Return what files about each are called: its last part, or as many parts as tell it from the others."""
    parts = [[*Path(name).expanduser().parts[:-1], Path(name).stem] for name in names]
    for count in range(1, max(map(len, parts)) + 1):
        labels = ["_".join(entry[-count:]).replace("/", "_") for entry in parts]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{label}_{number}" for number, label in enumerate(labels, 1)]


def _write_sheet(
    path: Path, source: MatteSource, data: Path, report: SetReport, options: argparse.Namespace
) -> None:
    """Save the worst pictures of a model on a data set, side by side."""
    from ..evaluate.metrics import LOWER_IS_BETTER
    from ..evaluate.run import worst
    from ..images.sheet import contact_sheet
    from ..media.pairs import read_pair

    chosen = worst(report, options.by, options.worst, lower_is_better=options.by in LOWER_IS_BETTER)
    try:
        entries = [
            (*read_pair(pair), source.matte(pair, data), f"{pair.image.name}  {options.by} {value:.3f}")
            for pair, value in chosen
        ]
    except InputError as error:  # mattes of a folder are scored without a look at the pictures
        logger.error("%s: not written: %s", path.name, error)
        return
    with writing_to(path):
        contact_sheet(entries).save(path, quality=88)


def _write_tables(folder: Path, reports: list[SetReport]) -> None:
    """Write the tables and curves of a report."""
    from ..evaluate import report as tables

    with writing_to(folder):
        (folder / "scores.md").write_text(tables.to_markdown(reports) + "\n", "utf-8")
        (folder / "scores.csv").write_text(tables.to_csv(reports), "utf-8")
        (folder / "scores.json").write_text(tables.to_json(reports) + "\n", "utf-8")
        (folder / "pictures.csv").write_text(tables.to_csv(reports, each=True), "utf-8")
        tables.plot_curves(reports, folder)
