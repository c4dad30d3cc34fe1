"""Boxes of MP4 and QuickTime files, looked at before FFmpeg makes room for what they announce."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...errors import UnreadableError

SAMPLE = 70  # bytes that FFmpeg takes for a sample that is announced (measured)
SPARE = 256 << 20  # bytes that any film may take so
EACH = 100  # as many more for each byte of the file
DATA = frozenset((b"mdat", b"free", b"skip", b"wide"))
"""Boxes that hold no others."""
MOST = 1_000_000  # boxes that are looked at
LONGEST = 64 << 20  # bytes of a box that are looked at


def check_boxes(path: Path) -> None:
    """Refuse a film that announces so many samples of one size that they take far more memory than its bytes.

    A few bytes can announce some hundred million (``stsz``, ISO/IEC 14496-12, 8.7.3.2), and FFmpeg makes room
    for all of them: gigabytes. Other files pass.

    Raises
    ------
    UnreadableError
        It is one.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            samples = sum(map(_samples, _boxes(file, end)))
    except OSError:
        return  # whoever opens it will say so
    if SAMPLE * samples > EACH * end + SPARE:
        raise UnreadableError(f"{path}: is damaged: it announces {samples} samples, and has {end} bytes")


def _boxes(file: BinaryIO, end: int) -> Iterator[bytes]:
    """Yield what the outermost boxes hold, one after the other, as long as there are any."""
    at = 0
    for _ in range(MOST):
        file.seek(at)
        head = file.read(16)
        length, name, begin = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, begin = int.from_bytes(head[8:16], "big"), 16
        after = at + length if length else end  # 0: up to the end
        if after < at + begin or (after > end and not (name.isascii() and name.isalnum())):
            return  # no box: the end, or another kind of file
        if name not in DATA:
            file.seek(at + begin)
            yield file.read(min(after - at - begin, LONGEST))
        at = after


def _samples(content: bytes, *, packed: bool = True) -> int:
    """Add up the samples of one size that are announced anywhere in a box, and in what is ``packed`` there.

    FFmpeg looks for tables in boxes of many names, so that they are found by their own.
    """
    samples = 0
    for found in re.finditer(b"stsz", content):
        at = found.end() + (8 if content[found.start() - 4 : found.start()] == b"\0\0\0\1" else 0)
        size, count = content[at + 4 : at + 8], content[at + 8 : at + 12]
        samples += int.from_bytes(count, "big") if any(size) else 0
    for found in re.finditer(b"cmvd", content) if packed else ():
        try:
            unpacked = zlib.decompressobj().decompress(content[found.end() + 4 :], LONGEST)
        except zlib.error:
            continue
        samples += _samples(unpacked, packed=False)
    return samples
