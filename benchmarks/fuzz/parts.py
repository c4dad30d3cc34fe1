"""Files as trees of parts: taken apart by their own structure, and put together with lengths that fit again.

What a mutation changes is then a chunk, a segment, a box or an element, and the decoder gets past the
outermost checks (lengths, CRCs) to the code behind them.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(slots=True)
class Part:
    """One part of a file."""

    name: bytes
    """Its type, such as ``IHDR`` or ``moov``; what an unnamed one is called is empty."""
    body: bytes = b""
    """What it holds, or, before its children, what it begins with."""
    children: list[Part] | None = None


Split = Callable[[bytes], list[Part]]
Join = Callable[[list[Part]], bytes]


@dataclass(frozen=True, slots=True)
class Structure:
    """How files of a kind are taken apart and put together."""

    split: Split
    join: Join
    fits: Callable[[bytes], bool]


PNG = b"\x89PNG\r\n\x1a\n"


def _split_png(data: bytes) -> list[Part]:
    parts, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        parts.append(Part(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return parts


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and a checksum that fits."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _join_png(parts: list[Part]) -> bytes:
    return PNG + b"".join(png_chunk(part.name[:4].ljust(4, b"x"), part.body) for part in parts)


_MARKER = re.compile(rb"\xff[^\0\xd0-\xd7]", re.DOTALL)  # that ends a scan: none of its own
_ALONE = {0x01, *range(0xD0, 0xDA)}  # JPEG markers without a length


def _split_jpeg(data: bytes) -> list[Part]:
    parts, at = [], 2
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _ALONE:
            parts.append(Part(bytes([marker])))
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append(Part(bytes([marker]), data[at + 4 : at + 2 + length]))
        at += 2 + max(length, 2)
        if marker == 0xDA:
            found = _MARKER.search(data, at)
            end = len(data) if found is None else found.start()
            parts.append(Part(b"scan", data[at:end]))
            at = end
    return parts


def _join_jpeg(parts: list[Part]) -> bytes:
    out = [b"\xff\xd8"]
    for part in parts:
        if part.name == b"scan":
            out.append(part.body)
        elif part.name[:1] and part.name[0] in _ALONE:
            out.append(b"\xff" + part.name[:1])
        else:
            size = struct.pack(">H", min(len(part.body) + 2, 65535))
            out.append(b"\xff" + (part.name[:1] or b"\xfe") + size + part.body[:65533])
    return b"".join(out)


_LISTS = (b"RIFF", b"LIST")


def _split_riff(data: bytes) -> list[Part]:
    parts, at = [], 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name in _LISTS:
            parts.append(Part(name, body[:4], _split_riff(body[4:])))
        else:
            parts.append(Part(name, body))
        at += 8 + size + size % 2
    return parts


def _join_riff(parts: list[Part]) -> bytes:
    out = []
    for part in parts:
        body = part.body if part.children is None else part.body + _join_riff(part.children)
        out.append(part.name[:4].ljust(4) + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2))
    return b"".join(out)


_HOLDERS = dict.fromkeys(b"moov trak mdia minf stbl edts dinf udta moof traf mvex iprp ipco jp2h".split(), 0)
_HOLDERS[b"meta"] = 4  # version and flags come first


def _split_boxes(data: bytes) -> list[Part]:
    parts, at = [], 0
    while at + 8 <= len(data):
        size, name, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if size < head:
            size = len(data) - at
        body = data[at + head : at + size]
        if name in _HOLDERS:
            own = _HOLDERS[name]
            parts.append(Part(name, body[:own], _split_boxes(body[own:])))
        else:
            parts.append(Part(name, body))
        at += size
    return parts


def _join_boxes(parts: list[Part]) -> bytes:
    out = []
    for part in parts:
        body = part.body if part.children is None else part.body + _join_boxes(part.children)
        out.append(struct.pack(">I", len(body) + 8) + part.name[:4].ljust(4) + body)
    return b"".join(out)


def _split_gif(data: bytes) -> list[Part]:
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    parts = [Part(b"head", data[:at])]
    while at < len(data):
        begin, kind = at, data[at]
        if kind == 0x21:
            at += 2
        elif kind == 0x2C and at + 9 < len(data):
            flags = data[at + 9]
            at += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            parts.append(Part(b"end", data[at:]))
            break
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
        parts.append(Part(b"block", data[begin:at]))
    return parts


def _plain(parts: list[Part]) -> bytes:
    return b"".join(part.body for part in parts)


_MASTERS = {
    bytes.fromhex(text)
    for text in """
    1a45dfa3 18538067 1549a966 1654ae6b ae e0 e1 1f43b675 a0 1c53bb6b bb b7 114d9b74 4dbb 1254c367 7373
    1043a770 55b0 6d80 6240
    """.split()
}


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """Return an element's size and how many bytes tell it; -1 for an unknown size."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return (-1 if value == (1 << 7 * length) - 1 else value), length


