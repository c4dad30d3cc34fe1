"""Writing the network for other programs: ONNX, OpenVINO or TorchScript."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from ..checkpoints import Checkpoint
from ..errors import UsageError
from ..model import PyramidNetwork
from ..model.input import blends
from ..types import MAX_AREA, Size
from .checking import check, compare
from .graph import Graph, describe
from .int8 import import_nncf, write_int8
from .runtimes import find_runtime

Format: TypeAlias = Literal["onnx", "openvino", "torchscript"]

BATCH_CHECKED_UP_TO = 640 * 640
"""Pixels; to save memory, larger graphs are checked on one picture. The batch axis does not depend on the
size."""


@dataclass(frozen=True)
class Port:
    """An input or output: (B, channels, height, width), with any B if that is ``batch``."""

    name: str
    shape: tuple[str | int, ...]
    meaning: str
    dtype: str = "float32"


@dataclass(frozen=True)
class ExportReport:
    """What was written."""

    path: Path
    """The file to open."""
    files: tuple[Path, ...]
    """All of them: OpenVINO's .xml has a .bin beside it."""
    bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    difference: float
    """Largest difference of a matte, in [0, 1], from PyTorch's."""
    mean_difference: float
    compared_on: str
    """What both were run on: drawn pictures, or for int8 some of the photos it was calibrated on."""
    seconds: float
    metadata: dict[str, str]
    """What the file says of itself."""


def export(
    network: PyramidNetwork,
    checkpoint: Checkpoint,
    path: Path,
    format: Format,
    size: Size,
    low_resolution: Size | None = None,
    *,
    raw: bool = False,
    half: bool = False,
    int8: Sequence[Path] | None = None,
) -> ExportReport:
    """Write a network as a file of another format, and compare it with PyTorch.

    By default the file does all that can be done without knowing the picture's own size: it takes RGB in
    [0, 1], normalises it, and returns mattes in [0, 1]. The input is the picture resized to ``size``,
    bilinearly with antialiasing (Pillow's ``BILINEAR``); the matte is to be resized back. The spatial
    size is fixed, the batch is free, and a batch gives what its pictures give one by one.

    Parameters
    ----------
    network
        In evaluation mode, as :func:`~transparent_background.engine.loading.load_network` returns it.
    checkpoint
        Says how mattes are normalised, and what the file will say of itself.
    path
        Where to write; any other suffix becomes .onnx, .xml (with a .bin beside it) or .pt. A file that is
        there is replaced once the new one is written and checked.
    size
        (height, width) of the input ``image``, multiples of 32.
    low_resolution
        (height, width) of a second input ``image_low_resolution``: the same picture for the pass that
        gives the shape (pyramid blending), so it is the checkpoint's base size. None: one pass.
    raw
        Leave normalisation out on both sides: the input is (rgb - mean) / std with the mean and standard
        deviation that stand in the file, the output logits d0.
    half
        Keep the weights as float16, in half the space; arithmetic stays float32. Not for TorchScript.
    int8
        Photos to calibrate on, a hundred or more of the kind that the file will see, of which 300 are used:
        weights and arithmetic become int8 where NNCF finds that it pays. For OpenVINO only, and the file
        takes one picture at a time.

    Raises
    ------
    MissingExtraError
        The format's packages are not installed.
    UsageError
        A size or the format will not do, alone or together with ``half`` or ``int8``.
    InputError
        A photo cannot be read.
    DeviceError
        The file's mattes are not PyTorch's, as :func:`~.checking.check` says. No file is left.
    OutputError
        The file cannot be written.
    """
    check_options(format, half=half, int8=int8 is not None)
    runtime = find_runtime(format)
    runtime.version()
    if int8 is not None:
        import_nncf()  # or it is missing
    started = time.perf_counter()
    batch: str | int = "batch" if int8 is None else 1
    sizes = (size,) if low_resolution is None else (size, low_resolution)
    graph = Graph(network, *sizes, finish=None if raw else checkpoint.normalisation)
    stem = path.with_suffix("") if path.suffix in (".onnx", ".xml", ".bin", ".pt") else path
    path = stem.with_name(stem.name + runtime.suffixes[0])
    metadata = describe(graph, checkpoint)
    with runtime.staging(path) as staged:
        if int8 is None:
            runtime.write(graph, staged, metadata, any_batch=True, half=half)
            examples = graph.examples(2 if size[0] * size[1] <= BATCH_CHECKED_UP_TO else 1)
            difference = compare(graph, runtime.load(staged), [examples])
            check(difference, f"{runtime.name} {runtime.version()}", rounded=half)
            compared_on = "drawn pictures"
        else:
            difference, compared_on = write_int8(graph, staged, metadata, int8)
        written = sum(staged.with_suffix(suffix).stat().st_size for suffix in runtime.suffixes)
    return ExportReport(
        path=path,
        files=tuple(path.with_suffix(suffix) for suffix in runtime.suffixes),
        bytes=written,
        inputs=tuple(
            Port(name, (batch, 3, *side), metadata["input"])
            for name, side in zip(graph.input_names, graph.sizes, strict=True)
        ),
        outputs=(Port(graph.output_name, (batch, 1, *size), metadata["output"]),),
        difference=difference.largest,
        mean_difference=difference.mean,
        compared_on=compared_on,
        seconds=time.perf_counter() - started,
        metadata=metadata,
    )


def check_options(format: str, *, half: bool, int8: bool) -> None:
    """Refuse what cannot be written, before anything is downloaded or read.

    Raises
    ------
    UsageError
        The format is unknown, or cannot hold its weights so.
    """
    if format not in get_args(Format):
        raise UsageError(f"format {format!r} is unknown; choose from {', '.join(get_args(Format))}")
    if int8 and format != "openvino":
        raise UsageError(f"int8 is for the format openvino, not {format}: what NNCF writes is OpenVINO's")
    if int8 and half:
        raise UsageError("int8 and half exclude each other; leave --half out")
    if half and format == "torchscript":
        raise UsageError("TorchScript cannot keep its weights as float16; leave --half out")


def export_sizes(
    checkpoint: Checkpoint, resize: str | None = None, size: Size | None = None
) -> tuple[Size, Size | None]:
    """Choose the input sizes of a file.

    Parameters
    ----------
    resize
        ``static``: one pass at ``size`` or base size. ``dynamic``: one at ``size``, or at a square of the
        largest short side. ``blend``: two, of ``size`` or that square, and base size. None: as the
        checkpoint is meant to be used.
    size
        (height, width), multiples of 32.

    Raises
    ------
    UsageError
        A side is no multiple of 32, or the large pass is no larger than the small one.
    """
    resize = resize or checkpoint.resize
    if resize == "static":
        return size or checkpoint.base_size, None
    side = min(checkpoint.short_side, math.isqrt(MAX_AREA))
    large = size or (side, side)
    if resize == "dynamic":
        return large, None
    if not checkpoint.enlarge and not blends(large, checkpoint.base_size):
        height, width = checkpoint.base_size
        raise UsageError(
            f"blend needs a size that exceeds 4/3 of the base size {width}x{height} on both sides, "
            f"not {large[1]}x{large[0]}; use --resize static or dynamic"
        )
    return large, checkpoint.base_size
