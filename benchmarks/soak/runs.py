"""A long film and a large folder, through the command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .watch import Watch

COMMAND = (sys.executable, "-m", "transparent_background", "-m", "lite", "--quiet")


def film(frames: int, folder: Path) -> Watch:
    """Work through a film of so many small frames."""
    import av

    rng = np.random.default_rng(1)
    with av.open(str(folder / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            image = rng.integers(40, 60, (96, 160, 3), np.uint8)
            left = 20 + index % 60
            image[24:80, left : left + 50] = (220, 160, 60)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    arguments = ["film.mp4", "-d", "result.mp4", "-t", "white"]
    return _run(arguments, folder, lambda: any(folder.glob(".result.mp4.*.part")))


def pictures(count: int, folder: Path) -> Watch:
    """Work through a folder of so many tiny pictures."""
    (folder / "in").mkdir()
    rng = np.random.default_rng(1)
    for index in range(count):
        image = rng.integers(40, 60, (48, 64, 3), np.uint8)
        image[12:36, 10 + index % 20 : 40 + index % 20] = (220, 160, 60)
        Image.fromarray(image).save(folder / "in" / f"{index:05d}.jpg")
    watch = _run(["in", "-d", "out"], folder, lambda: (folder / "out").is_dir())
    made = sum(1 for _ in (folder / "out").iterdir())
    if made != count:
        raise SystemExit(f"{made} results of {count} pictures")
    return watch


def _run(arguments: Sequence[str], folder: Path, begun: Callable[[], bool]) -> Watch:
    """Run the command; watch it from when it has begun to write."""
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen([*COMMAND, *arguments], cwd=folder, env=environment)
    while process.poll() is None and not begun():
        time.sleep(0.1)
    watch = Watch(process.pid, temporary)
    with watch.by_time(0.5):
        code = process.wait()
    if code:
        raise SystemExit(f"the command exits with {code}")
    if left := list(temporary.iterdir()):
        raise SystemExit(f"temporary files are left: {left}")
    return watch
