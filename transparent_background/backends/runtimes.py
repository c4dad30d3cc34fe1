"""What every runtime can do, and finding one by name."""

from __future__ import annotations

import dataclasses
import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import torch

from ..errors import DeviceError, MissingExtraError, TransparentBackgroundError, UsageError

if TYPE_CHECKING:
    from ..types import FloatArray
    from .graph import Graph

BackendName: TypeAlias = Literal["openvino", "onnxruntime"]
Precision: TypeAlias = Literal["float32", "bfloat16"]

TOLERANCE = 1 / 255
"""Largest difference of a matte's pixel from PyTorch's: one level of a picture of 8 bits."""
EXEMPT = 0.001
"""Share of pixels that may exceed it. The published network's unscaled attention amplifies rounding, and a
pixel at the rim of the transition mask may fall on its other side: TorchScript's mattes differ too."""
MEAN_TOLERANCE = 0.0005
"""Largest mean difference of a matte."""
ROUNDED_TOLERANCE = 0.01
"""The same where weights were rounded: pixels at edges then move by several levels."""

EXPORTING = threading.RLock()
"""Held while an exporter runs: they silence warnings, and patch PyTorch, for the whole process."""


class Model(Protocol):
    """A file that a runtime has loaded; may be called by several threads."""

    def __call__(self, *inputs: FloatArray) -> FloatArray:
        """Run it: float32 (B, 3, h, w) each, contiguous, to float32 (B, 1, h, w)."""


class Runtime(Protocol):
    """A format of files and the program that runs them."""

    name: str
    suffixes: tuple[str, ...]
    """Of the files that one model consists of; the first one's path stands for all."""

    def version(self) -> str:
        """Return the versions that a converted file depends on; MissingExtraError without the package."""

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph to files at ``path``, for one picture or any number of them.

        ``half`` keeps the weights in half the space, as float16; arithmetic stays float32.
        """

    def load(self, path: Path, *, threads: int | None, precision: Precision) -> Model:
        """Load a file to run on the CPU; :class:`DamagedFileError` if it cannot."""


class DamagedFileError(TransparentBackgroundError, OSError):
    """A converted file that its runtime cannot read."""


def find_runtime(name: str) -> Runtime:
    """Return a runtime by name; its package is imported when it is used.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name == "openvino":
        from .openvino import OpenVINO

        return OpenVINO()
    if name in ("onnxruntime", "onnx"):
        from .onnxruntime import ONNXRuntime

        return ONNXRuntime()
    if name == "torchscript":
        from .torchscript import TorchScript

        return TorchScript()
    raise UsageError(f"{name!r} is no format and no runtime; choose from onnx, openvino, torchscript")


def import_from(extra: str, module: str) -> Any:
    """Import a module of an optional dependency.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f'{module} is not installed: pip install "transparent-background[{extra}]"'
        ) from error


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far a converted network's mattes are from PyTorch's, over all pixels."""

    largest: float
    mean: float
    beyond: float
    """Share of the pixels that differ by more than 1/255."""

    @classmethod
    def over(cls, each: Sequence[Difference]) -> Difference:
        """Join those of several pictures, each of which counts the same."""
        return cls(
            max(one.largest for one in each),
            sum(one.mean for one in each) / len(each),
            sum(one.beyond for one in each) / len(each),
        )


def compare(graph: Graph, model: Callable[..., Any], batch: int) -> Difference:
    """Run drawn pictures through PyTorch one by one, and through a model together."""
    with torch.inference_mode():
        return difference_of(graph, model, graph.examples(batch))


def difference_of(graph: Graph, model: Callable[..., Any], inputs: Sequence[torch.Tensor]) -> Difference:
    """Compare a model's mattes of some inputs, taken together, with PyTorch's, taken one by one."""
    expected = graph.reference(inputs)
    output = torch.from_numpy(model(*(x.contiguous().numpy() for x in inputs)))
    if output.shape != expected.shape:
        return Difference(1.0, 1.0, 1.0)
    difference = (graph.to_matte(output) - expected).abs().nan_to_num(1.0)
    beyond = (difference > TOLERANCE).float().mean()
    return Difference(float(difference.max()), float(difference.mean()), float(beyond))


def check(difference: Difference, runtime: Runtime, *, weights_changed: bool = False) -> None:
    """Refuse a conversion that is another function.

    Parameters
    ----------
    weights_changed
        The weights were rounded: then the mean decides.

    Raises
    ------
    DeviceError
        More than one pixel in a thousand of the mattes differs by more than 1/255, or all by 0.0005 in the
        mean; with rounded weights, by 0.01 in the mean.
    """
    good = difference.beyond <= EXEMPT and difference.mean <= MEAN_TOLERANCE
    if weights_changed:
        good = difference.mean <= ROUNDED_TOLERANCE
    if not good:
        raise DeviceError(
            f"{runtime.name} {runtime.version()} does not give this network's numbers: mattes differ by "
            f"up to {difference.largest:.3f}, {difference.mean:.4f} in the mean; use PyTorch, "
            "or another version of it"
        )
