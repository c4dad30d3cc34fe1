"""Time and size of PNG at zlib's levels and strategies, on cut-outs of 8 megapixels made from sample photos.

    python -m benchmarks.encoders [--photos samples/*.jpg] [--megapixels 8]

It is what ``png_options`` in ``transparent_background/media/writing.py`` was chosen by. Photos are enlarged
and cut out by ``lite``; ``noisy`` ones have a camera's noise added, which enlarging took away; ``text`` is a
page of it. CPU seconds of one thread: they mean something on a busy machine too.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.machine import describe_machine
from benchmarks.versus import ROOT
from transparent_background import Remover
from transparent_background.media.writing import png_options

Way = dict[str, int] | Callable[[Image.Image], dict[str, int]]

NOISE = 2.0  # levels, standard deviation
LINE = "The quick brown fox jumps over the lazy dog. "
WAYS: dict[str, Way] = {
    **{f"level {level}": {"compress_level": level} for level in (1, 2, 3, 4, 6)},
    "level 4, Huffman only": {"compress_level": 4, "compress_type": zlib.Z_HUFFMAN_ONLY},
    "level 4, runs only": {"compress_level": 4, "compress_type": zlib.Z_RLE},
    "as written": png_options,
}


def cut_out(remover: Remover, photo: Path, megapixels: float, *, noise: float) -> Image.Image:
    """Enlarge a photo and cut its object out; noise is added to what is not transparent."""
    image = Image.open(photo).convert("RGB")
    scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    pixels = np.array(remover.process(image.resize(size, Image.Resampling.BICUBIC)))
    drawn = np.random.default_rng(0).normal(0, noise, (*pixels.shape[:2], 3)).astype(np.float32)
    noisy = np.clip(np.rint(pixels[..., :3] + drawn * (pixels[..., 3:] > 0)), 0, 255)
    pixels[..., :3] = noisy.astype(np.uint8)
    return Image.fromarray(pixels)


def text(megapixels: float) -> Image.Image:
    """Draw lines of text on nothing."""
    side = round((megapixels * 1e6) ** 0.5)
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)
    for y in range(0, side, 12):
        draw.text((5, y), LINE * (side // 200), fill=(20, 20, 20, 255))
    return image


def cost(image: Image.Image, way: Way) -> tuple[float, int]:
    """Return the least CPU seconds of two runs, and the bytes."""
    taken = []
    for _ in range(2):
        file = io.BytesIO()
        started = time.process_time()
        options = way(image) if callable(way) else way
        image.save(file, "PNG", **options)
        taken.append(time.process_time() - started)
    return min(taken), file.tell()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=Path, nargs="+", default=sorted((ROOT / "samples").glob("*.jpg")))
    parser.add_argument("--megapixels", type=float, default=8.0)
    options = parser.parse_args()
    remover = Remover("lite", device="cpu")
    print(describe_machine())
    print(f"\nMeans of {len(options.photos)} photos; ratios to level 6, Pillow's own.\n")
    print("| photos | PNG | CPU seconds | MB | time | bytes | most bytes |\n|---|---|---|---|---|---|---|")
    for title, noise in (("smooth", 0.0), ("noisy", NOISE), ("text", None)):
        images = [text(options.megapixels)]
        if noise is not None:
            images = [cut_out(remover, photo, options.megapixels, noise=noise) for photo in options.photos]
        found = {way: [cost(image, how) for image in images] for way, how in WAYS.items()}
        for way, costs in found.items():
            pairs = list(zip(costs, found["level 6"], strict=True))
            print(
                f"| {title} | {way} | {statistics.mean(c[0] for c in costs):.2f} "
                f"| {statistics.mean(c[1] for c in costs) / 1e6:.2f} "
                f"| {statistics.mean(c[0] / full[0] for c, full in pairs):.2f} "
                f"| {statistics.mean(c[1] / full[1] for c, full in pairs):.2f} "
                f"| {max(c[1] / full[1] for c, full in pairs):.2f} |"
            )


if __name__ == "__main__":
    main()