def _split_ebml(data: bytes) -> list[Part]:
    parts, at = [], 0
    while at + 2 <= len(data) and data[at]:
        wide = 9 - data[at].bit_length()
        name, at = data[at : at + wide], at + wide
        if at >= len(data) or not data[at]:
            break
        size, wide = _vint(data, at)
        at += wide
        body = data[at:] if size < 0 else data[at : at + size]
        parts.append(Part(name, b"", _split_ebml(body)) if name in _MASTERS else Part(name, body))
        at += len(body)
    return parts


def _join_ebml(parts: list[Part]) -> bytes:
    out = []
    for part in parts:
        body = part.body if part.children is None else part.body + _join_ebml(part.children)
        out.append(part.name + b"\x01" + len(body).to_bytes(7, "big") + body)
    return b"".join(out)


def _split_ts(data: bytes) -> list[Part]:
    return [Part(b"packet", data[at : at + 188]) for at in range(0, len(data), 188)]


def _split_flv(data: bytes) -> list[Part]:
    parts, at = [Part(b"head", data[:13])], 13
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        parts.append(Part(b"tag", data[at : at + 11 + size]))
        at += 15 + size
    return parts


def _join_flv(parts: list[Part]) -> bytes:
    out = []
    for part in parts:
        if part.name == b"head":
            out.append(part.body)
        else:
            tag = part.body[:1] + max(len(part.body) - 11, 0).to_bytes(3, "big") + part.body[4:]
            out.append(tag + struct.pack(">I", len(tag)))
    return b"".join(out)


def _split_tiff(data: bytes) -> list[Part]:
    """Take a TIFF's directories apart by their entries; offsets in them stay as they are."""
    little = data[:2] == b"II"
    order = "little" if little else "big"
    at = int.from_bytes(data[4:8], order)
    cuts = [0, 8]
    for _ in range(8):
        if not 8 <= at <= len(data) - 2:
            break
        count = int.from_bytes(data[at : at + 2], order)
        cuts += [at, at + 2, *(at + 2 + 12 * (index + 1) for index in range(min(count, 64)))]
        at = int.from_bytes(data[cuts[-1] : cuts[-1] + 4], order)
    cuts = sorted({min(cut, len(data)) for cut in [*cuts, len(data)]})
    return [Part(b"entry" if b - a == 12 else b"bytes", data[a:b]) for a, b in pairwise(cuts)]


STRUCTURES: dict[str, Structure] = {
    "png": Structure(_split_png, _join_png, lambda data: data.startswith(PNG)),
    "jpeg": Structure(_split_jpeg, _join_jpeg, lambda data: data.startswith(b"\xff\xd8")),
    "riff": Structure(_split_riff, _join_riff, lambda data: data.startswith(b"RIFF")),
    "boxes": Structure(
        _split_boxes,
        _join_boxes,
        lambda data: data[4:8] in (b"ftyp", b"moov", b"jP  ", b"mdat", b"free", b"wide"),
    ),
    "gif": Structure(_split_gif, _plain, lambda data: data.startswith(b"GIF8") and len(data) > 13),
    "ebml": Structure(_split_ebml, _join_ebml, lambda data: data.startswith(b"\x1a\x45\xdf\xa3")),
    "ts": Structure(_split_ts, _plain, lambda data: data[:1] == b"G" and data[188:189] == b"G"),
    "flv": Structure(_split_flv, _join_flv, lambda data: data.startswith(b"FLV")),
    "tiff": Structure(_split_tiff, _plain, lambda data: data[:4] in (b"II*\0", b"MM\0*") and len(data) > 16),
}


def structure_of(data: bytes) -> Structure | None:
    """Return the structure of a file by its first bytes; None if it is none of these."""
    return next((structure for structure in STRUCTURES.values() if structure.fits(data)), None)
