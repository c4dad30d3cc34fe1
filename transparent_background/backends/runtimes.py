"""The runtimes by their names."""

from __future__ import annotations

from ..errors import UsageError
from .onnxruntime import ONNXRuntime
from .openvino import OpenVINO
from .runtime import Runtime
from .torchscript import TorchScript

_RUNTIMES: dict[str, type[Runtime]] = {
    "openvino": OpenVINO,
    "onnxruntime": ONNXRuntime,
    "onnx": ONNXRuntime,
    "torchscript": TorchScript,
}


def find_runtime(name: str) -> Runtime:
    """Return a runtime by its name, or by that of its format; its package is imported when it is used.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name not in _RUNTIMES:
        raise UsageError(f"backend={name!r} is unknown; choose from {', '.join(_RUNTIMES)}")
    return _RUNTIMES[name]()
