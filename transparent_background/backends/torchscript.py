"""TorchScript: recorded by PyTorch, run by it, by C++ programs and on phones."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..media.atomic import replacing
from ..types import FloatArray, Precision
from .graph import Graph
from .runtime import Model, Runtime, exporting

METADATA = "transparent_background.json"
"""Extra file in the archive with what is known of the network."""


class TorchScript(Runtime):
    """Writes and runs TorchScript."""

    name = "torchscript"
    title = "PyTorch"
    suffixes = (".pt",)

    def version(self) -> str:
        """Return PyTorch's version."""
        return str(torch.__version__)

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph; weights cannot be halved."""
        buffer = io.BytesIO()
        recorded = record(graph, *graph.examples(1))
        with exporting():
            torch.jit.save(recorded, buffer, _extra_files={METADATA: json.dumps(dict(metadata)).encode()})
        with replacing(path) as file:
            file.write(buffer.getbuffer())

    def open(self, path: Path, threads: int | None, precision: Precision) -> Model:
        """Load a file; its threads are PyTorch's own."""
        with exporting():
            module: Any = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

        def run(*inputs: FloatArray) -> FloatArray:
            with torch.inference_mode():
                result: FloatArray = module(*map(torch.from_numpy, inputs)).numpy()
            return result

        return run


def record(network: nn.Module, *inputs: torch.Tensor) -> Any:
    """Record a network in evaluation mode as TorchScript, with its weights as constants.

    Spatial sizes are those of the inputs ever after; the batch stays open. Small networks spend most of their
    time between operations: recorded, the bundled one takes two thirds of it. ``torch.compile`` gains no more
    on the CPU and takes minutes.
    """
    with exporting():
        return torch.jit.freeze(torch.jit.trace(network, inputs, check_trace=False))  # type: ignore[no-untyped-call]
