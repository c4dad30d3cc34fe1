"""ONNX: the format that most other programs read, and ONNX Runtime on the CPU."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import UsageError
from ..media.atomic import cannot_write
from .runtimes import EXPORTING, DamagedFileError, Precision, import_from

if TYPE_CHECKING:
    from ..types import FloatArray
    from .graph import Graph

OPSET = 18
"""The first that PyTorch's exporter writes without converting versions; of ONNX 1.13, from 2022."""

_SMALL = 256  # values; tensors up to it, scalars and shapes among them, are not worth halving


class ONNXRuntime:
    """Writes ONNX and runs it."""

    name = "onnxruntime"
    suffixes: tuple[str, ...] = (".onnx",)

    def version(self) -> str:
        """Return the versions of ONNX Runtime and of what writes its files."""
        onnx, runtime = _onnx(), _onnxruntime()
        return f"{runtime.__version__}, onnx {onnx.__version__}, torch {torch.__version__}"

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph; see :class:`~.runtimes.Runtime`."""
        model = _convert(graph, any_batch=any_batch)
        _forget_source(model)
        for key, value in metadata.items():
            model.metadata_props.add(key=key, value=value)
        model.producer_name = "transparent-background"
        if half:
            _halve_weights(model.graph)
        try:
            path.write_bytes(model.SerializeToString())
        except OSError as error:
            raise cannot_write(path, error) from error

    def load(self, path: Path, *, threads: int | None, precision: Precision) -> _Model:
        """Load a file; see :class:`~.runtimes.Runtime`."""
        if precision != "float32":
            raise UsageError(f"ONNX Runtime runs in float32, not in {precision}; OpenVINO does both")
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.log_severity_level = 3  # errors
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            return _Model(runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))
        except Exception as error:  # its own kinds have no common base
            raise DamagedFileError(f"{path}: ONNX Runtime cannot load it") from error


class _Model:
    """A session; it may be run by several threads."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._names = [entry.name for entry in session.get_inputs()]

    def __call__(self, *inputs: FloatArray) -> FloatArray:
        result: FloatArray = self._session.run(None, dict(zip(self._names, inputs, strict=True)))[0]
        return result


def _convert(graph: Graph, *, any_batch: bool) -> Any:
    """Convert a graph to an ``onnx.ModelProto``."""
    _onnx()
    # dynamo=True: the exporter by way of torch.export. The older one, by way of TorchScript, is to be
    # removed, and cannot write the light head's pooling for an open batch.
    batch = torch.export.Dim("batch", min=1)
    axes = tuple({0: batch} if any_batch else {} for _ in graph.sizes)
    with EXPORTING, _silence(), torch.inference_mode(False), torch.no_grad():
        program: Any = torch.onnx.export(
            graph,
            graph.examples(2 if any_batch else 1),  # a batch of one would be taken for a constant
            None,
            dynamo=True,
            verbose=False,
            input_names=list(graph.input_names),
            output_names=[graph.output_name],
            dynamic_shapes=axes,
            opset_version=OPSET,
        )
    return program.model_proto


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's notes on its own workings from the user."""
    names = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _forget_source(model: Any) -> None:
    """Remove the exporter's notes on each node: stack traces, with the paths of whoever exported."""
    graph = model.graph
    entries = (graph.node, graph.input, graph.output, graph.value_info, graph.initializer, model.functions)
    for holder in (model, graph, *(entry for group in entries for entry in group)):
        del holder.metadata_props[:]
        if hasattr(holder, "doc_string"):
            holder.ClearField("doc_string")
    del graph.value_info[:]  # shapes between the nodes, which runtimes infer


def _halve_weights(graph: Any) -> None:
    """Keep a graph's float32 tensors as float16, each followed by a cast, which runtimes do once."""
    onnx = _onnx()
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.size <= _SMALL:
            continue
        name = tensor.name
        limit = torch.finfo(torch.float16).max
        half = values.clip(-limit, limit).astype("float16")
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _onnx() -> Any:
    import_from("onnxruntime", "onnxscript")  # PyTorch's exporter needs it
    return import_from("onnxruntime", "onnx")


def _onnxruntime() -> Any:
    return import_from("onnxruntime", "onnxruntime")
