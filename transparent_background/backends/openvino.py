"""OpenVINO: its format (IR, .xml and .bin) and its runtime on the CPU."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ..errors import OutputError
from ..types import FloatArray, Precision
from .graph import Graph
from .runtime import EXPORTING, Model, Runtime, exporting, import_from, last_line
from .torchscript import record

METADATA = "transparent_background"
"""Section of the file's runtime information with what is known of the network."""

_REPORTS = "openvino_telemetry"


class OpenVINO(Runtime):
    """Writes and runs OpenVINO's files."""

    name = "openvino"
    title = "OpenVINO"
    suffixes = (".xml", ".bin")

    def version(self) -> str:
        """Return OpenVINO's and PyTorch's versions."""
        return f"{import_openvino().get_version()}, torch {torch.__version__}"

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph; see :meth:`.Runtime.write`."""
        save(convert(graph, metadata, any_batch=any_batch), path, half=half)

    def open(self, path: Path, threads: int | None, precision: Precision) -> Model:
        """Load a file; see :meth:`.Runtime.load`."""
        # without a hint it picks bfloat16 by itself where the processor has it
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        compiled = _core().compile_model(str(path), "CPU", options)
        local = threading.local()  # a request is not to be shared: every thread has its own

        def run(*inputs: FloatArray) -> FloatArray:
            request = getattr(local, "request", None)
            if request is None:
                request = local.request = compiled.create_infer_request()
            return request.infer(list(inputs), share_inputs=True)[0]

        return run


@cache
def _core() -> Any:
    """Return OpenVINO's core, one for as long as the process lives.

    On processors with AMX a core gives the thread that loads a network another stack for signals, and frees
    that stack when it goes itself, whichever thread lets it go. Had it gone before the thread that made it,
    Ctrl-C would end the process by a segmentation fault, as would a second core that goes after the first.
    """
    return import_openvino().Core()


def convert(graph: Graph, metadata: Mapping[str, str], *, any_batch: bool) -> Any:
    """Convert a graph to an ``openvino.Model``."""
    openvino = import_openvino()
    # openvino.convert_model calls this front end too, and then simplifies the graph, which is done again when
    # it is compiled: five seconds in place of one, for the same speed. From torch.export it takes thirteen.
    decoder_type = import_from("openvino", "openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
    front_ends = import_from("openvino", "openvino.frontend").FrontEndManager()
    examples = graph.examples(1)
    with exporting():
        decoder = decoder_type(record(graph, *examples), example_input=examples)
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
        raise OutputError(f"{path}: cannot be written: {last_line(error)}") from error


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
