"""Photos beside what a model makes of them: matte, cut-out on a checkerboard, on white and on black.

python -m benchmarks.sheet samples/*.jpg --model lite --out sheet.jpg
"""

from __future__ import annotations

import argparse

import numpy as np
from PIL import Image

from benchmarks.photo import SAMPLES, load

SQUARE = 12  # side of a checkerboard's square, pixels
GREYS = (255, 208)  # of its squares


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photos", nargs="*", default=sorted(map(str, SAMPLES.glob("*.jpg"))))
    parser.add_argument("--model", default="lite", help="a mode, or a file of weights")
    parser.add_argument("--resize", choices=("static", "dynamic", "blend"))
    parser.add_argument("--height", type=int, default=240, help="of a row, pixels")
    parser.add_argument("--columns", nargs="+", choices=sorted(COLUMNS), default=list(COLUMNS))
    parser.add_argument("--out", required=True, help="the sheet, JPEG or PNG")
    options = parser.parse_args()
    remover = load(options.model, options.resize)
    rows = []
    for name in options.photos:
        with Image.open(name) as file:
            photo = file.convert("RGB")
        cut_out = remover.process(photo)
        cells = [COLUMNS[column](photo, cut_out) for column in options.columns]
        width = round(photo.width * options.height / photo.height)
        cells = [cell.resize((width, options.height), Image.Resampling.LANCZOS) for cell in cells]
        rows.append(np.concatenate([np.asarray(cell) for cell in cells], axis=1))
    widest = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 4), (0, widest - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    Image.fromarray(np.concatenate(rows)).save(options.out, quality=90)


def over(cut_out: Image.Image, ground: Image.Image) -> Image.Image:
    """Put a cut-out on an opaque picture of its size."""
    return Image.alpha_composite(ground.convert("RGBA"), cut_out).convert("RGB")


def checkerboard(size: tuple[int, int]) -> Image.Image:
    """Draw light and dark squares on (width, height) pixels."""
    y, x = np.indices(size[::-1]) // SQUARE
    return Image.fromarray(np.where((y + x) % 2, *reversed(GREYS)).astype(np.uint8)).convert("RGB")


COLUMNS = {
    "photo": lambda photo, _: photo,
    "matte": lambda _, cut_out: cut_out.getchannel("A").convert("RGB"),
    "checkerboard": lambda photo, cut_out: over(cut_out, checkerboard(photo.size)),
    "white": lambda photo, cut_out: over(cut_out, Image.new("RGB", photo.size, "white")),
    "black": lambda photo, cut_out: over(cut_out, Image.new("RGB", photo.size, "black")),
}

if __name__ == "__main__":
    main()
