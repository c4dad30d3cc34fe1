"""Time and size of PNG at zlib's levels, on a cut-out of 8 megapixels made from a sample photo.

    python -m benchmarks.encoders [--photo samples/astronaut.jpg] [--megapixels 8]

It is what ``PNG_LEVEL`` in ``transparent_background/media/writing.py`` was chosen by.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

SAMPLE = Path(__file__).parents[1] / "samples" / "astronaut.jpg"


def cut_out(photo: Path, megapixels: float) -> Image.Image:
    """Enlarge a photo, add the noise a camera has, and cut an ellipse with a soft edge."""
    image = Image.open(photo).convert("RGB")
    scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC)).astype(np.float32)
    pixels += np.random.default_rng(0).normal(0, 2, pixels.shape).astype(np.float32)
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    alpha = np.clip((0.8 - np.hypot(x, y)) * 200, 0, 1)
    rgba = np.dstack([np.clip(pixels, 0, 255), 255 * alpha]).astype(np.uint8)
    return Image.fromarray(rgba)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--megapixels", type=float, default=8.0)
    options = parser.parse_args()
    image = cut_out(options.photo, options.megapixels)
    rows: list[tuple[int, float, int]] = []
    for level in (1, 2, 3, 4, 5, 6, 9):
        best = float("inf")
        for _ in range(2):
            file = io.BytesIO()
            started = time.process_time()
            image.save(file, "PNG", compress_level=level)
            best = min(best, time.process_time() - started)
        rows.append((level, best, file.tell()))
    default = next(row for row in rows if row[0] == 6)
    print("| level | CPU seconds | MB | time / level 6 | size / level 6 |")
    print("|---|---|---|---|---|")
    for level, seconds, size in rows:
        print(
            f"| {level} | {seconds:.2f} | {size / 1e6:.2f} "
            f"| {seconds / default[1]:.2f} | {size / default[2]:.2f} |"
        )


if __name__ == "__main__":
    main()
