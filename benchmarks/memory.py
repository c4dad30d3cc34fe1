"""What a picture takes in memory: decoding, each head's pass and finishing, in bytes a pixel.

    python -m benchmarks.memory
    python -m benchmarks.memory --only pass-light finish-8

Every figure is the peak of a process of its own (VmHWM, as Linux counts it) above what it had before, divided
by the pixels. `images/memory.py` and `matting/memory.py` hold the coefficients, rounded up from these.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

MEASURED: dict[str, tuple[str, tuple[tuple[int, int], ...]]] = {
    "decode-8": ("decode", ((2000, 3000), (5000, 8000))),
    "decode-16": ("decode", ((2000, 3000), (5000, 8000))),
    "finish-8": ("finish", ((2000, 3000), (5000, 8000))),
    "finish-16": ("finish", ((2000, 3000), (5000, 8000))),
    "finish-32": ("finish", ((2000, 3000), (4000, 6000))),
    "pass-light": ("pass", ((448, 448), (1280, 1280), (2048, 2048), (32, 16384), (16384, 32), (256, 16384))),
    "pass-swin": ("pass", ((384, 384), (1024, 1024), (1280, 1280), (32, 16384), (256, 16384))),
    "pass-swin-plain": ("pass", ((384, 384), (1024, 1024), (1280, 1280), (32, 16384))),
    "pass-res2net": ("pass", ((384, 384), (1024, 1024), (1280, 1280), (32, 16384))),
    "pass-blend-light": ("pass", ((448, 1344), (1280, 1280))),
    "pass-blend-swin": ("pass", ((1280, 1280), (1280, 1920))),
}
"""What is measured, how, and at which sizes (height, width)."""
BACKBONES = {"swin": "swin_base_patch4_window12_384", "res2net": "res2net50d"}


def value_of(key: str) -> int:
    """Return one of this process's figures of /proc, bytes."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.partition(f"{key}:")[2].split()[0])


def peak_of(work: Callable[[], Any]) -> int:
    """Return how far memory rises while something is done, bytes."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from now on
    before = value_of("VmRSS")
    work()
    return value_of("VmHWM") - before


def measure_pass(name: str, size: tuple[int, int]) -> int:
    """Return what a pass of a network with random weights takes, bytes."""
    import torch

    from transparent_background.checkpoints import Checkpoint
    from transparent_background.engine.plan import choose_plan
    from transparent_background.engine.prepare import prepare
    from transparent_background.matting.network import NetworkPredictor
    from transparent_background.model import create_backbone, create_network, fold_batch_norm

    _, _, kind = name.partition("pass-")
    blend = kind.startswith("blend-")
    kind = kind.removeprefix("blend-")
    if kind == "light":
        run = NetworkPredictor("lite", device="cpu").run
        base = (320, 320)
    else:
        backbone, _, form = kind.partition("-")
        base = (384, 384)
        network = fold_batch_norm(
            create_network("published", create_backbone(BACKBONES[backbone]), 64, base).eval()
        )
        network = network.requires_grad_(False).to(memory_format=torch.channels_last)
        plan = choose_plan("published", torch.device("cpu"), backend="plain" if form == "plain" else "auto")
        record = Checkpoint(name="x", file_name="", base_size=base)
        run, _ = prepare(network, record, Path(), plan, torch.device("cpu"))

    def noise(size: tuple[int, int]) -> Any:
        return torch.randn(1, 3, *size).contiguous(memory_format=torch.channels_last)

    with torch.inference_mode():
        run(noise((128, 128)))
        inputs = [noise(size), noise(base)] if blend else [noise(size)]
        return peak_of(lambda: run(*inputs))


def measure_decode(name: str, size: tuple[int, int]) -> int:
    """Return what reading a PNG with transparency takes, bytes, the picture included."""
    import cv2

    from transparent_background.media.reading import read

    deep = name.endswith("16")
    values = np.random.default_rng(0).integers(0, 255, (*size, 4)).astype(np.uint16 if deep else np.uint8)
    data = cv2.imencode(
        ".png", values * np.uint16(257) if deep else values, [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )[1]
    file = data.tobytes()
    del values, data
    read(io.BytesIO(cv2.imencode(".png", np.zeros((8, 8, 4), np.uint16))[1].tobytes()))
    return peak_of(lambda: read(file))


def measure_finish(name: str, size: tuple[int, int]) -> int:
    """Return what the most demanding result of a decoded picture takes, the file included, bytes."""
    import torch

    from transparent_background.compositing.finish import finish
    from transparent_background.images.picture import Picture
    from transparent_background.matting.pictures import matte_at
    from transparent_background.media.writing import write
    from transparent_background.options.settings import settings_of

    number = {"8": np.uint8, "16": np.uint16, "32": np.float32}[name.rpartition("-")[2]]
    random = np.random.default_rng(0)
    values = random.integers(0, 255, (*size, 3), dtype=np.uint8)
    rgb = values.astype(number)
    if number is not np.uint8:
        rgb *= number(257 if number is np.uint16 else 1 / 255)
    picture = Picture(rgb, random.random(size, dtype=np.float32))
    small = Picture(rgb[:64, :64].copy())
    prediction = torch.rand(1, 1, 448, 448)

    def work(picture: Picture, settings: Any) -> None:
        done = finish(picture, matte_at(prediction, picture.size), settings, torch.device("cpu"))
        write(io.BytesIO(), done.result, format="png", metadata=picture.metadata)

    most = 0
    for kind in ("rgba", "blur", "overlay", "white"):
        settings = settings_of(type=kind, foreground="estimate")
        work(small, settings)
        most = max(most, peak_of(partial(work, picture, settings)))
    return most


def main() -> None:
    """Measure everything, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=MEASURED, default=list(MEASURED))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, *sides = arguments.one
        size = int(sides[0]), int(sides[1])
        work = {"pass": measure_pass, "decode": measure_decode, "finish": measure_finish}[MEASURED[name][0]]
        print(json.dumps(work(name, size)))
        return
    print("| what | size | MB | bytes a pixel |\n|---|---|---|---|")
    for name in arguments.only:
        for height, width in MEASURED[name][1]:
            command = [sys.executable, "-m", "benchmarks.memory", "--one", name, str(height), str(width)]
            told = subprocess.run(command, capture_output=True, text=True, check=False)
            if told.returncode:
                print(
                    f"| {name} | {width} x {height} | {told.stderr.strip().splitlines()[-1:]} | |", flush=True
                )
                continue
            peak = int(told.stdout)
            print(
                f"| {name} | {width} x {height} | {peak / 1e6:.0f} | {peak / height / width:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
