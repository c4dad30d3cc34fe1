"""ONNX: the format that most other programs read, and ONNX Runtime on the CPU."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..media.atomic import replacing
from ..types import FloatArray, Precision
from .graph import Graph
from .runtime import Model, Runtime, exporting, import_from

OPSET = 18
"""The first that PyTorch's exporter writes without converting versions; of ONNX 1.13, from 2022."""

_SMALL = 256  # values; tensors up to it, scalars and shapes among them, are not worth halving


class ONNXRuntime(Runtime):
    """Writes ONNX and runs it."""

    name = "onnxruntime"
    title = "ONNX Runtime"
    suffixes = (".onnx",)

    def version(self) -> str:
        """Return the versions of ONNX Runtime and of what writes its files."""
        onnx, runtime = _onnx(), _onnxruntime()
        return f"{runtime.__version__}, onnx {onnx.__version__}, torch {torch.__version__}"

    def write(
        self, graph: Graph, path: Path, metadata: Mapping[str, str], *, any_batch: bool, half: bool
    ) -> None:
        """Convert a graph; see :meth:`.Runtime.write`."""
        model = _convert(graph, any_batch=any_batch)
        _forget_source(model)
        for key, value in metadata.items():
            model.metadata_props.add(key=key, value=value)
        model.producer_name = "transparent-background"
        if half:
            _halve_weights(model.graph)
        with replacing(path) as file:
            file.write(model.SerializeToString())

    def open(self, path: Path, threads: int | None, precision: Precision) -> Model:
        """Load a file; see :meth:`.Runtime.load`."""
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.log_severity_level = 3  # errors
        if threads is not None:
            options.intra_op_num_threads = threads
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [entry.name for entry in session.get_inputs()]

        def run(*inputs: FloatArray) -> FloatArray:
            return session.run(None, dict(zip(names, inputs, strict=True)))[0]

        return run


def _convert(graph: Graph, *, any_batch: bool) -> Any:
    """Convert a graph to an ``onnx.ModelProto``."""
    _onnx()
    # dynamo=True: the exporter by way of torch.export. The older one, by way of TorchScript, is to be
    # removed, and cannot write the light head's pooling for an open batch.
    batch = torch.export.Dim("batch", min=1)
    axes = tuple({0: batch} if any_batch else {} for _ in graph.sizes)
    with exporting(), _silence():
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
