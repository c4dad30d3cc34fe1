"""Opening pictures with Pillow: the one place where it is said which formats are read."""

from __future__ import annotations

import struct
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from ..errors import UnreadableError
from .exif import without_warnings

# fmt: off
READABLE = (
    "PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "AVIF", "TIFF", "JPEG2000", "ICO", "TGA", "PSD", "QOI", "DDS",
    "DIB", "ICNS", "PCX", "DCX", "SGI", "SUN", "XBM", "XPM", "CUR", "BLP", "FLI", "FTEX", "GBR", "MSP",
    "PCD", "PIXAR", "SPIDER", "XVTHUMB",
)
# fmt: on
"""Pillow's names of what is read: formats of pixels that Pillow and its libraries decode themselves.

Not among them is what is handed to another program or to the system (EPS and PostScript start Ghostscript;
WMF and EMF), what wraps other files (FPX, MIC, IPTC), and what is read by a plug-in or not at all (BUFR,
FITS, GRIB, HDF5, MPEG). HEIC is read by pillow-heif, in ``media/reading.py``.
"""
DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, EOFError, AssertionError, struct.error),
    *(LookupError, RuntimeError, AttributeError, ArithmeticError),
)
"""What Pillow, its libraries and libheif make of damaged files, besides ``DecompressionBombError``."""
_REFUSED = {
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"%PDF": "PDF",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile",
}
"""First bytes of what is often given, holds no pixels of its own and is not read, and what it is called."""


def open_picture(file: BinaryIO, name: str) -> Image.Image:
    """Open a picture of a format that is read, without decoding it.

    Parameters
    ----------
    file
        At its beginning.
    name
        What messages call it.

    Raises
    ------
    UnreadableError
        It is no picture, or of a format that is not read.
    PIL.Image.DecompressionBombError
        It has more pixels than Pillow decodes.
    OSError, ValueError, ...
        Whatever else Pillow makes of a damaged head: ``DAMAGED``.
    """
    head = file.read(4)
    file.seek(0)
    try:
        # between half of Pillow's limit and the limit it only warns; the picture is still read
        with without_warnings():
            try:
                return Image.open(file, formats=READABLE)
            except KeyError:  # a later Pillow has given one up
                return Image.open(file, formats=[format for format in READABLE if format in Image.OPEN])
    except UnidentifiedImageError as error:
        if head in _REFUSED:
            text = f"is {_REFUSED[head]}, which is drawn by other programs and not read here; save it as PNG"
        else:
            text = "is not a picture, whatever its name says (or its start is damaged)"
        raise UnreadableError(f"{name}: {text}") from error
