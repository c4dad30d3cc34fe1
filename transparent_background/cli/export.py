"""``transparent-background export FORMAT``: write a network for other programs."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .console import download_progress, error_console, print_data, set_up_logging
from .options import Parser

if TYPE_CHECKING:
    from ..backends.export import ExportReport

FORMATS = ("onnx", "openvino", "torchscript")

EPILOG = """\
examples:
  transparent-background export onnx --mode fast
  transparent-background export openvino --mode lite --resize blend --size 448x672 -o lite.xml
  transparent-background export openvino --mode lite --int8 photos/
  transparent-background export torchscript --ckpt mine.safetensors --raw

The file takes RGB in [0, 1], float32 (batch, 3, height, width), resized to its size with antialiasing, and
returns mattes in [0, 1]; what it needs stands in its metadata. Each file is compared with PyTorch.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser(
        prog="transparent-background export",
        description="Write a network as ONNX, OpenVINO IR or TorchScript.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument(
        "-m", "--mode", metavar="NAME", help="a name that 'transparent-background models' lists"
    )
    parser.add_argument("-c", "--ckpt", metavar="FILE", help="weights of your own")
    parser.add_argument(
        "-r",
        "--resize",
        choices=("static", "dynamic", "blend"),
        help="one pass at base size, one in another shape, or two passes, which take the picture at two "
        "sizes (default: the mode's)",
    )
    parser.add_argument(
        "--size",
        metavar="HxW",
        help="height and width of the input, multiples of 32 (default: static, the base size; else a square)",
    )
    parser.add_argument(
        "--half", action="store_true", help="keep the weights as float16, in half the space (not torchscript)"
    )
    parser.add_argument(
        "--int8",
        metavar="FOLDER",
        help="compute in int8, calibrated on the photos in FOLDER, a hundred or more of the kind that the "
        "file will see (openvino only; the file takes one picture at a time)",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="leave normalisation out: takes (rgb - mean) / std, returns logits",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write (default: MODE_HxW, MODE_HxW_int8, and the format's suffix)",
    )
    parser.add_argument("--offline", action="store_true", help="never download weights")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and everything that is logged")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    size = None if options.size is None else _size(options.size)
    if options.mode is None and options.ckpt is None:
        raise UsageError("name the network to write: --mode NAME or --ckpt FILE")
    console = error_console()
    set_up_logging(console, quiet=False, verbose=True, debug=options.debug)
    import torch

    from ..backends.export import check_options, export, export_sizes
    from ..checkpoints.recognition import find_checkpoint
    from ..engine.loading import load_network

    check_options(options.format, half=options.half, int8=options.int8 is not None)
    photos = None
    if options.int8 is not None:
        from ..backends.int8 import find_photos

        photos = find_photos(Path(options.int8).expanduser())
    ckpt = None if options.ckpt is None else Path(options.ckpt).expanduser()
    with download_progress(console, shown=True) as progress:
        record, weights = find_checkpoint(
            options.mode, ckpt, progress=progress, offline=True if options.offline else None
        )
    main_size, low_resolution = export_sizes(record, options.resize, size)
    name = f"{record.name}_{main_size[0]}x{main_size[1]}" + ("" if photos is None else "_int8")
    report = export(
        load_network(record, weights, torch.device("cpu")),
        record,
        Path(options.output or name).expanduser(),
        options.format,
        main_size,
        low_resolution,
        raw=options.raw,
        half=options.half,
        int8=photos,
    )
    print_data(
        json.dumps(dataclasses.asdict(report), indent=2, default=str) if options.json else _text(report)
    )
    return 0


def _text(report: ExportReport) -> str:
    lines = [f"{path}" for path in report.files]
    lines.append(f"  {report.bytes / 1e6:.1f} MB")
    for title, ports in (("input", report.inputs), ("output", report.outputs)):
        for port in ports:
            shape = ", ".join(map(str, port.shape))
            lines.append(f"  {title:<6} {port.name} ({shape}): {port.meaning}")
    lines.append(
        f"  mattes differ from PyTorch's by up to {report.difference:.2g}, "
        f"{report.mean_difference:.2g} in the mean, on {report.compared_on}"
    )
    return "\n".join(lines)


def _size(text: str) -> tuple[int, int]:
    height, cross, width = text.lower().partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise UsageError(f"--size {text}: expected HEIGHTxWIDTH, such as 384x384")
    size = (int(height), int(width))
    if any(side < 32 or side % 32 for side in size):
        raise UsageError(f"--size {text}: both must be multiples of 32")
    return size
