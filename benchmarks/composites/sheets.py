"""Sheets to look at: a composite, its truth and mattes whole, and an edge at full size on light and dark."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from PIL import Image, ImageDraw

from transparent_background.compositing.foreground.estimate import estimate_foreground
from transparent_background.types import ByteArray, FloatArray

from .make import Composite

SIDE = 288  # of a cell and of the crop, pixels
LINE = 16  # height of a caption
LIGHT, DARK = 235, 35


def draw_sheet(composite: Composite, mattes: Mapping[str, FloatArray]) -> Image.Image:
    """Lay out a composite: columns are the picture, the truth and each model.

    The rows are the whole, then one crop at full size: alpha, on light, on dark. The truth has its true
    colours, the others those that are estimated from the picture, as in use.
    """
    crop = busiest(composite.alpha)
    truth = composite.layer
    columns = {
        "picture": [composite.image, composite.image[crop]],
        "truth": [
            _grey(truth.alpha),
            _grey(truth.alpha[crop]),
            *(_on(truth.colours[crop], truth.alpha[crop], shade) for shade in (LIGHT, DARK)),
        ],
    }
    for title, matte in mattes.items():
        colours = estimate_foreground(composite.image, matte)[crop] / np.float32(255)
        alpha = matte[crop]
        premultiplied = colours * alpha[..., None]
        columns[title] = [
            _grey(matte),
            _grey(alpha),
            *(_on(premultiplied, alpha, shade) for shade in (LIGHT, DARK)),
        ]
    height, width = composite.alpha.shape
    first = round(min(SIDE / width, 1.0) * height) if width > height else SIDE
    sheet = Image.new("RGB", (len(columns) * (SIDE + 4), first + 3 * SIDE + 16 + 2 * LINE), "grey")
    draw = ImageDraw.Draw(sheet)
    draw.text((4, 2), f"{composite.kind}, {composite.index}: {composite.name}", fill="white")
    for number, (title, cells) in enumerate(columns.items()):
        left = number * (SIDE + 4)
        draw.text((left + 4, LINE + 2), title, fill="white")
        for row, cell in enumerate(cells):
            picture = Image.fromarray(cell)
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left, 2 * LINE + bool(row) * (first - SIDE) + row * (SIDE + 4)))
    return sheet


def busiest(alpha: FloatArray) -> tuple[slice, slice]:
    """Return the square with the most soft pixels."""
    soft = ((alpha > 0.02) & (alpha < 0.98)).astype(np.float32)
    near = cv2.boxFilter(soft, -1, (SIDE, SIDE), borderType=cv2.BORDER_CONSTANT)
    y, x = np.unravel_index(int(near.argmax()), near.shape)
    starts = (
        min(max(int(at) - SIDE // 2, 0), max(length - SIDE, 0))
        for at, length in zip((y, x), alpha.shape, strict=True)
    )
    top, left = starts
    return slice(top, top + SIDE), slice(left, left + SIDE)


def _grey(alpha: FloatArray) -> ByteArray:
    return np.repeat(np.rint(alpha * 255).astype(np.uint8)[..., None], 3, axis=2)


def _on(premultiplied: np.ndarray, alpha: FloatArray, shade: int) -> ByteArray:
    """Put on a plain ground of a grey: uint8 (h, w, 3)."""
    mixed = 255 * premultiplied + shade * (1 - alpha[..., None])
    return np.rint(mixed.clip(0, 255)).astype(np.uint8)
