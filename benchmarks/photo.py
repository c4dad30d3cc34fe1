"""Time of a 1-megapixel photo through a model, everything included but the process's start.

python -m benchmarks.photo --model lite --rounds 15
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from transparent_background import Remover

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
MEGAPIXEL = (1224, 816)  # width, height: 3 to 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite", help="a mode, or a file of weights")
    parser.add_argument("--photos", nargs="+", default=sorted(map(str, SAMPLES.glob("*.jpg"))))
    parser.add_argument("--resize", choices=("static", "dynamic", "blend"))
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    file = Path(options.model)
    remover = (
        Remover(ckpt=file, resize=options.resize)
        if file.is_file()
        else Remover(options.model, resize=options.resize)
    )
    print("| photo | matte only, s | JPEG to cut-out, s | and its PNG, s |\n|---|---|---|---|")
    for name in options.photos:
        content = _jpeg(Path(name))
        times = [
            _median(lambda content=content: remover.alpha(content), options.rounds),
            _median(lambda content=content: remover.process(content), options.rounds),
            _median(lambda content=content: _png(remover.process(content)), options.rounds),
        ]
        print(f"| {Path(name).stem} | " + " | ".join(f"{value:.3f}" for value in times) + " |")


def _jpeg(path: Path) -> bytes:
    with Image.open(path) as photo:
        size = MEGAPIXEL if photo.width >= photo.height else MEGAPIXEL[::-1]
        buffer = io.BytesIO()
        photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _png(picture: Image.Image) -> None:
    picture.save(io.BytesIO(), "PNG", compress_level=4)  # the command's level


def _median(function: Callable[[], object], rounds: int) -> float:
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
