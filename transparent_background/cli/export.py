"""``transparent-background export FORMAT``: write a network for other programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..options.declare import read
from ..options.network import NetworkOptions
from ..options.running import RunOptions
from ..options.values import parse_size
from .arguments import Parser
from .console import print_data, progress_bar, start_console

if TYPE_CHECKING:
    from ..backends.export import ExportReport

OPTIONS = (NetworkOptions, RunOptions)
FORMATS = ("onnx", "openvino", "torchscript")

EPILOG = """\
examples:
  transparent-background export onnx --mode fast
  transparent-background export openvino --mode lite --resize blend --size 672x448 -o lite.xml
  transparent-background export openvino --mode lite --int8 photos/
  transparent-background export torchscript --ckpt mine.safetensors --raw

The file takes RGB in [0, 1], float32 (batch, 3, height, width), resized to its size with antialiasing, and
returns mattes in [0, 1]; what it needs stands in its metadata. Each file is compared with PyTorch.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser("export", "Write a network as ONNX, OpenVINO IR or TorchScript.", EPILOG)
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_options(
        *OPTIONS,
        only=("mode", "ckpt", "resize", "offline", "json", "debug"),
        resize="one pass at base size, one in another shape, or two passes, which take the picture at two "
        "sizes",
        json="print JSON",
    )
    parser.add_argument(
        "--size",
        metavar="WxH",
        help="width and height of the input, multiples of 32 (default: static, the base size; else a square)",
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
        help="where to write (default: MODE_HEIGHTxWIDTH, with _int8, and the format's suffix)",
    )
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    size = None if options.size is None else parse_size(options.size, "--size")
    if size is not None and any(side < 32 or side % 32 for side in size):
        raise UsageError(f"--size {options.size}: both must be multiples of 32")
    values = vars(options)
    network, run = read(NetworkOptions, values), read(RunOptions, values)
    if network.mode is None and network.ckpt is None:
        raise UsageError("name the network to write: --mode NAME or --ckpt FILE")
    console = start_console(verbose=True, debug=run.debug)
    import torch

    from ..backends.export import check_options, export, export_sizes
    from ..checkpoints.recognition import find_checkpoint
    from ..engine.loading import load_network

    check_options(options.format, half=options.half, int8=options.int8 is not None)
    photos = None
    if options.int8 is not None:
        from ..backends.int8 import find_photos

        photos = find_photos(Path(options.int8).expanduser())
    with progress_bar(console, of_bytes=True) as update:
        record, weights = find_checkpoint(
            network.mode,
            network.ckpt,
            progress=lambda done, total: update(done, total, "downloading weights"),
            offline=network.offline,
        )
    main_size, low_resolution = export_sizes(record, network.resize, size)
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
    print_data(json.dumps(dataclasses.asdict(report), indent=2, default=str) if run.json else _text(report))
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
