"""Strips of rows, so that beside a picture, its matte and the result only little memory is used."""

from __future__ import annotations

STRIP_PIXELS = 1 << 19  # about 6 MB of float32 colours


def strips(size: tuple[int, ...], pixels: int | None = None, multiple: int = 16) -> list[slice]:
    """Cut the rows of a picture into strips.

    Parameters
    ----------
    size
        (height, width) of the picture.
    pixels
        About how many a strip has; None: what suits float32 colours.
    multiple
        Of how many rows all strips but the last are.
    """
    height, width = size
    step = max(1, (pixels or STRIP_PIXELS) // (multiple * width)) * multiple
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]
