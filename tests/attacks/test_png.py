"""PNG files that lie about their size, unpack to gigabytes, break the format's rules or are two files at once."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from attack import Attack, Attacked, parametrised

from benchmarks.fuzz.parts import PNG, png_chunk

END = (b"IEND", b"")


def png(*chunks: tuple[bytes, bytes]) -> Callable[[], bytes]:
    """Return what writes chunks, with checksums that fit."""
    return lambda: PNG + b"".join(png_chunk(*chunk) for chunk in chunks)


def head(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)


def rows(width: int, height: int, *, channels: int = 3, filter: int = 0) -> tuple[bytes, bytes]:
    """Return the pixels of a grey picture, packed."""
    packer, row = zlib.compressobj(9), bytes([filter]) + b"\x80" * (width * channels)
    return b"IDAT", b"".join(packer.compress(row) for _ in range(height)) + packer.flush()


def bits(width: int, height: int) -> Callable[[], bytes]:
    """Return what writes a black picture of one bit a pixel."""
    return lambda: png(head(width, height, 1, 0), rows((width + 7) // 8, height, channels=1), END)()


def sound(*more: tuple[bytes, bytes], behind: bytes = b"") -> Callable[[], bytes]:
    """Return what writes a sound picture with chunks before its pixels, and bytes behind it."""
    return lambda: png(head(16, 16), *more, rows(16, 16), END)() + behind


def packed(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def directory(*entries: bytes, following: int = 0, at: int = 8) -> bytes:
    """Return a big-endian EXIF block of one directory."""
    return b"MM\0*" + struct.pack(">IH", at, len(entries)) + b"".join(entries) + struct.pack(">I", following)


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(">HHII", tag, kind, count, value)


def animated(count: int, *frames: tuple[bytes, bytes]) -> Callable[[], bytes]:
    return png(head(16, 16), (b"acTL", struct.pack(">II", count, 0)), *frames, rows(16, 16), END)


def frame(
    number: int, width: int, height: int, x: int = 0, y: int = 0, delay: tuple[int, int] = (1, 10)
) -> tuple[bytes, bytes]:
    return b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, x, y, *delay, 0, 0)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.py", "raise SystemExit")
    return file.getvalue()


def attack(tries: str, build: Callable[[], bytes], ends: str = "UnreadableError", **more: object) -> Attack:
    return Attack(tries, build, str(more.pop("name", "attack.png")), ends, **more)  # type: ignore[arg-type]


ATTACKS = [
    attack("3.6 gigapixels in 45 bytes", png(head(60_000, 60_000), END), "TooLargeError"),
    attack("the widest that a header can tell", png(head((1 << 31) - 1, 1), rows(1, 1), END), "TooLargeError"),
    attack("more than a header may tell", png(head(0xFFFFFFFF, 0xFFFFFFFF), END), "TooLargeError"),
    attack("no width", png(head(0, 16), rows(16, 16), END)),
    attack("no height", png(head(16, 0), rows(16, 16), END)),
    attack("15 megapixels of 300 bytes a row in 20 kB", bits(3870, 3870), "result", memory=1200),
    attack("one column of 20,000", bits(1, 20_000), "result", real=True, memory=700),
    attack("one row of 20,000", bits(20_000, 1), "result", real=True, memory=700),
    attack("more rows than are told", png(head(16, 16), rows(16, 5000), END), "result"),
    attack("fewer rows than are told", png(head(16, 160), rows(16, 16), END), "result"),
    attack("no pixels", png(head(16, 16), END)),
    attack("no header", png(rows(16, 16), END)),
    attack("two headers", png(head(16, 16), head(4000, 4000), rows(16, 16), END), "UnreadableError or result"),
    attack("only the first eight bytes", lambda: PNG),
    attack("cut off in the header", lambda: sound()()[:20]),
    attack("cut off in the pixels", lambda: sound()()[:-30]),
    attack("no end", lambda: sound()()[:-12], "result"),
    attack("a wrong checksum", lambda: sound()()[:-16] + b"\0\0\0\0" + sound()()[-12:], "result"),
    attack("a chunk of 4 GiB", lambda: sound()()[:33] + b"\xff\xff\xff\xffIDAT" + bytes(40)),
    attack("a chunk without a name", lambda: sound()()[:33] + bytes(12) + sound()()[33:]),
    attack("ten thousand chunks of text", sound(*[(b"tEXt", b"k\0v")] * 10_000), "result"),
    attack("an ICC profile of 100 MB when unpacked", sound((b"iCCP", b"x\0\0" + packed(100_000_000)))),
    attack("text of 100 MB when unpacked", sound((b"zTXt", b"x\0\0" + packed(100_000_000))), "UnreadableError or result"),
    attack("fifty texts of 10 MB when unpacked", sound(*[(b"zTXt", b"x\0\0" + packed(10_000_000))] * 50), "UnreadableError or result"),
    attack("an ICC profile that is none", sound((b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))), "result"),
    attack("a profile packed in a way that there is not", sound((b"iCCP", b"x\0\x09x")), "UnreadableError or result"),
    attack("colours by a palette that is not there", png(head(16, 16, 8, 3), rows(16, 16, channels=1), END), "UnreadableError or result"),
    attack("colours beyond the palette", png(head(16, 16, 8, 3), (b"PLTE", b"abc"), rows(16, 16, channels=1), END), "result"),
    attack("a palette of 300 colours", png(head(16, 16, 8, 3), (b"PLTE", b"abc" * 300), rows(16, 16, channels=1), END)),
    attack("a palette of two and a half colours", png(head(16, 16, 8, 3), (b"PLTE", b"abcdefg"), rows(16, 16, channels=1), END), "result"),
    attack("more transparent colours than there are", png(head(16, 16, 8, 3), (b"PLTE", b"abc"), (b"tRNS", bytes(256)), rows(16, 16, channels=1), END), "result"),
    attack("a transparent colour of one byte", sound((b"tRNS", b"\0")), "UnreadableError"),
    attack("a depth that there is not", png(head(16, 16, 3), rows(16, 16), END)),
    attack("a kind of colour that there is not", png(head(16, 16, 8, 5), rows(16, 16), END)),
    attack("a filter that there is not", png(head(16, 16), rows(16, 16, filter=9), END)),
    attack("interlaced, with pixels that are not", png(head(16, 16, interlace=1), rows(16, 16), END), "UnreadableError or result"),
    attack("an interlacing that there is not", png(head(16, 16, interlace=2), rows(16, 16), END), "UnreadableError or result"),
    attack("pixels that are no packed data", png(head(16, 16), (b"IDAT", b"\0" * 100), END)),
    attack("a resolution of nothing", sound((b"pHYs", bytes(9))), "result"),
    attack("a resolution of four bytes", sound((b"pHYs", bytes(4))), "UnreadableError or result"),
    attack("a gamma of nothing", sound((b"gAMA", bytes(4))), "result"),
    attack("EXIF whose directory follows itself", sound((b"eXIf", directory(entry(0x0112, 3, 1, 6 << 16), following=8))), "result"),
    attack("EXIF whose groups lead back to it", sound((b"eXIf", directory(entry(0x8769, 4, 1, 8), entry(0x8825, 4, 1, 8)))), "result"),
    attack("EXIF with an entry of 4 GB", sound((b"eXIf", directory(entry(0x010F, 2, 0xFFFFFFFF, 8)))), "result"),
    attack("EXIF turned in a way that there is not", sound((b"eXIf", directory(entry(0x0112, 3, 1, 99 << 16)))), "result"),
    attack("EXIF outside of itself", sound((b"eXIf", directory(at=0xFFFFFF00))), "result"),
    attack("EXIF of 65,535 entries and none", sound((b"eXIf", b"MM\0*\0\0\0\x08\xff\xff")), "result"),
    attack("EXIF of one byte", sound((b"eXIf", b"M")), "result"),
    attack("4,294,967,295 frames", animated(0xFFFFFFFF, frame(0, 16, 16)), "UnreadableError or result"),
    attack("no frames", animated(0, frame(0, 16, 16)), "UnreadableError or result"),
    attack("a frame larger than the picture", animated(2, frame(0, 16, 16), frame(1, 9000, 9000)), "UnreadableError or result"),
    attack("a frame beside the picture", animated(1, frame(0, 16, 16, x=0xFFFFFFF0)), "UnreadableError or result"),
    attack("a frame shown for one by nothing seconds", animated(1, frame(0, 16, 16, delay=(1, 0))), "UnreadableError or result"),
    attack("frames in the wrong order", animated(2, frame(5, 16, 16), frame(3, 16, 16)), "UnreadableError or result"),
    attack("an archive behind the picture", sound(behind=archive()), "result"),
    attack("a web page behind the picture", sound(behind=b"<script>alert(1)</script>"), "result"),
    attack("a web page in its text", sound((b"tEXt", b"Comment\0<script>alert(1)</script>\x1b[2J")), "result"),
    attack("named as a JPEG", sound(), "result", name="attack.jpg"),
    attack("named as a TIFF", sound(), "result", name="attack.tif"),
    attack("named as nothing that there is", sound(), "UnreadableError or result", name="attack.xyz"),
]  # fmt: skip


@parametrised(ATTACKS)
def test_attack(attacked: Attacked, attack: Attack) -> None:
    attacked("pictures", attack)
