"""Films of every container: boxes that lie, times that run back, sizes that change, lists that name other files."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from attack import Attack, Attacked, parametrised

from benchmarks.fuzz.films import KINDS, film_of
from benchmarks.fuzz.parts import PNG, Part, png_chunk
from benchmarks.fuzz.tree import Tree

EITHER = "UnreadableError or InputError or result"
CONTAINERS = {kind.suffix: kind for kind in reversed(KINDS)}


def whole(suffix: str) -> bytes:
    """Return a sound film in a container: 48 x 32 pixels, two to five frames."""
    return film_of(CONTAINERS[suffix])


def boxes(tree: Tree, *names: bytes) -> Iterator[Part]:
    """Give the parts of these names, wherever they are."""
    for parts in tree.lists():
        yield from (part for part in parts if part.name in names)


def changed(suffix: str, *changes: Callable[[Tree], None]) -> Callable[[], bytes]:
    """Return what takes a film apart, changes it and puts it together with lengths that fit."""

    def build() -> bytes:
        tree = Tree.of(whole(suffix))
        assert tree is not None
        for change in changes:
            change(tree)
        return tree.bytes()

    return build


def put(name: bytes, at: int, new: bytes) -> Callable[[Tree], None]:
    """Put bytes into a part of this name, which has to be there."""

    def change(tree: Tree) -> None:
        found = list(boxes(tree, name))
        assert found
        for part in found:
            part.body = part.body[:at] + new + part.body[at + len(new) :]

    return change


def drop(name: bytes) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        assert list(boxes(tree, name))
        for parts in tree.lists():
            parts[:] = [part for part in parts if part.name != name]

    return change


def fill(name: bytes, byte: int) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        for part in boxes(tree, name):
            part.body = part.body[:8] + bytes([byte]) * (len(part.body) - 8)

    return change


def edits(*entries: tuple[int, int]) -> Callable[[Tree], None]:
    """Replace the edit list: (duration, begin) of each entry."""

    def change(tree: Tree) -> None:
        body = struct.pack(">II", 0, len(entries)) + b"".join(
            struct.pack(">IiI", *entry, 1 << 16) for entry in entries
        )
        for part in boxes(tree, b"trak"):
            assert part.children is not None
            part.children = [child for child in part.children if child.name != b"edts"]
            part.children.insert(1, Part(b"edts", b"", [Part(b"elst", body)]))

    return change


def matrix(*numbers: int) -> Callable[[Tree], None]:
    """Set how the picture is turned: nine numbers, in 16.16 and 2.30."""
    return put(b"tkhd", 40, struct.pack(">9i", *numbers))


def cut(suffix: str, share: float) -> Callable[[], bytes]:
    return lambda: whole(suffix)[: int(len(whole(suffix)) * share)]


def twice(suffix: str, other: str) -> Callable[[], bytes]:
    return lambda: whole(suffix) + whole(other)


def text(content: str) -> Callable[[], bytes]:
    return lambda: content.encode()


def profiled_png() -> bytes:
    """A PNG with a named ICC profile and EXIF, which FFmpeg hands on beside the pixels."""
    import zlib

    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)),
        (b"iCCP", b"a name\0\0" + zlib.compress(bytes(200))),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0"),
        (b"IDAT", zlib.compress((b"\0" + bytes(48)) * 16)),
        (b"IEND", b""),
    ]
    return PNG + b"".join(png_chunk(*chunk) for chunk in chunks)


def wide_avi() -> bytes:
    data = whole("avi")
    at = data.find(b"strf") + 8
    return data[: at + 4] + struct.pack("<ii", 60_000, 60_000) + data[at + 12 :]


def wide_webp(width: int) -> bytes:
    """Write two frames of a pixel each on a canvas of one row."""
    import io

    from PIL import Image

    file = io.BytesIO()
    images = [Image.new("RGB", (1, 1), colour) for colour in ("red", "blue")]
    images[0].save(file, "WEBP", save_all=True, append_images=images[1:])
    data = bytearray(file.getvalue())
    at = data.find(b"VP8X") + 12
    data[at : at + 3] = (width - 1).to_bytes(3, "little")
    return bytes(data)


def attack(tries: str, suffix: str, build: Callable[[], bytes], ends: str = EITHER, **more: Any) -> Attack:
    return Attack(tries, build, f"attack.{suffix}", ends, memory=more.pop("memory", 900), **more)


CUT = [
    attack(f"{suffix} of which {share:.0%} is there", suffix, cut(suffix, share))
    for suffix in CONTAINERS
    for share in (0.02, 0.5, 0.95)
]
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
LISTS = "UnreadableError or SourceNotFoundError or InputError"
IDENTITY = (65_536, 0, 0, 0, 65_536, 0, 0, 0, 1 << 30)
ATTACKS = [
    # MP4 and MOV
    attack("a duration of 136 years", "mp4", changed("mp4", put(b"mvhd", 16, b"\xff\xff\xff\xff"))),
    attack("a track of 136 years", "mp4", changed("mp4", put(b"mdhd", 16, b"\xff\xff\xff\xff"))),
    attack("a clock of no ticks", "mp4", changed("mp4", put(b"mdhd", 12, bytes(4)))),
    attack("a clock of four billion ticks", "mp4", changed("mp4", put(b"mdhd", 12, b"\xff\xff\xff\xff"))),
    attack("an edit list of nothing", "mp4", changed("mp4", edits())),
    attack("an edit list that begins behind the end", "mp4", changed("mp4", edits((100, 0x7FFFFFFF)))),
    attack("an edit list of fifty repeats", "mp4", changed("mp4", edits(*[(200, 0)] * 50))),
    attack("an edit list of 50 days of nothing", "mp4", changed("mp4", edits((0xFFFFFFFF, -1), (200, 0)))),
    attack("frames that last for hours", "mp4", changed("mp4", fill(b"stts", 0x7F))),
    attack("frames that last for no time", "mp4", changed("mp4", fill(b"stts", 0))),
    attack("four billion frames", "mp4", changed("mp4", put(b"stsz", 8, b"\xff\xff\xff\xff"))),
    attack("69 million frames of 22 kB", "mp4", changed("mp4", put(b"stsz", 4, struct.pack(">II", 21_979, 69_000_000))), "UnreadableError"),
    attack("no frames", "mp4", changed("mp4", put(b"stsz", 8, bytes(4)))),
    attack("frames of four gigabytes", "mp4", changed("mp4", put(b"stsz", 4, b"\xff\xff\xff\xff"))),
    attack("places outside of the file", "mp4", changed("mp4", fill(b"stco", 0xFF))),
    attack("places in the header", "mp4", changed("mp4", fill(b"stco", 0))),
    attack("no index", "mp4", changed("mp4", drop(b"moov")), "UnreadableError"),
    attack("an index alone", "mp4", changed("mp4", drop(b"mdat")), "UnreadableError"),
    attack("no description of samples", "mp4", changed("mp4", drop(b"stsd"))),
    attack("no media", "mp4", changed("mp4", drop(b"minf"))),
    attack("65,535 x 65,535 in the track", "mp4", changed("mp4", put(b"tkhd", 76, b"\xff\xff\0\0\xff\xff\0\0"))),
    attack("a matrix of zeros", "mp4", changed("mp4", matrix(*[0] * 9)), "result"),
    attack("a matrix that turns by 45 degrees", "mp4", changed("mp4", matrix(46_341, 46_341, 0, -46_341, 46_341, 0, 0, 0, 1 << 30)), "result"),
    attack("a matrix that enlarges by 32,767", "mp4", changed("mp4", matrix(0x7FFFFFFF, 0, 0, 0, 0x7FFFFFFF, 0, 0, 0, 1 << 30)), "result"),
    attack("a matrix that mirrors", "mp4", changed("mp4", matrix(-65_536, *IDENTITY[1:])), "result"),
    attack("a matrix of the least numbers", "mp4", changed("mp4", matrix(*[-0x80000000] * 9))),
    attack("a box of length 0 in the middle", "mp4", lambda: whole("mp4").replace(b"mdat", b"free", 1)),
    attack("a PNG with a named profile in a MOV", "mov", profiled_png, "result or UnreadableError"),
    attack("a film in a film", "mp4", twice("mp4", "mkv")),
    attack("two films in a row", "mp4", twice("mp4", "mp4")),
    # Matroska and WebM
    attack("Matroska of 60,000 x 60,000", "mkv", changed("mkv", put(b"\xb0", 0, b"\xea\x60"), put(b"\xba", 0, b"\xea\x60"))),
    attack("Matroska of no width", "mkv", changed("mkv", put(b"\xb0", 0, b"\0"))),
    attack("Matroska with a clock of nothing", "mkv", changed("mkv", put(b"\x2a\xd7\xb1", 0, b"\0\0\0"))),
    attack("Matroska whose times run back", "mkv", changed("mkv", put(b"\xa3", 1, b"\x80\0"))),
    attack("Matroska of a codec that there is not", "mkv", changed("mkv", put(b"\x86", 0, b"V_NOSUCH"))),
    attack("Matroska of infinite length", "mkv", changed("mkv", put(b"\x44\x89", 0, b"\x7f\xf0\0\0\0\0\0\0"))),
    attack("WebM without clusters", "webm", changed("webm", drop(b"\x1f\x43\xb6\x75")), "UnreadableError"),
    attack("WebM without tracks", "webm", changed("webm", drop(b"\x16\x54\xae\x6b"))),
    # AVI, TS, FLV and the rest
    attack("AVI of 60,000 x 60,000", "avi", wide_avi),
    attack("AVI without its headers", "avi", changed("avi", drop(b"LIST"))),
    attack("AVI with frames of no bytes", "avi", changed("avi", fill(b"00dc", 0))),
    attack("AVI of a rate of nothing", "avi", changed("avi", put(b"strh", 20, bytes(8)))),
    attack("AVI of four billion frames", "avi", changed("avi", put(b"avih", 16, b"\xff\xff\xff\xff"))),
    attack("a transport stream of its tables only", "ts", lambda: whole("ts")[: 188 * 3], "UnreadableError"),
    attack("a transport stream backwards", "ts", lambda: b"".join(part.body for part in reversed(Tree.of(whole("ts")).parts))),  # type: ignore[union-attr]
    attack("a transport stream without its first tables", "ts", lambda: whole("ts")[188 * 3 :]),
    attack("transport streams of two sizes", "ts", lambda: whole("ts") + film_of(KINDS[12])),
    attack("FLV whose tags lie", "flv", lambda: whole("flv").replace(b"\x09\0", b"\x09\xff")),
    attack("a raw film of 1 x 1", "y4m", lambda: b"YUV4MPEG2 W1 H1 F25:1 C420jpeg\nFRAME\n" + bytes(3), "result"),
    attack("a raw film of 2 billion a row", "y4m", lambda: b"YUV4MPEG2 W2147483647 H1 F25:1\nFRAME\n" + bytes(99)),
    attack("a raw film of no rate", "y4m", lambda: b"YUV4MPEG2 W8 H8 F0:0 C420jpeg\nFRAME\n" + bytes(96)),
    attack("a raw film of a billion frames a second", "y4m", lambda: b"YUV4MPEG2 W8 H8 F1000000000:1 C420jpeg\nFRAME\n" + bytes(96) + b"FRAME\n" + bytes(96)),
    attack("sound alone", "wav", lambda: whole("wav"), "UnreadableError"),
    attack("sound that is called a film", "mp4", lambda: whole("wav"), "UnreadableError"),
    attack("H.264 of other sizes in the middle", "h264", lambda: whole("h264") + film_of(KINDS[21]) + whole("h264")),
    attack("MJPEG that changes its size", "mjpeg", lambda: whole("mjpeg") + _jpeg(16, 48) + whole("mjpeg"), "result"),
    attack("MJPEG with EXIF", "mjpeg", lambda: _jpeg(32, 48, exif=True) * 3, "result"),
    attack("GIF of one frame as a film", "gif", lambda: _gif(1), "UnreadableError"),
    attack("GIF of frames without a delay", "gif", lambda: _gif(3), "result"),
    attack("WebP of 8,519,789 x 1 that moves", "webp", partial(wide_webp, 8_519_789), "TooLargeError", options={"format": "mov"}),
    # what names other files
    attack("a play list that names a local file", "m3u8", text(PLAYLIST.format("file:///etc/passwd")), LISTS),
    attack("a play list that names an address", "m3u8", text(PLAYLIST.format("http://127.0.0.1:9/x.ts")), LISTS),
    attack("a play list that names itself", "m3u8", text(PLAYLIST.format("attack.m3u8")), LISTS),
    attack("a play list in a film's name", "mp4", text(PLAYLIST.format("/etc/passwd")), LISTS),
    attack("a play list with a key in a file", "m3u8", text('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/passwd"\n' + PLAYLIST.format("data:;base64,AAAA")), LISTS),
    attack("a list for concat", "ffconcat", text("ffconcat version 1.0\nfile '/etc/passwd'\n"), LISTS),
    attack("a list for concat of itself", "ffconcat", text("ffconcat version 1.0\nfile attack.ffconcat\n" * 20), LISTS),
    attack("a session description", "sdp", text("v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"), LISTS),
    attack("a DASH manifest", "mpd", text('<?xml version="1.0"?><MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period></MPD>'), LISTS),
    attack("an XML bomb in a manifest", "mpd", text('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><MPD>&b;</MPD>'), LISTS),
    *CUT,
]  # fmt: skip
ASKED = [
    attack("times that run back, at another rate", "mkv", changed("mkv", put(b"\xa3", 1, b"\x80\0")), options={"fps": "1000"}),
    attack("a frame that lasts for hours, at another rate", "mp4", changed("mp4", fill(b"stts", 0x7F)), options={"fps": "1", "end": "3"}),
    attack("from behind the end", "mp4", lambda: whole("mp4"), "InputError", options={"start": "9999"}),
    attack("a part of nearly nothing", "mp4", lambda: whole("mp4"), "result or InputError", options={"start": "0.1", "end": "0.1000001"}),
    attack("result of one pixel", "mp4", lambda: whole("mp4"), "result or UsageError", options={"scale": "1x1", "format": "gif"}),
    attack("a codec that is none", "mp4", lambda: whole("mp4"), "UsageError", options={"codec": "\x00"}),
    attack("a pixel format that is no text", "mp4", lambda: whole("mp4"), "UsageError", options={"pix_fmt": True}),
]  # fmt: skip


def _jpeg(height: int, width: int, *, exif: bool = False) -> bytes:
    import io

    from PIL import Image

    file, block = io.BytesIO(), Image.Exif()
    if exif:
        block[0x010F] = "Camera"
        block[0x0112] = 6
    Image.new("RGB", (width, height), "red").save(file, "JPEG", exif=block)
    return file.getvalue()


def _gif(frames: int) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    images = [Image.new("P", (16, 16), number) for number in range(frames)]
    images[0].putpalette(bytes(range(256)) * 3)
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=0)
    return file.getvalue()


@parametrised([*ATTACKS, *ASKED])
def test_attack(attacked: Attacked, attack: Attack) -> None:
    attacked("films", attack)
