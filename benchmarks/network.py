"""Time of the network, or of whole photos, against transparent-background 1.3.4, in turn.

    python -m benchmarks.network --modes fast base --rounds 5
    python -m benchmarks.network --modes base --device cuda --batch 8 --options precision=float16
    python -m benchmarks.network --what photo --megapixels 8

Both programs load once and then make passes in turn, so that a busy machine slows both. ``--options``
may be given several times, each a way of ours, as ``NAME=VALUE,NAME=VALUE`` for :class:`Remover`.
``--what photo`` times whole photos after loading, from the JPEG file to the ``rgba`` cut-out in memory.
Without ``--weights`` both get seeded weights in the published format, whose mattes are hard but along
edges, as those of trained weights are.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import describe_machine
from benchmarks.versus import BASE_SIZES, CACHE, ROOT, make_home, other_python

CONTRAST = 20.0  # of seeded weights: mattes that are soft along edges only, as real ones are
DRIVER = Path(__file__).with_name("network_driver.py")


class Program:
    """One program, loaded and waiting."""

    def __init__(self, python: Path, home: Path, out: Path, job: dict[str, Any], *, ours: bool) -> None:
        environment = {**os.environ, "TRANSPARENT_BACKGROUND_FILE_PATH": str(home)}
        environment["TRANSPARENT_BACKGROUND_OFFLINE"] = "1"
        environment["PYTHONPATH"] = str(ROOT) if ours else ""
        if ours:
            environment.setdefault("GOMP_SPINCOUNT", "10000")  # as the command sets it
        self.out = out
        self.log = out.with_suffix(".log").open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [python, DRIVER, json.dumps({**job, "out": str(out)})],
            env=environment,
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.seconds: list[float] = []
        self.peak = 0
        self._answer("ready")

    def _answer(self, key: str) -> dict[str, Any]:
        """Read lines up to an answer; whatever else the program prints is passed over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{") and key in (answer := json.loads(line)):
                return dict(answer)
        raise SystemExit(f"the program failed\n{Path(self.log.name).read_text(encoding='utf-8')}")

    def make_pass(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self._answer("seconds")
        self.seconds.append(answer["seconds"])
        self.peak = answer["peak"]

    def end(self) -> None:
        self.process.communicate()
        self.log.close()

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def parse_options(text: str) -> dict[str, Any]:
    """Read ``NAME=VALUE,NAME=VALUE``; True and False are themselves."""
    pairs = (item.split("=", 1) for item in text.split(",") if item)
    return {name: {"True": True, "False": False}.get(value, value) for name, value in pairs}


def enlarged(photo: Path, megapixels: float, path: Path) -> Path:
    """Write a photo at another size, as JPEG."""
    with Image.open(photo) as opened:
        image = opened.convert("RGB")
    scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    image.resize(size, Image.Resampling.LANCZOS).save(path, quality=92)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--env", type=Path, default=CACHE, help="environment with 1.3.4, made if missing")
    parser.add_argument("--weights", type=Path, help="folder with ckpt_base.pth and ckpt_fast.pth")
    parser.add_argument("--modes", nargs="+", choices=list(BASE_SIZES), default=list(BASE_SIZES))
    parser.add_argument(
        "--options",
        action="append",
        help="a way of ours, such as backend=plain; may be given several times (an empty one is the default)",
    )
    parser.add_argument("--what", choices=("network", "photo"), default="network")
    parser.add_argument("--megapixels", type=float, default=8.0, help="of a whole photo")
    parser.add_argument("--photo", type=Path, default=ROOT / "samples" / "astronaut.jpg")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=1, help="of ours; 1.3.4 has no batches")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of both")
    arguments = parser.parse_args()
    ways = arguments.options or [""]
    weights = arguments.weights.expanduser() if arguments.weights else None
    other = other_python(arguments.env.expanduser())
    print(describe_machine())
    print("\n| what | program | seconds a picture | least | of 1.3.4 | alpha differs by | peak memory |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        make_home(home, weights, arguments.modes, CONTRAST)
        photo = arguments.photo.resolve()
        if arguments.what == "photo":
            photo = enlarged(photo, arguments.megapixels, home / "photo.jpg")
        for mode in arguments.modes:
            common = {"mode": mode, "device": arguments.device, "threads": arguments.threads}
            common |= {"photo": str(photo), "what": arguments.what, "options": {}, "batch": 1}
            names = ["1.3.4", *(way or "default" for way in ways)]
            programs = [Program(other, home, home / "theirs.npy", common, ours=False)]
            for number, way in enumerate(ways):
                job = {**common, "options": parse_options(way), "batch": arguments.batch}
                programs.append(Program(Path(sys.executable), home, home / f"{number}.npy", job, ours=True))
            for _ in range(arguments.rounds):
                for program in programs:
                    program.make_pass()
            first = programs[0]
            title = f"Swin-B at {BASE_SIZES[mode]}"
            if arguments.what == "photo":
                title = f"{arguments.megapixels:g} megapixels, {mode}"
            for name, program in zip(names, programs, strict=True):
                program.end()
                pictures = 1 if program is first else arguments.batch
                ratio = program.median / pictures / first.median
                difference = np.abs(np.load(program.out) - np.load(first.out)).max() * 255
                print(
                    f"| {title} | {name} | {program.median / pictures:.3f} "
                    f"| {min(program.seconds) / pictures:.3f} | {ratio:.2f} | {difference:.2g}/255 "
                    f"| {program.peak / 2**20:.2f} GiB |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
