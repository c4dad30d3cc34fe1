"""Time of a 1-megapixel photo through a model, everything included but the process's start.

python -m benchmarks.photo --model lite --rounds 15
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from transparent_background import Remover
from transparent_background.media.writing import png_options
from transparent_background.types import ResizeMethod

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
MEGAPIXEL = (1224, 816)  # width, height: 3 to 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite", help="a mode, or a file of weights")
    parser.add_argument("--photos", nargs="+", default=sorted(map(str, SAMPLES.glob("*.jpg"))))
    parser.add_argument("--resize", choices=("static", "dynamic", "blend"))
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    remover = load(options.model, options.resize)
    print("| photo | matte only, s | JPEG to cut-out, s | and its PNG, s |\n|---|---|---|---|")
    for name in options.photos:
        content = megapixel(Path(name))
        steps = [
            lambda content=content: remover.alpha(content),
            lambda content=content: remover.process(content),
            lambda content=content: write_png(remover.process(content)),
        ]
        times = map(statistics.median, alternate(steps, options.rounds))
        print(f"| {Path(name).stem} | " + " | ".join(f"{value:.3f}" for value in times) + " |")


def load(model: str, resize: ResizeMethod | None = None) -> Remover:
    """Make a remover of a mode's name or of a file of weights."""
    file = Path(model)
    return Remover(ckpt=file, resize=resize) if file.is_file() else Remover(model, resize=resize)


def megapixel(path: Path) -> bytes:
    """Return a photo at 1 megapixel as a JPEG file."""
    with Image.open(path) as photo:
        size = MEGAPIXEL if photo.width >= photo.height else MEGAPIXEL[::-1]
        buffer = io.BytesIO()
        photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def write_png(picture: Image.Image) -> None:
    picture.save(io.BytesIO(), "PNG", **png_options(picture))


def alternate(functions: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Call each once, then all in turn, ``rounds`` times; return the seconds of each one's calls."""
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main()
