"""TorchScript: recorded by PyTorch, run by it, by C++ programs and on phones."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ..errors import UsageError
from ..media.atomic import cannot_write
from ..model import PyramidNetwork
from ..types import Size
from .runtimes import EXPORTING, DamagedFileError, Precision

if TYPE_CHECKING:
    from ..types import FloatArray
    from .graph import Graph

METADATA = "transparent_background.json"
"""Extra file in the archive with what is known of the network."""


class TorchScript:
    """Writes and runs TorchScript."""

    name = "torchscript"
    suffixes: tuple[str, ...] = (".pt",)

    def version(self) -> str:
        """Return PyTorch's version."""
        return str(torch.__version__)

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph, for any number of pictures; see :class:`~.runtimes.Runtime`."""
        if half:
            raise UsageError("TorchScript cannot keep its weights as float16; leave --half out")
        buffer = io.BytesIO()
        with EXPORTING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch announces the end of TorchScript at every step
            torch.jit.save(
                record(graph), buffer, _extra_files={METADATA: json.dumps(dict(metadata)).encode()}
            )
        try:
            path.write_bytes(buffer.getbuffer())
        except OSError as error:
            raise cannot_write(path, error) from error

    def load(self, path: Path, *, threads: int | None, precision: Precision) -> _Model:
        """Load a file; its threads are PyTorch's own."""
        with EXPORTING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return _Model(torch.jit.load(str(path)))  # type: ignore[no-untyped-call]
            except RuntimeError as error:
                raise DamagedFileError(f"{path}: PyTorch cannot load it") from error


class _Model:
    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(self, *inputs: FloatArray) -> FloatArray:
        with torch.inference_mode():
            result: FloatArray = self._module(*map(torch.from_numpy, inputs)).numpy()
        return result


def record(graph: Graph) -> Any:
    """Record a graph as TorchScript with its weights as constants; the batch stays open."""
    with EXPORTING, warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        # PyTorch announces the end of TorchScript, and warns that sizes become constants: they may
        warnings.simplefilter("ignore")
        recorded = torch.jit.trace(graph, graph.examples(1), check_trace=False)  # type: ignore[no-untyped-call]
        return torch.jit.freeze(recorded)


class Network(Protocol):
    """What :func:`load_network` and :func:`freeze` return."""

    def __call__(self, x: torch.Tensor, x_lr: torch.Tensor | None = None, /) -> Any:
        """Return a pyramid of logits whose entry 3 is d0, (B, 1, H, W)."""


def freeze(network: PyramidNetwork, size: Size, device: torch.device) -> Network:
    """Record the network at one input size as TorchScript with its weights as constants.

    Small networks spend most of their time between operations: the recorded graph of the bundled
    one takes two thirds of the time. ``torch.compile`` gains no more on the CPU and takes minutes.

    Parameters
    ----------
    network
        In evaluation mode.
    size
        (height, width) of every later input.
    """
    example = torch.zeros(1, 3, *size, device=device).to(memory_format=torch.channels_last)
    with warnings.catch_warnings(), torch.inference_mode():
        # PyTorch announces the end of TorchScript, and warns that sizes become constants: they may
        warnings.simplefilter("ignore")
        return torch.jit.freeze(torch.jit.trace(network, example, check_trace=False))  # type: ignore[no-untyped-call, no-any-return]
