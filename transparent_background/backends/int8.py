"""Post-training quantisation: an OpenVINO model in int8, calibrated by NNCF on the caller's photos."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import DeviceError, SourceNotFoundError
from ..images.picture import to_eight_bit
from ..media.pairs import evenly
from ..media.reading import read
from ..media.sources import find_sources
from ..model.input import resize_rgb
from .checking import Difference, check, compare
from .graph import Graph
from .openvino import OpenVINO, convert, import_openvino, save, without_reports
from .runtime import import_from, last_line

logger = logging.getLogger(__name__)

CALIBRATED_ON = 300
"""Most photos to calibrate on; NNCF's own default."""
COMPARED_ON = 50
"""Most photos that mattes are then compared on."""


def read_photos(paths: Sequence[Path], graph: Graph) -> list[list[torch.Tensor]]:
    """Read photos in the sizes that a graph takes; kept as bytes, in a quarter of the space.

    Returns
    -------
    For each photo what :meth:`.Graph.from_bytes` takes.

    Raises
    ------
    InputError
        One cannot be read.
    """
    photos = (to_eight_bit(read(path).rgb) for path in paths)
    return [[resize_rgb(rgb, size)[None] for size in graph.sizes] for rgb in photos]


def find_photos(folder: Path) -> list[Path]:
    """Return the pictures in a folder.

    Raises
    ------
    SourceNotFoundError
        There is no such folder, or no picture in it.
    """
    found = [item.path for item in find_sources([str(folder)]).items if item.kind == "picture"]
    photos = [path for path in found if path is not None]
    if not photos:
        raise SourceNotFoundError(f"{folder}: holds no pictures to calibrate int8 on")
    return photos


def import_nncf() -> Any:
    """Import NNCF without its reports and remarks; MissingExtraError if it is not installed."""
    import_openvino()
    with without_reports(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nncf = import_from("int8", "nncf")
    nncf.set_log_level(logging.ERROR)
    return nncf


def quantise(
    model: Any, graph: Graph, photos: Sequence[Sequence[torch.Tensor]], *, ignored: Sequence[str] = ()
) -> Any:
    """Quantise a model's weights and activations where that pays.

    Parameters
    ----------
    model
        An ``openvino.Model``, as :func:`~.openvino.convert` returns it; it is not changed.
    graph, photos
        What it was made of, and photos to measure the ranges of activations on (:func:`read_photos`).
    ignored
        Kinds of operations that stay as they are, such as ``MatMul``.

    Raises
    ------
    MissingExtraError
        NNCF is not installed.
    DeviceError
        NNCF cannot do it.
    """
    nncf = import_nncf()
    logger.info("calibrating int8 on %d photos ...", len(photos))
    scope = nncf.IgnoredScope(types=list(ignored)) if ignored else None
    # its progress bars go to standard output, whatever they are asked
    with without_reports(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return nncf.quantize(
                model,
                nncf.Dataset(photos, lambda photo: [x.numpy() for x in graph.from_bytes(*photo)]),
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=len(photos),
                ignored_scope=scope,
            )
        except (RuntimeError, nncf.errors.InternalError) as error:
            raise DeviceError(f"NNCF cannot quantise this network: {last_line(error)}") from error


def write_int8(
    graph: Graph, path: Path, metadata: dict[str, str], photos: Sequence[Path]
) -> tuple[Difference, str]:
    """Write and compare an OpenVINO model in int8; ``metadata`` then says how it computes.

    For one picture at a time: OpenVINO 2026.4 computes int8 wrongly from the second picture of a batch on
    (mean differences of mattes from 0.002 to 0.17, growing along the batch).

    Returns
    -------
    The difference from PyTorch, and on what they were compared.
    """
    known = read_photos(evenly(photos, CALIBRATED_ON), graph)
    metadata["arithmetic"] = f"int8, calibrated on {len(known)} photos by NNCF {import_nncf().__version__}"
    save(quantise(convert(graph, metadata, any_batch=False), graph, known), path, half=False)
    compared = evenly(known, COMPARED_ON)
    difference = compare(graph, OpenVINO().load(path), (graph.from_bytes(*photo) for photo in compared))
    check(difference, "int8", rounded=True)
    return difference, f"{len(compared)} of the {len(known)} photos it was calibrated on"
