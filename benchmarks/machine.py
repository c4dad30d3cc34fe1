"""What stands above every table: the machine, the versions, the command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import sys
from pathlib import Path

PACKAGES = ("torch", "openvino", "onnxruntime", "pillow", "opencv-python-headless", "numpy")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # that change what can be expected


def describe_machine() -> str:
    """Return Markdown lines: the command, the processor, the GPU, versions."""
    program = Path(sys.argv[0])
    module = program.parent.name if program.stem == "__main__" else program.stem
    arguments = " ".join(map(shlex.quote, sys.argv[1:]))
    versions = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"```\npython -m benchmarks.{module} {arguments}\n```\n\n"
        f"{_processor()}{_gpu()}. {', '.join(versions)}."
    )


def _processor() -> str:
    """Say how many cores of what kind."""
    name, flags = platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        text = info.read_text(encoding="utf-8")
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        name = fields.get("model name", name)
        there = set(fields.get("flags", "").split())
        flags = f" ({', '.join(flag for flag in INSTRUCTIONS if flag in there)})"
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{count} cores of {name}{flags}"


def _gpu() -> str:
    import torch

    return f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"
