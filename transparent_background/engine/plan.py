"""The one place where it is decided how a network is run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch

from ..errors import UsageError
from ..types import Backend, Precision

Form: TypeAlias = Literal["pieces", "recorded", "plain", "compiled", "converted"]

_FORMS: dict[Form, str] = {
    "pieces": "in pieces that the processor's cache holds",
    "recorded": "recorded as TorchScript",
    "plain": "layer by layer",
    "compiled": "compiled by torch.compile",
    "converted": "converted",
}


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """How a network is run, and why."""

    backend: Literal["torch", "openvino", "onnxruntime"]
    """The runtime."""
    form: Form
    """``pieces``: :mod:`transparent_background.model.inference`; ``recorded``: TorchScript of one size;
    ``plain``: the network as it is trained; ``compiled``: ``torch.compile``; ``converted``: the
    runtime's own."""
    precision: torch.dtype
    """float32, float16 or bfloat16, of products and features; sensitive sums are float32 always."""
    reasons: tuple[str, ...] = ()
    """Why, a sentence each."""
    asked: bool = False
    """Whether the caller named the runtime; if not, sizes that were never converted run in PyTorch."""
    side_by_side: bool = False
    """Whether several passes of one thread each do more than one pass of several: so it is for a small
    network on a CPU in PyTorch, whose threads wait for each other at every layer."""

    @property
    def precision_name(self) -> str:
        """The precision in a word, such as ``float32``."""
        return str(self.precision).removeprefix("torch.")

    def describe(self) -> str:
        """Return one line: runtime, form, precision and why."""
        how = "" if self.form == "converted" else f", {_FORMS[self.form]}"
        why = f" ({'; '.join(self.reasons)})" if self.reasons else ""
        return f"{self.backend}{how}, {self.precision_name}{why}"


def choose_plan(
    head: str,
    device: torch.device,
    *,
    backend: Backend = "auto",
    precision: Precision = "float32",
    jit: bool = False,
    compiled: bool = False,
    converted: Callable[[], bool] = lambda: False,
) -> ExecutionPlan:
    """Decide how a network is run.

    Parameters
    ----------
    head
        ``published`` or ``light``, as checkpoints call it.
    device
        Where it runs.
    backend
        ``auto``; ``torch``: PyTorch, in its fastest form; ``plain``: PyTorch, as it is trained;
        ``openvino`` or ``onnxruntime``.
    precision
        ``auto``: float16 on GPUs of CUDA that have tensor cores, float32 on everything else.
    jit
        Whether the caller asked for a recording.
    compiled
        Whether the caller asked for ``torch.compile``.
    converted
        Says whether a file converted for OpenVINO is there. Without one ``auto`` does not choose it: the
        first picture would wait for the conversion.

    Raises
    ------
    UsageError
        A name is unknown, or the wishes contradict each other.
    """
    _check("backend", backend, get_args(Backend))
    _check("precision", precision, get_args(Precision))
    dtype, why = _dtype(precision, device)
    reasons = [why] if why else []
    if backend in ("openvino", "onnxruntime"):
        if device.type != "cpu":
            raise UsageError(f"backend={backend!r} runs on the CPU; leave it out, or use device='cpu'")
        if jit or compiled:
            raise UsageError(f"backend={backend!r} compiles by itself; leave out jit and compile")
        if dtype == torch.float16 or (backend == "onnxruntime" and dtype != torch.float32):
            raise UsageError(f"backend={backend!r} has no {str(dtype).removeprefix('torch.')} on the CPU")
        return ExecutionPlan(backend, "converted", dtype, (*reasons, "asked for"), asked=True)
    if compiled and jit:
        raise UsageError("a network can be recorded (jit) or compiled, not both")
    form: Form = "plain"
    if compiled:
        form = "compiled"
        reasons.append("asked for")
    elif backend == "plain":
        form = "recorded" if jit else "plain"
        reasons.append("asked for")
    elif device.type == "cpu" and head == "published":
        form = "pieces"  # measured: TorchScript takes 0.98 of the plain time with Swin-B, pieces 0.7
        if jit:
            reasons.append("pieces are faster than a recording")
    elif jit:
        form = "recorded"
    elif backend == "auto" and _openvino_pays(head, device, dtype) and converted():
        note = "installed, converted before, and faster than PyTorch with this head"
        return ExecutionPlan("openvino", "converted", dtype, (*reasons, note))
    small = head == "light" and device.type == "cpu"
    return ExecutionPlan("torch", form, dtype, tuple(reasons), side_by_side=small)


def _dtype(precision: Precision, device: torch.device) -> tuple[torch.dtype, str]:
    """Return the precision, and why, if that was left open."""
    if precision != "auto":
        return getattr(torch, precision), ""
    if device.type != "cuda":
        return torch.float32, f"float32 is the safe choice on {device.type}"
    major, _ = torch.cuda.get_device_capability(device)
    if major >= 7:  # Volta, the first with tensor cores
        return torch.float16, "float16 keeps mattes closer than bfloat16 does at the same speed"
    return torch.float32, "this GPU has no fast half precision"


def _openvino_pays(head: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Tell whether OpenVINO is there and was measured to be faster (docs/performance.md)."""
    return (
        device.type == "cpu"
        and head == "light"
        and dtype == torch.float32
        and importlib.util.find_spec("openvino") is not None
    )


def _check(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name}={value!r} is unknown; choose from {', '.join(choices)}")
