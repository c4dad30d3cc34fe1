"""``transparent-background doctor``: what is here, and whether it works."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import time
from collections.abc import Sequence
from typing import Any

from .. import checkpoints
from .._version import __version__
from .arguments import Parser
from .console import print_data

PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors", "gdown", "rich")
OPENCV = ("opencv-python-headless", "opencv-python")
EXTRAS = {
    "video": "av",
    "webcam": "pyvirtualcam pygame",
    "web": "fastapi uvicorn websockets prometheus_client mcp",
    "train": "accelerate",
    "eval": "py_sod_metrics",
    "heif": "pillow_heif",
    "openvino": "openvino",
    "int8": "nncf openvino",
    "onnxruntime": "onnxruntime onnx onnxscript",
}


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser("doctor", "Show versions, devices, weights, extras and one timed picture.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code: 0 if a picture could be cut out, else 3."""
    options = build_parser().parse_args(argv)
    report: dict[str, Any] = {
        "versions": _versions(),
        "devices": _devices(),
        "weights": _weights(),
        "extras": {
            name: all(map(importlib.util.find_spec, modules.split())) for name, modules in EXTRAS.items()
        },
        "networks run": _plans(),
        "picture": _timed_picture(),
    }
    if options.json:
        print_data(json.dumps(report, indent=2))
    else:
        _print(report)
    return 3 if "error" in report["picture"] else 0


def _versions() -> dict[str, str]:
    versions = {
        "transparent-background": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    for name in (*PACKAGES, *OPENCV):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name not in OPENCV:
                versions[name] = "MISSING"
    if all(name in versions for name in OPENCV):
        versions["note"] = "both OpenCV builds are installed; they overwrite each other's files"
    return versions


def _devices() -> dict[str, str]:
    import torch

    from ..engine.devices import choose_device
    from ..engine.threads import set_threads

    devices = {"cpu": f"{os.cpu_count()} processors, {set_threads(None)} threads for the network"}
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            memory = torch.cuda.get_device_properties(index).total_memory / 2**30
            devices[f"cuda:{index}"] = f"{torch.cuda.get_device_name(index)}, {memory:.0f} GiB"
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple GPU"
    devices["default"] = str(choose_device(None))
    return devices


def _weights() -> dict[str, str]:
    states = {"folder": str(checkpoints.home())}
    for checkpoint in checkpoints.all_checkpoints().values():
        path = checkpoints.local_path(checkpoint)
        if path is not None:
            states[checkpoint.name] = f"{path} ({path.stat().st_size / 1e6:.0f} MB)"
    missing = [name for name in checkpoints.names() if name not in states]
    states["not downloaded"] = ", ".join(missing)
    return states


def _plans() -> dict[str, str]:
    """Say how networks are run here, and why, by their head."""
    from ..engine.devices import choose_device
    from ..engine.plan import choose_plan

    device = choose_device(None)
    heads: dict[str, list[str]] = {}
    for checkpoint in checkpoints.all_checkpoints().values():
        heads.setdefault(checkpoint.head, []).append(checkpoint.name)
    plans = {}
    for head, names in heads.items():
        title = names[0] if len(names) == 1 else f"{names[0]} and its like"
        plans[title] = choose_plan(head, device).describe()
    return plans


def _timed_picture() -> dict[str, Any]:
    """Cut out a drawn disc with the bundled model, twice: the first call warms up."""
    import numpy as np

    from ..errors import TransparentBackgroundError
    from ..remover import Remover

    y, x = np.mgrid[0:768, 0:1024]
    disc = (x - 512) ** 2 + (y - 384) ** 2 < 220**2
    image = np.where(disc[..., None], (200, 60, 40), (90, 140, 180)).astype(np.uint8)
    try:
        started = time.perf_counter()
        remover = Remover("lite")
        loaded = time.perf_counter()
        alpha = remover.alpha(image)
        remover.process(image)
        again = time.perf_counter()
        remover.process(image)
    except (TransparentBackgroundError, RuntimeError) as error:
        return {"error": str(error)}
    return {
        "model": "lite",
        "size": "1024 x 768",
        "load_seconds": round(loaded - started, 3),
        "run": remover.plan.describe(),
        "seconds": round(time.perf_counter() - again, 3),
        "alpha_inside": round(float(alpha[disc].mean()), 3),
        "alpha_outside": round(float(alpha[~disc].mean()), 3),
    }


def _print(report: dict[str, Any]) -> None:
    for title, entries in report.items():
        print_data(title)
        width = max(len(name) for name in entries)
        for name, value in entries.items():
            text = ("installed" if value else "not installed") if isinstance(value, bool) else value
            print_data(f"  {name:<{width}}  {text}")
