"""``transparent-background train``: train a network as a configuration says."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..options.declare import read
from ..options.running import RunOptions
from .arguments import Parser
from .console import print_data, progress_bar, start_console

EPILOG = """\
examples:
  transparent-background train lite data.root=photos output=runs/lite
  transparent-background train my.yaml --resume optimiser.lr=1e-5
  torchrun --nproc_per_node=4 -m transparent_background train swin_b_384 data.root=DUTS

Ctrl-C saves the run; --resume goes on at the same step.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser("train", "Train InSPyReNet on folders with images/ and masks/.", EPILOG)
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="a YAML file, or a name from --list")
    parser.add_argument("changes", metavar="key=value", nargs="*", help="changes, such as data.batch_size=8")
    parser.add_argument("--resume", action="store_true", help="go on from the state in the output folder")
    parser.add_argument("--list", action="store_true", help="list the configurations of the package")
    parser.add_argument("--show", action="store_true", help="print the whole configuration and stop")
    parser.add_options(RunOptions, only=("quiet", "debug"))
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    parser = build_parser()
    options = parser.parse_intermixed_args(argv)
    from ..train.config import dump_config, load_config
    from ..train.reading import bundled_configs

    if options.list:
        print_data("\n".join(bundled_configs()))
        return 0
    if options.config is None:
        parser.error("give a configuration, such as lite or my.yaml (--list shows those of the package)")
    config = load_config(options.config, options.changes)
    if options.show:
        print_data(dump_config(config).rstrip())
        return 0
    run = read(RunOptions, vars(options))
    # under torchrun one process speaks for all
    quiet = run.quiet or os.environ.get("RANK", "0") != "0"
    console = start_console(quiet=quiet, verbose=not quiet, debug=run.debug)
    from ..train.trainer import Trainer

    with progress_bar(console) as update:

        def step(done: int, total: int, numbers: dict[str, float]) -> None:
            update(done, total, f"loss {numbers['loss']:.3f}  lr {numbers['lr']:.2e}")

        scores = Trainer(config, resume=options.resume, progress=step).run()
    for name, values in scores.items():
        print_data(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    return 0
