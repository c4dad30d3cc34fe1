"""OpenVINO: its format (IR, .xml and .bin) and its runtime on the CPU."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import OutputError
from .runtimes import EXPORTING, DamagedFileError, Precision, import_from
from .torchscript import record

if TYPE_CHECKING:
    from ..types import FloatArray
    from .graph import Graph

METADATA = "transparent_background"
"""Section of the file's runtime information with what is known of the network."""

_REPORTS = "openvino_telemetry"


class OpenVINO:
    """Writes and runs OpenVINO's files."""

    name = "openvino"
    suffixes: tuple[str, ...] = (".xml", ".bin")

    def version(self) -> str:
        """Return OpenVINO's and PyTorch's versions."""
        return f"{import_openvino().get_version()}, torch {torch.__version__}"

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph; see :class:`~.runtimes.Runtime`."""
        save(convert(graph, metadata, any_batch=any_batch), path, half=half)

    def load(self, path: Path, *, threads: int | None, precision: Precision) -> _Model:
        """Load a file; see :class:`~.runtimes.Runtime`."""
        openvino = import_openvino()
        # without a hint it picks bfloat16 by itself where the processor has it
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            return _Model(openvino.Core().compile_model(str(path), "CPU", options))
        except RuntimeError as error:
            raise DamagedFileError(f"{path}: OpenVINO cannot load it: {first_line(error)}") from error


class _Model:
    """A compiled model; every thread has a request of its own, which is not to be shared."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._local = threading.local()

    def __call__(self, *inputs: FloatArray) -> FloatArray:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        result: FloatArray = request.infer(list(inputs), share_inputs=True)[0]
        return result


def convert(graph: Graph, metadata: Mapping[str, str], *, any_batch: bool) -> Any:
    """Convert a graph to an ``openvino.Model``."""
    openvino = import_openvino()
    # openvino.convert_model calls this front end too, and then simplifies the graph, which is done again when
    # it is compiled: five seconds in place of one, for the same speed. From torch.export it takes thirteen.
    decoder_type = import_from("openvino", "openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
    front_ends = import_from("openvino", "openvino.frontend").FrontEndManager()
    with EXPORTING, warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")
        decoder = decoder_type(record(graph), example_input=graph.examples(1))
        front_end = front_ends.load_by_framework("pytorch")
        model = front_end.convert(front_end.load(decoder))
        names = zip(model.get_parameters(), graph.input_names, graph.sizes, strict=True)
        for parameter, name, size in names:
            parameter.set_element_type(openvino.Type.f32)
            parameter.set_partial_shape(openvino.PartialShape([-1 if any_batch else 1, 3, *size]))
            parameter.set_friendly_name(name)
            parameter.output(0).get_tensor().set_names({name})
        model.outputs[0].get_tensor().set_names({graph.output_name})
        model.validate_nodes_and_infer_types()
        for key, value in metadata.items():
            model.set_rt_info(value, [METADATA, key])
        # the front end's constants lie in the graph's own memory: a copy does not
        return model.clone()


def save(model: Any, path: Path, *, half: bool) -> None:
    """Write an ``openvino.Model`` as ``path`` (.xml) and the .bin beside it."""
    try:
        import_openvino().save_model(model, str(path), compress_to_fp16=half)
    except RuntimeError as error:
        raise OutputError(f"{path}: cannot be written: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """Return what an exception of OpenVINO says last and shortest; its messages are many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def import_openvino() -> Any:
    """Import OpenVINO :func:`without_reports`; MissingExtraError if it is not installed."""
    if "openvino" in sys.modules:
        return import_from("openvino", "openvino")
    with without_reports():
        return import_from("openvino", "openvino")


@contextmanager
def without_reports() -> Iterator[None]:
    """Import OpenVINO, or NNCF, within this block without its reports on who uses it.

    Its import sends one to a statistics service unless the user has opted out, by a package that it also does
    without; for the time of the block that package is not to be found.
    """
    with EXPORTING:
        before = sys.modules.pop(_REPORTS, None)
        sys.modules[_REPORTS] = None  # type: ignore[assignment]
        try:
            yield
        finally:
            del sys.modules[_REPORTS]
            if before is not None:
                sys.modules[_REPORTS] = before
