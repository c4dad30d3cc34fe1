"""EXIF of a Pillow picture: which way up it is, and what of the block is still true of its pixels."""

from __future__ import annotations

import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

_ORIENTATION = 0x0112
# Tags that tell how the old file held its pixels: the thumbnail's place, and TIFF's layout, which
# Pillow counts among EXIF. Resolution and ICC profile travel by themselves.
_OF_THE_FILE = (
    *(0x0201, 0x0202),
    *(0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x010A, 0x0111, 0x0115, 0x0116, 0x0117),
    *(0x011A, 0x011B, 0x011C, 0x0128, 0x013D, 0x0140, 0x0142, 0x0143, 0x0144, 0x0145),
    *(0x0152, 0x0153, 0x8773),
)
# what Pillow raises on blocks that are not as they should be
_BROKEN = (ValueError, TypeError, OSError, OverflowError, SyntaxError, EOFError, KeyError, struct.error)
_WARNINGS = threading.Lock()  # catch_warnings swaps a list that all threads share


@contextmanager
def without_warnings() -> Iterator[None]:
    """Silence Pillow's warnings about odd files, which are read nevertheless."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_exif(image: Image.Image) -> tuple[int, bytes | None]:
    """Return the orientation, 1 to 8, and the EXIF block for the picture turned upright.

    A broken block counts as none: it is no reason to refuse the picture.

    Parameters
    ----------
    image
        Decoded: some formats keep EXIF behind the pixels.
    """
    with without_warnings():
        try:
            exif = image.getexif()
            orientation = exif.get(_ORIENTATION, 1)
        except _BROKEN:
            return 1, None
        return orientation if orientation in range(1, 9) else 1, _block(exif)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture by its EXIF orientation; the very same picture if it stands upright."""
    method = _TURNS.get(orientation)
    return image if method is None else image.transpose(method)


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _block(exif: Image.Exif) -> bytes | None:
    """Write the block anew with its orientation reset; None if there is nothing in it."""
    if not exif:
        return None
    copy = Image.Exif()  # the picture may be the caller's: its own block is left as it is
    try:
        copy.load(exif.tobytes())
        if _ORIENTATION in copy:
            copy[_ORIENTATION] = 1
        for tag in _OF_THE_FILE:
            copy.pop(tag, None)
        return copy.tobytes() if copy else None
    except _BROKEN:
        return None
