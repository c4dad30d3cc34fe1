"""A network run by another runtime than PyTorch, converted for each size it is used at."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .._version import __version__
from ..checkpoints import Checkpoint, home
from ..checkpoints.verification import digest
from ..errors import DeviceError, MissingExtraError
from ..media.atomic import file_state, replacing
from ..media.parts import sweep
from ..model import PyramidNetwork
from ..model.layers import size_of
from ..types import Precision, Size
from .checking import check, compare
from .graph import Graph, describe
from .runtime import EXPORTING, Model, Runtime
from .runtimes import find_runtime

logger = logging.getLogger(__name__)

LAYOUT = 1
"""Raised whenever other graphs are written for the same network; it is a part of the cache's keys."""

LOADED = 4
"""Sizes of a network to keep in memory."""

KEPT_BYTES = 2 << 30
"""Most bytes of converted files on disk; beyond them, those that were not used for longest are deleted."""

Sizes = tuple[Size, ...]
"""The inputs' sizes: one, or the large pass's and the small one's."""


class ConvertedNetwork:
    """Runs a network on the CPU in OpenVINO or ONNX Runtime.

    A runtime's graph is for one size, so the network is converted at the first use of each, which takes
    seconds (ONNX Runtime: tens of seconds). Converted files are kept beside the weights, in
    :func:`folder`, for this and other processes; a few loaded ones in memory.
    May be used by several threads.

    Parameters
    ----------
    network
        The network in evaluation mode.
    checkpoint, weights
        What the network is, and the file that its weights were read from.
    backend
        ``"openvino"`` or ``"onnxruntime"``.
    precision
        ``"bfloat16"`` lets OpenVINO compute so where the processor can: faster, differences of 0.01.

    Raises
    ------
    MissingExtraError
        The backend's packages are not installed.
    UsageError
        There is no such backend.
    """

    prepare: Callable[..., Model]
    """Takes one or two sizes, converts the network for such inputs if it is not, and loads it."""

    def __init__(
        self,
        network: PyramidNetwork,
        checkpoint: Checkpoint,
        weights: Path,
        backend: str = "openvino",
        precision: Precision = "float32",
    ) -> None:
        self._network, self._checkpoint = network, checkpoint
        self._runtime, self._precision = find_runtime(backend), precision
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in checkpoint.name)[:40]
        self._stem = f"{name}-{_key(checkpoint, weights, self._runtime)}"
        self.prepare = lru_cache(LOADED)(self._open)

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Predict the logits of a batch; its pictures run one after the other.

        Parameters
        ----------
        *inputs
            As of :meth:`PyramidNetwork.forward`: one or two, normalised, (B, 3, H, W), sides multiples of 32.

        Returns
        -------
        float32 (B, 1, H, W) on the CPU: d0, within 0.001 of PyTorch's in float32.

        Raises
        ------
        DeviceError
            The runtime gives other numbers than PyTorch; found when a size is first converted.
        """
        model = self.prepare(*map(size_of, inputs))
        # x.numpy() would be channels_last where the tensor is; runtimes want plain memory
        arrays = [x.detach().to("cpu", torch.float32).contiguous().numpy() for x in inputs]
        each = [model(*(array[i : i + 1] for array in arrays)) for i in range(len(arrays[0]))]
        return torch.from_numpy(np.concatenate(each))

    def is_ready(self, *sizes: Size) -> bool:
        """Whether inputs of these sizes can be run without converting the network for them."""
        path = self._path(sizes)
        return path.with_suffix(".json").is_file() and path.is_file()

    def _open(self, *sizes: Size) -> Model:
        """Load the converted file of a size, or make it; one thread at a time, as the others find it then."""
        path = self._path(sizes)
        with EXPORTING:
            if _is_whole(path, self._runtime):
                try:
                    model = self._load(path, self._precision)
                except DeviceError as error:  # it was made on a machine that this one shares a folder with
                    logger.warning("%s; it is converted again", error)
                else:
                    with contextlib.suppress(OSError):
                        os.utime(path.with_suffix(".json"))  # as used last
                    return model
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                sweep(path.parent)
                with self._runtime.staging(path) as staged:
                    model = self._convert(sizes, staged)
                    sums = {suffix: digest(staged.with_suffix(suffix)) for suffix in self._runtime.suffixes}
                with replacing(path.with_suffix(".json")) as file:
                    file.write(json.dumps(sums).encode())
            except OSError as error:  # OutputError is one
                logger.warning("the converted network is not kept: %s", error)
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    return self._convert(sizes, Path(folder) / path.name)
            _forget_old(path.parent, keep=path)
            return model

    def _convert(self, sizes: Sizes, path: Path) -> Model:
        logger.info("converting the network for %s ...", _words(sizes))
        graph = Graph(self._network, *sizes)
        self._runtime.write(graph, path, describe(graph, self._checkpoint), any_batch=False, half=False)
        model = self._load(path, "float32")
        what = f"{self._runtime.name} {self._runtime.version()}"
        check(compare(graph, model, [graph.examples(1)]), what)
        return model if self._precision == "float32" else self._load(path, self._precision)

    def _load(self, path: Path, precision: Precision) -> Model:
        return self._runtime.load(path, threads=torch.get_num_threads(), precision=precision)

    def _path(self, sizes: Sizes) -> Path:
        return folder() / f"{self._stem}-{_words(sizes)}{self._runtime.suffixes[0]}"


def folder() -> Path:
    """Return where converted networks are kept; it need not exist, and may be deleted at any time."""
    return home() / "converted"


def was_converted(checkpoint: Checkpoint, weights: Path) -> bool:
    """Whether a network was converted for OpenVINO, for any size, by the versions installed now.

    Quick where nothing was converted at all; else the weights are read for their checksum.
    """
    if not folder().is_dir():
        return False
    try:
        key = _key(checkpoint, weights, find_runtime("openvino"))
    except MissingExtraError:
        return False
    return any(folder().glob(f"*-{key}-*.json"))


def _key(checkpoint: Checkpoint, weights: Path, runtime: Runtime) -> str:
    """Return what tells a network's files from those of other weights, networks and versions."""
    parts = [
        _digest(weights, file_state(weights)),
        str((checkpoint.backbone, sorted(checkpoint.backbone_options.items()), checkpoint.head)),
        str((checkpoint.depth, checkpoint.base_size, LAYOUT)),
        f"{__version__}, {runtime.name} {runtime.version()}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


@lru_cache(8)
def _digest(weights: Path, state: object) -> str:
    """Return a file's checksum; it is read once, until its state is another."""
    return digest(weights)


def _words(sizes: Sizes) -> str:
    return "-".join(f"{height}x{width}" for height, width in sizes)


def _is_whole(path: Path, runtime: Runtime) -> bool:
    """Whether the files of a conversion are those that were written."""
    try:
        sums = json.loads(path.with_suffix(".json").read_text())
        whole = all(sums[suffix] == digest(path.with_suffix(suffix)) for suffix in runtime.suffixes)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        logger.warning("%s is damaged; it is converted again", path)
    return whole


def _forget_old(folder: Path, keep: Path) -> None:
    """Delete the conversions that were not used for longest as far as all take too much space."""
    try:
        notes = sorted(folder.glob("*.json"), key=lambda note: note.stat().st_mtime, reverse=True)
        total = 0
        for note in notes:
            files = [file for file in folder.glob(f"{note.stem}.*") if not file.is_dir()]
            total += sum(file.stat().st_size for file in files)
            if total > KEPT_BYTES and note.stem != keep.stem:
                for file in files:
                    file.unlink(missing_ok=True)
    except OSError as error:
        logger.debug("%s", error)
