"""Which heavy modules a piece of code imports."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "torch",
    "numpy",
    "PIL",
    "cv2",
    "timm",
    "torchvision",
    "requests",
    "gdown",
    "rich",
    "yaml",
    "av",
    "fastapi",
    "uvicorn",
    "mcp",
    "torch._dynamo",
    "openvino",
    "onnxruntime",
)
REPORT = f"import sys, json; print(json.dumps([m for m in {HEAVY} if m in sys.modules]), file=sys.stderr)"


def modules_after(code: str) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, check=True
    )
    return json.loads(result.stderr.splitlines()[-1])
