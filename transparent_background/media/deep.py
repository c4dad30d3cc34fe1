"""Pictures with 16 bits a channel, which Pillow reads with 8 and cannot write in colour."""

from __future__ import annotations

import struct
import zlib
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ..picture import Metadata, Picture, from_array, from_pil

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
    if not _is_sixteen_bit(image, file):
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
    values = _upright(cv2.cvtColor(values, order), image)
    deep = from_array(np.ascontiguousarray(values))
    return Picture(deep.rgb, deep.alpha, shallow.metadata)


def _is_sixteen_bit(image: Image.Image, file: BinaryIO) -> bool:
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


def _upright(values: Array, image: Image.Image) -> Array:
    """Apply the EXIF orientation."""
    orientation = image.getexif().get(0x0112, 1)
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
        compressed = zlib.compress(metadata.icc_profile)
        file.write(_chunk(b"iCCP", b"ICC Profile\0\0" + compressed))
    if metadata.dpi:
        x, y = (round(dots / 0.0254) for dots in metadata.dpi)  # per metre
        file.write(_chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.exif:
        file.write(_chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")))
    file.write(body[header_end:])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


_ROWS = 64  # of a strip; baseline readers like strips of a few hundred kilobytes at most


def write_tiff(file: BinaryIO, values: Array, metadata: Metadata) -> None:
    """Write (h, w, 3 or 4) uint16 RGB(A) as a deflated TIFF 6.0 with ICC profile and resolution.

    EXIF is left out.
    """
    height, width, channels = values.shape
    file.write(struct.pack("<2sHI", b"II", 42, 0))  # the directory's place is filled in last
    offsets, lengths = [], []
    for top in range(0, height, _ROWS):
        strip = values[top : top + _ROWS].astype("<u2")
        # predictor 2: differences to the pixel on the left compress far better
        strip[:, 1:] -= strip[:, :-1].copy()
        data = zlib.compress(strip.tobytes(), 6)
        offsets.append(file.tell())
        lengths.append(len(data))
        file.write(data)
    x_dpi, y_dpi = metadata.dpi or (72.0, 72.0)
    short, long, rational, undefined = 3, 4, 5, 7
    tags: list[tuple[int, int, list[int] | bytes]] = [
        (256, long, [width]),
        (257, long, [height]),
        (258, short, [16] * channels),
        (259, short, [8]),
        (262, short, [2]),
        (273, long, offsets),
        (277, short, [channels]),
        (278, long, [_ROWS]),
        (279, long, lengths),
        (282, rational, [round(x_dpi * 100), 100]),
        (283, rational, [round(y_dpi * 100), 100]),
        (284, short, [1]),
        (296, short, [2]),
        (317, short, [2]),
    ]
    if channels == 4:
        tags.append((338, short, [2]))  # unassociated alpha
    if metadata.icc_profile:
        tags.append((34675, undefined, metadata.icc_profile))
    _write_directory(file, tags)


def _write_directory(file: BinaryIO, tags: list[tuple[int, int, list[int] | bytes]]) -> None:
    """Write values too long for an entry, then the directory, then its place into the header."""
    codes = {3: "H", 4: "I", 5: "I", 7: "B"}
    entries = []
    for tag, kind, content in tags:
        if isinstance(content, bytes):
            data, count = content, len(content)
        else:
            data = struct.pack(f"<{len(content)}{codes[kind]}", *content)
            count = len(content) // (2 if kind == 5 else 1)
        if len(data) > 4:
            file.write(b"\0" * (file.tell() % 2))
            place = struct.pack("<I", file.tell())
            file.write(data)
        else:
            place = data.ljust(4, b"\0")
        entries.append(struct.pack("<HHI", tag, kind, count) + place)
    file.write(b"\0" * (file.tell() % 2))
    start = file.tell()
    file.write(struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0))
    file.seek(4)
    file.write(struct.pack("<I", start))
    file.seek(0, 2)
