"""Boxes of MP4 and QuickTime files, looked at before FFmpeg makes room for what they announce."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...errors import UnreadableError

FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""Boxes that such files begin with."""
_HOLDING = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
FEW = 4_000_000  # samples; FFmpeg takes some 40 bytes for each
SHARE = 4  # a file that is cut off, and holds no less than such a part of what it announces, is read
MOST = 100_000  # boxes that are looked at


def check_boxes(path: Path) -> None:
    """Refuse a film that announces far more samples, all of one size, than it has bytes for.

    A few bytes can announce some hundred million (``stsz``, ISO/IEC 14496-12, 8.7.3), and FFmpeg makes room
    for all of them: gigabytes. Other files pass.

    Raises
    ------
    UnreadableError
        It is one.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(4)
            announced = list(_sample_sizes(file, end)) if file.read(4) in FIRST else []
    except OSError:
        return  # whoever opens it will say so
    for size, count in announced:
        if count > FEW and size * count > SHARE * end:
            raise UnreadableError(
                f"{path}: is damaged: it announces {count} samples of {size} bytes, and has {end} bytes"
            )


def _sample_sizes(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Yield the size of samples, bytes, and their number, of each track whose samples are of one size."""
    places, looked = [(0, end)], 0
    while places and looked < MOST:
        at, stop = places.pop()
        if at + 8 > stop:
            continue
        looked += 1
        file.seek(at)
        head = file.read(20)
        length, name, begin = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, begin = int.from_bytes(head[8:16], "big"), 16
        after = min(at + length, stop) if length else stop  # 0: up to the end
        if after < at + begin:
            continue
        places.append((after, stop))
        if name in _HOLDING:
            places.append((at + begin, after))
        elif name == b"stsz" and begin == 8:
            size, count = int.from_bytes(head[12:16], "big"), int.from_bytes(head[16:20], "big")
            if size:
                yield size, count
