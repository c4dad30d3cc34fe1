"""What every runtime can do: the base of :mod:`.onnxruntime`, :mod:`.openvino` and :mod:`.torchscript`."""

from __future__ import annotations

import importlib
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import torch

from ..errors import DeviceError, TransparentBackgroundError, needing
from ..media.atomic import cannot_write
from ..media.parts import Part
from ..types import FloatArray, Precision
from .graph import Graph

Model: TypeAlias = "Callable[..., FloatArray]"
"""A file that a runtime has loaded: takes float32 (B, 3, h, w) arrays, contiguous, and returns float32
(B, 1, h, w). Several threads may call it."""

EXPORTING = threading.RLock()
"""Held while an exporter runs: they silence warnings, and patch PyTorch, for the whole process."""


@contextmanager
def exporting() -> Iterator[None]:
    """Let an exporter run alone, without gradients and without its warnings.

    PyTorch announces the end of TorchScript at every step, and warns that sizes become constants: they may.
    """
    with EXPORTING, warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        yield


class Runtime(ABC):
    """A format of files and the program that runs them."""

    name: str
    """What callers and messages about options call it."""
    title: str
    """What its makers call it."""
    suffixes: tuple[str, ...]
    """Those of the files that make up one model; the path of the first stands for all."""

    @abstractmethod
    def version(self) -> str:
        """Return the versions that a converted file depends on.

        Raises
        ------
        MissingExtraError
            The runtime's packages are not installed.
        """

    @abstractmethod
    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph to files: to ``path``, and to those of the other suffixes beside it.

        They take any number of pictures at once or, without ``any_batch``, one; TorchScript's always any.
        ``half`` keeps the weights in half the space, as float16; arithmetic stays float32.

        Raises
        ------
        OutputError
            The files cannot be written.
        """

    @abstractmethod
    def open(self, path: Path, threads: int | None, precision: Precision) -> Model:
        """Do what :meth:`load` does; whatever is raised means that the file cannot be loaded."""

    def load(self, path: Path, *, threads: int | None = None, precision: Precision = "float32") -> Model:
        """Load a file to run on the CPU.

        Parameters
        ----------
        threads
            None: as many as the runtime likes. TorchScript has those of PyTorch.
        precision
            What it computes in: ``bfloat16`` is for OpenVINO, where the processor can.

        Raises
        ------
        DeviceError
            The runtime cannot read it.
        """
        try:
            return self.open(path, threads, precision)
        except TransparentBackgroundError:
            raise
        except Exception as error:  # ONNX Runtime's own kinds have no common base
            raise DeviceError(f"{path}: {self.title} cannot load it: {last_line(error)}") from error

    @contextmanager
    def staging(self, path: Path) -> Iterator[Path]:
        """Yield a path of the same name in a new folder beside it, whose files are moved at the end.

        Nothing is moved if the block ends by an error. The first suffix, by which a model is opened, comes
        last.

        Raises
        ------
        OutputError
            The folder of ``path`` does not exist or cannot be written to.
        """
        try:
            folder = Part(path, folder=True)
        except OSError as error:
            raise cannot_write(path, error) from error
        with folder:
            staged = folder.path / path.name
            yield staged
            try:
                for suffix in reversed(self.suffixes):
                    staged.with_suffix(suffix).replace(path.with_suffix(suffix))
            except OSError as error:
                raise cannot_write(path, error) from error


def last_line(error: Exception) -> str:
    """Return what an exporter's exception says last and shortest; their messages are many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def import_from(extra: str, module: str) -> Any:
    """Import a module of an optional dependency.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    with needing(extra, f"{module} is not installed"):
        return importlib.import_module(module)
