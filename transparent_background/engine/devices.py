"""Which device a network runs on."""

from __future__ import annotations

import torch

from ..errors import DeviceError

_CHOICES = "cpu, cuda, cuda:0, cuda:1, ..., mps"


def choose_device(name: str | torch.device | None = None) -> torch.device:
    """Return the device that was asked for, or the best one there is: CUDA, then MPS, then the CPU.

    Raises
    ------
    DeviceError
        The name is no device, or the machine has no such device.
    """
    if name is None:
        return _best_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"device {name!r} is unknown; choose from {_CHOICES}") from error
    if device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"device {name!r} is not supported; choose from {_CHOICES}")
    if device.type == "cuda":
        _check_cuda(device)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("device 'mps' is not available on this machine; use --device cpu")
    return device


def estimates_on(device: torch.device) -> torch.device | None:
    """Return where colours are estimated beside a network on a device; None is the CPU.

    Beside a GPU the CPU is the slow part, and has the files to read and write.
    """
    return device if device.type == "cuda" else None


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 matrices faster than float32: by AMX, avx512_bf16, or on a GPU."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    has = torch.cpu.get_capabilities()
    return bool(has.get("amx_bf16") or has.get("avx512_bf16"))


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _check_cuda(device: torch.device) -> None:
    if not torch.cuda.is_available():
        why = "" if torch.version.cuda else " (this build of PyTorch has no CUDA)"
        raise DeviceError(f"device '{device}' is not available on this machine{why}; use cpu")
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise DeviceError(f"device '{device}' is not there: the machine has {count} CUDA device(s)")
