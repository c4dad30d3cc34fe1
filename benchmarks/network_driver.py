"""Time one program on request: the half of ``network.py`` inside an environment.

Takes a job (JSON) as its argument, then answers every line on standard input with the seconds of one
pass over a batch of a photo (``network``) or of a whole cut-out of it (``photo``), and with the peak
memory so far (kibibytes). Needs only what transparent-background 1.3.4 itself installs.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from transparent_background import Remover


def main() -> None:
    job = json.loads(sys.argv[1])
    options = {"mode": job["mode"], "device": job["device"], "resize": "static", **job["options"]}
    remover: Any = Remover(**options)
    with Image.open(job["photo"]) as opened:
        image = opened.convert("RGB")
    if job["threads"]:
        torch.set_num_threads(job["threads"])
    images = [image] * job["batch"]
    if job["what"] == "photo":
        run = _whole(remover, job["photo"])
    elif hasattr(remover, "predictions"):
        run = _ours(remover, images)
    else:
        run = _published(remover, images)
    np.save(job["out"], run())
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        _wait(remover.device)
        started = time.perf_counter()
        run()
        _wait(remover.device)
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "peak": _peak()}), flush=True)


def _peak() -> int:
    """Return the most memory held so far, kibibytes; getrusage may hold the starting program's peak."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _whole(remover: Any, photo: str) -> Any:
    """Return the way from a file to a cut-out in memory; the matte in bytes is what is compared."""

    def run() -> np.ndarray:
        with Image.open(photo) as opened:
            cut_out = remover.process(opened.convert("RGB"), type="rgba")
        return np.asarray(cut_out.getchannel("A")) / 255.0

    return run


def _wait(device: Any) -> None:
    if "cuda" in str(device):
        torch.cuda.synchronize()


def _published(remover: Any, images: list[Image.Image]) -> Any:
    """Return the pass of 1.3.4 and its normalisation, which is inside its network."""
    x = torch.cat([remover.transform(image).unsqueeze(0) for image in images]).to(remover.device)

    def run() -> np.ndarray:
        with torch.no_grad():
            return remover.model(x)[0, 0].float().cpu().numpy()  # type: ignore[no-any-return]

    return run


def _ours(remover: Any, images: list[Image.Image]) -> Any:
    """Return our pass and the same normalisation."""
    from transparent_background.model import to_probability

    x = remover._input([np.array(image) for image in images], remover.checkpoint.base_size)

    def run() -> np.ndarray:
        with torch.inference_mode():
            matte = to_probability(remover.run(x), stretch=True)[0, 0]
            return matte.float().cpu().numpy()

    return run


if __name__ == "__main__":
    main()
