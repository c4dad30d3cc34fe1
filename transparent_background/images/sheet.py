"""Pictures with their masks and mattes on one sheet, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ..types import ByteArray, FloatArray

CELL = 200  # side of a picture on a sheet, pixels
LINE = 16  # height of its caption
ACROSS = 2  # results side by side


def contact_sheet(entries: Sequence[tuple[ByteArray, ByteArray, FloatArray, str]]) -> Image.Image:
    """Lay out picture, mask and matte of several results, with a caption each.

    Parameters
    ----------
    entries
        Pictures uint8 (h, w, 3), masks uint8 (h, w), mattes float32 (h, w) in [0, 1], and captions.
    """
    rows = -(-len(entries) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * 3 * CELL, max(rows, 1) * (CELL + LINE)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (image, mask, matte, caption) in enumerate(entries):
        left, top = index % ACROSS * 3 * CELL, index // ACROSS * (CELL + LINE)
        layers = (image, mask, np.rint(matte * 255).astype(np.uint8))
        for column, layer in enumerate(layers):
            cell = Image.fromarray(layer).convert("RGB")
            cell.thumbnail((CELL - 4, CELL - 4))
            sheet.paste(cell, (left + column * CELL, top + LINE))
        draw.text((left + 2, top + 2), caption, fill="black")
    return sheet
