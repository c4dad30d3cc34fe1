"""Pictures with 16 bits a channel, which Pillow reads with 8 and cannot write in colour."""

from __future__ import annotations

import itertools
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from ..images.exif import read_exif
from ..images.picture import Metadata, Picture, from_array, from_pil

Array = np.ndarray[Any, np.dtype[Any]]


def read_sixteen_bit(image: Image.Image, file: BinaryIO) -> Picture | None:
    """Decode a 16-bit colour PNG or TIFF; None for every other picture.

    Pillow decodes it too, which tells whether the file is whole and gives its metadata.

    Parameters
    ----------
    image
        Opened by Pillow, not decoded yet.
    file
        Which it was opened from.
    """
    if not is_sixteen_bit(image, file):
        return None
    import cv2

    file.seek(0)
    data = np.frombuffer(file.read(), dtype=np.uint8)
    file.seek(0)
    shallow = from_pil(image)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        return shallow  # a kind of TIFF that OpenCV does not know: 8 bits are better than none
    order = cv2.COLOR_BGRA2RGBA if values.shape[2] == 4 else cv2.COLOR_BGR2RGB
    values = _upright(cv2.cvtColor(values, order), read_exif(image)[0])
    deep = from_array(np.ascontiguousarray(values))
    return Picture(deep.rgb, deep.alpha, shallow.metadata)


def is_sixteen_bit(image: Image.Image, file: BinaryIO) -> bool:
    """Tell a colour PNG or TIFF with 16 bits a channel, which Pillow says nothing of."""
    if image.format == "PNG":
        position = file.tell()
        file.seek(24)
        depth, colour_type = file.read(2)
        file.seek(position)
        return bool(depth == 16 and colour_type in (2, 4, 6))  # RGB, grey and alpha, RGBA
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, ())  # type: ignore[attr-defined]
        photometric = image.tag_v2.get(262)  # type: ignore[attr-defined]
        return bool(photometric == 2 and len(bits) >= 3 and set(bits) == {16})  # 2: RGB
    return False


def _upright(values: Array, orientation: int) -> Array:
    if orientation in (5, 6, 7, 8):
        values = values.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def write_png(file: BinaryIO, values: Array, metadata: Metadata, level: int) -> None:
    """Write (h, w, 3 or 4) uint16 RGB(A) as PNG.

    Parameters
    ----------
    level
        zlib's, 0 to 9.
    """
    import cv2

    order = cv2.COLOR_RGBA2BGRA if values.shape[2] == 4 else cv2.COLOR_RGB2BGR
    ok, data = cv2.imencode(".png", cv2.cvtColor(values, order), [cv2.IMWRITE_PNG_COMPRESSION, level])
    if not ok:
        raise ValueError("OpenCV could not encode the picture as PNG")
    body = memoryview(data.tobytes())
    header_end = 8 + 25  # signature and IHDR; the other chunks go before the pixels
    file.write(body[:header_end])
    if metadata.icc_profile:
        PngImagePlugin.putchunk(file, b"iCCP", b"ICC Profile\0\0", zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        x, y = (round(dots / 0.0254) for dots in metadata.dpi)  # per metre
        PngImagePlugin.putchunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
    if metadata.exif:
        PngImagePlugin.putchunk(file, b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    file.write(body[header_end:])


_ROWS = 64  # of a strip; baseline readers like strips of a few hundred kilobytes at most


def write_tiff(file: BinaryIO, values: Array, metadata: Metadata) -> None:
    """Write (h, w, 3 or 4) uint16 RGB(A) as a deflated TIFF 6.0 with its metadata."""
    height, width, channels = values.shape
    strips = [_strip(values[top : top + _ROWS]) for top in range(0, height, _ROWS)]
    lengths = tuple(len(strip) for strip in strips)
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    _add_exif(tags, metadata.exif)
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (16,) * channels
    tags[TiffImagePlugin.COMPRESSION] = 8  # deflate
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2  # RGB
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    tags[TiffImagePlugin.ROWSPERSTRIP] = _ROWS
    # Pillow counts them from the end of the directory
    tags[TiffImagePlugin.STRIPOFFSETS] = (0, *itertools.accumulate(lengths[:-1]))
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = lengths
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    tags[TiffImagePlugin.PREDICTOR] = 2
    if metadata.dpi:
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = metadata.dpi
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # inches
    if channels == 4:
        tags[TiffImagePlugin.EXTRASAMPLES] = 2  # unassociated alpha
    if metadata.icc_profile:
        tags[TiffImagePlugin.ICCPROFILE] = metadata.icc_profile
    start = 8  # the directory follows the header
    file.write(struct.pack("<2sHI", b"II", 42, start) + tags.tobytes(start))
    file.writelines(strips)


def _strip(rows: Array) -> bytes:
    values = rows.astype("<u2")
    # predictor 2: differences to the pixel on the left compress far better
    values[:, 1:] -= values[:, :-1].copy()
    return zlib.compress(values.tobytes(), 6)


def _add_exif(tags: TiffImagePlugin.ImageFileDirectory_v2, block: bytes | None) -> None:
    """Copy an EXIF block's tags, those of its sub-directories (camera, place) too."""
    exif = Image.Exif()
    exif.load(block or b"")
    for tag, value in exif.items():
        tags[tag] = exif.get_ifd(tag) if tag in _SUB_DIRECTORIES else value


_SUB_DIRECTORIES = (0x8769, 0x8825)
