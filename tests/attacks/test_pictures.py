"""Pictures of the other formats: sizes that lie, directories in circles, bombs, cut-off files, odd runs."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from attack import Attack, Attacked, parametrised
from PIL import Image

from benchmarks.fuzz.tree import Tree

EITHER = "UnreadableError or result"


def valid(format: str, mode: str = "RGB", size: tuple[int, int] = (16, 16), **options: Any) -> bytes:
    """Write a small picture."""
    pixels = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, format, **options)
    return file.getvalue()


def patched(data: bytes, *changes: tuple[int, bytes]) -> bytes:
    """Put bytes at places; from the end if these are negative."""
    out = bytearray(data)
    for at, new in changes:
        at %= len(out)
        out[at : at + len(new)] = new
    return bytes(out)


def tiff(*entries: tuple[int, int, int, int], following: int = 0, behind: bytes = b"\x80" * 768) -> bytes:
    """Write a TIFF of 16 x 16 RGB pixels, whose entries (tag, type, count, value) go before the usual ones."""
    usual = {
        256: (3, 1, 16),
        257: (3, 1, 16),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 2),
        277: (3, 1, 3),
        273: (4, 1, 500),
        278: (3, 1, 16),
        279: (4, 1, 768),
    }
    usual |= {tag: rest for tag, *rest in entries}
    packed = b"".join(
        struct.pack("<HHI", tag, kind, count) + struct.pack("<I", value & 0xFFFFFFFF)
        for tag, (kind, count, value) in sorted(usual.items())
    )
    file = b"II*\0" + struct.pack("<IH", 8, len(usual)) + packed + struct.pack("<I", following)
    return file.ljust(500, b"\0") + behind


def chain(count: int) -> bytes:
    """Write a TIFF of many empty directories, each of which names the next."""
    head = b"II*\0" + struct.pack("<I", 8)
    return head + b"".join(struct.pack("<HI", 0, 8 + 6 * (index + 1)) for index in range(count))


def gif(*blocks: bytes, width: int = 16, height: int = 16) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + b"\0\0\0\xff\xff\xff"
        + b"".join(blocks)
    )


def gif_image(
    width: int = 16, height: int = 16, x: int = 0, code: int = 2, data: bytes = b"\x02\x4c\x01\0"
) -> bytes:
    return b"," + struct.pack("<HHHHB", x, 0, width, height, 0) + bytes([code]) + data


def bmp(
    width: int, height: int, *, bits: int = 24, packing: int = 0, colours: int = 0, start: int = 54
) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, 0, 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", 3000, 0, 0, start) + info + b"\x10" * 1000


def jpeg_of(*changes: Callable[[Tree], None]) -> bytes:
    tree = Tree.of(valid("JPEG"))
    assert tree is not None
    for change in changes:
        change(tree)
    return tree.bytes()


def without(name: bytes) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        tree.parts = [part for part in tree.parts if part.name != name]

    return change


def jpeg_size(height: int, width: int) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        for part in tree.parts:
            if part.name == b"\xc0":
                part.body = part.body[:1] + struct.pack(">HH", height, width) + part.body[5:]

    return change


def scans(count: int) -> bytes:
    """Write a progressive JPEG whose last scan comes again and again."""
    tree = Tree.of(valid("JPEG", size=(2000, 2000), progressive=True, quality=5))
    assert tree is not None
    end = tree.parts.pop()
    tree.parts += tree.parts[-2:] * count
    return tree.bytes() + b"\xff" + end.name


def app1(body: bytes) -> bytes:
    return patched_in(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)


def patched_in(segment: bytes) -> bytes:
    whole = valid("JPEG")
    return whole[:2] + segment + whole[2:]


def icc(number: int, of: int) -> bytes:
    body = b"ICC_PROFILE\0" + bytes([number, of]) + b"x" * 100
    return b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def j2k_size(width: int, height: int, tile: int) -> bytes:
    whole = valid("JPEG2000", no_jp2=True)
    return patched(whole, (8, struct.pack(">IIIIII", width, height, 0, 0, tile, tile)))


def webp_canvas(width: int, height: int) -> bytes:
    vp8x = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    anmf = b"ANMF" + struct.pack("<I", 16) + bytes(16)
    body = b"WEBPVP8X" + struct.pack("<I", 10) + vp8x + b"ANIM" + struct.pack("<I", 6) + bytes(6) + anmf
    return b"RIFF" + struct.pack("<I", len(body)) + body


def repeated_frames(count: int) -> bytes:
    return gif(*[gif_image(1, 1, data=b"\x02\x44\x01\0")] * count, b";", width=1, height=1)


def psd(height: int, width: int, channels: int = 3, layers: bytes = b"") -> bytes:
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, 8, 3)
    return head + bytes(8) + struct.pack(">I", len(layers)) + layers + bytes(2 + 3 * 256)


def attack(
    tries: str, name: str, build: Callable[[], bytes] | bytes, ends: str = EITHER, **more: Any
) -> Attack:
    return Attack(tries, build if callable(build) else lambda: build, f"attack.{name}", ends, **more)


ATTACKS = [
    # JPEG
    attack("JPEG of 65,535 x 65,535", "jpg", partial(jpeg_of, jpeg_size(65_535, 65_535)), "TooLargeError"),
    attack("JPEG of no height", "jpg", partial(jpeg_of, jpeg_size(0, 16))),
    attack("JPEG whose tables are missing", "jpg", partial(jpeg_of, without(b"\xdb"), without(b"\xc4"))),
    attack("JPEG without a frame", "jpg", partial(jpeg_of, without(b"\xc0")), "UnreadableError"),
    attack("JPEG without a scan", "jpg", partial(jpeg_of, without(b"scan"), without(b"\xda")), "UnreadableError"),
    attack("JPEG that is cut off", "jpg", lambda: valid("JPEG", size=(64, 64))[:-200], "UnreadableError"),
    attack("JPEG of five hundred scans", "jpg", partial(scans, 500)),
    attack("JPEG with a segment of length 0", "jpg", lambda: patched_in(b"\xff\xe1\0\0"), "UnreadableError or result"),
    attack("JPEG with EXIF in a circle", "jpg", lambda: app1(b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\x08"), "result"),
    attack("JPEG with EXIF that is cut off", "jpg", lambda: app1(b"Exif\0\0MM\0*\0\0\0\x08\x01"), "result"),
    attack("JPEG with an MPF index that lies", "jpg", lambda: patched_in(b"\xff\xe2\0\x10MPF\0MM\0*\xff\xff\xff\xff\0\0"), EITHER),
    attack("JPEG with half of an ICC profile", "jpg", lambda: patched_in(icc(1, 2)), "result"),
    attack("JPEG with 255 of 1 parts of an ICC profile", "jpg", lambda: patched_in(icc(255, 1) * 255), "result"),
    attack("JPEG of CMYK that says nothing of it", "jpg", lambda: valid("JPEG", "CMYK"), "result"),
    attack("JPEG that is a web page too", "jpg", lambda: patched_in(b"\xff\xfe\0\x1a<script>alert(1)</script"), EITHER),
    attack("JPEG behind a PDF's head", "jpg", lambda: b"%PDF-1.7\n" + valid("JPEG"), "UnreadableError"),
    # GIF
    attack("GIF of 65,535 x 65,535 around one pixel", "gif", gif(gif_image(1, 1), b";", width=65_535, height=65_535), "TooLargeError"),
    attack("GIF with a frame outside of it", "gif", gif(gif_image(600, 600, x=60_000), b";"), "TooLargeError"),
    attack("GIF with 65,535 pixels a row", "gif", gif(gif_image(65_535, 1), b";")),
    attack("GIF of five hundred frames", "gif", partial(repeated_frames, 500), "result"),
    attack("GIF with codes of no bits", "gif", gif(gif_image(code=0), b";")),
    attack("GIF with codes of 255 bits", "gif", gif(gif_image(code=255), b";")),
    attack("GIF whose blocks do not end", "gif", gif(gif_image(data=b"\xff" * 5000))),
    attack("GIF without an image", "gif", gif(b";"), "UnreadableError"),
    attack("GIF with an extension that does not end", "gif", gif(b"!\xff\x0bNETSCAPE2.0" + b"\xff" * 300)),
    # TIFF
    attack("TIFF whose directory follows itself", "tif", partial(tiff, following=8)),
    attack("TIFF whose directory is outside", "tif", partial(tiff, following=0xFFFFFFF0)),
    attack("TIFF of a hundred thousand directories", "tif", partial(chain, 100_000), "UnreadableError"),
    attack("TIFF of 4 gigapixels", "tif", partial(tiff, (256, 4, 1, 65_536), (257, 4, 1, 65_536)), "TooLargeError"),
    attack("TIFF of 4,294,967,295 a row", "tif", partial(tiff, (256, 4, 1, -1)), "TooLargeError"),
    attack("TIFF of no width", "tif", partial(tiff, (256, 4, 1, 0))),
    attack("TIFF of 65,535 samples a pixel", "tif", partial(tiff, (277, 3, 1, 65_535)), "UnreadableError"),
    attack("TIFF of 65,535 bits a sample", "tif", partial(tiff, (258, 3, 1, 65_535)), "UnreadableError"),
    attack("TIFF whose strip is outside", "tif", partial(tiff, (273, 4, 1, 0x7FFFFFFF))),
    attack("TIFF whose strip is 4 GB", "tif", partial(tiff, (279, 4, 1, -1))),
    attack("TIFF with no rows a strip", "tif", partial(tiff, (278, 3, 1, 0))),
    attack("TIFF packed in a way that there is not", "tif", partial(tiff, (259, 3, 1, 65_000)), "UnreadableError"),
    attack("TIFF whose Deflate is none", "tif", partial(tiff, (259, 3, 1, 8)), "UnreadableError"),
    attack("TIFF whose LZW is none", "tif", partial(tiff, (259, 3, 1, 5)), EITHER),
    attack("TIFF whose fax lines are none", "tif", partial(tiff, (259, 3, 1, 4), (258, 3, 1, 1), (277, 3, 1, 1), (262, 3, 1, 0)), EITHER),
    attack("TIFF whose JPEG is none", "tif", partial(tiff, (259, 3, 1, 7)), "UnreadableError"),
    attack("TIFF of tiles without a size", "tif", partial(tiff, (322, 3, 1, 0), (323, 3, 1, 0), (324, 4, 1, 500))),
    attack("TIFF with 4 billion values in an entry", "tif", partial(tiff, (270, 2, -1 & 0xFFFFFFFF, 8))),
    attack("TIFF of a kind of numbers that there is not", "tif", partial(tiff, (339, 3, 1, 77)), "UnreadableError"),
    attack("TIFF turned in a way that there is not", "tif", partial(tiff, (274, 3, 1, 77)), "result"),
    attack("BigTIFF without directories", "tif", b"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f", "UnreadableError"),
    # BMP and ICO
    attack("BMP of 2,147,483,647 x 2,147,483,647", "bmp", partial(bmp, 0x7FFFFFFF, 0x7FFFFFFF), "TooLargeError"),
    attack("BMP of the smallest negative height", "bmp", partial(bmp, 16, -0x80000000), "TooLargeError"),
    attack("BMP of a negative width", "bmp", partial(bmp, -16, 16), "TooLargeError"),
    attack("BMP of no bits", "bmp", partial(bmp, 16, 16, bits=0), "UnreadableError"),
    attack("BMP of four billion colours", "bmp", partial(bmp, 16, 16, bits=8, colours=0xFFFFFFFF), "UnreadableError"),
    attack("BMP whose pixels are outside", "bmp", partial(bmp, 16, 16, start=0xFFFFFFF0), "UnreadableError"),
    attack("BMP whose runs go on behind the end", "bmp", partial(bmp, 16, 16, bits=8, packing=1, colours=2), EITHER),
    attack("ICO of 65,535 pictures", "ico", b"\0\0\1\0\xff\xff" + bytes(64), "UnreadableError"),
    attack("ICO that names itself", "ico", b"\0\0\1\0\1\0" + b"\x10\x10\0\0\1\0\x20\0\xff\xff\0\0\0\0\0\0" + bytes(64), "UnreadableError"),
    attack("ICO with a PNG of 60,000 x 60,000", "ico", lambda: b"\0\0\1\0\1\0" + b"\0\0\0\0\1\0\x20\0\x50\0\0\0\x16\0\0\0" + b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\2\0\0\0\x2a\x2a\x2a\x2a", "UnreadableError or TooLargeError"),
    # WebP, AVIF, HEIC, JPEG 2000
    attack("WebP of 16,777,216 x 256", "webp", partial(webp_canvas, 1 << 24, 256), "UnreadableError or TooLargeError"),
    attack("WebP that is cut off", "webp", lambda: valid("WEBP")[:-20], "UnreadableError"),
    attack("WebP whose RIFF lies about its length", "webp", lambda: patched(valid("WEBP"), (4, b"\xff\xff\xff\xff"))),
    attack("AVIF of 65,535 x 65,535", "avif", lambda: patched(valid("AVIF"), (valid("AVIF").find(b"ispe") + 8, b"\0\0\xff\xff\0\0\xff\xff")), "UnreadableError or TooLargeError"),
    attack("AVIF whose place is outside", "avif", lambda: valid("AVIF").replace(b"iloc", b"iloc\xff", 1), "UnreadableError"),
    attack("AVIF that is cut off", "avif", lambda: valid("AVIF")[:-30], EITHER),
    attack("HEIC of boxes without an end", "heic", box(b"ftyp", b"heic\0\0\0\0heic") + b"\0\0\0\0meta" * 50, "UnreadableError"),
    attack("HEIC of a box of length 1", "heic", box(b"ftyp", b"heic\0\0\0\0heic") + b"\0\0\0\1meta\xff\xff\xff\xff\xff\xff\xff\xff", "UnreadableError"),
    attack("HEIC that is nothing but its brand", "heic", box(b"ftyp", b"heic\0\0\0\0heic"), "UnreadableError"),
    attack("JPEG 2000 of 60,000 x 60,000", "j2k", partial(j2k_size, 60_000, 60_000, 60_000), "UnreadableError or TooLargeError"),
    attack("JPEG 2000 of 16 million tiles", "j2k", partial(j2k_size, 4000, 4000, 1), "UnreadableError"),
    attack("JPEG 2000 of a box in itself", "jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\0jp2h" * 20, "UnreadableError"),
    # the rest
    attack("PSD of 300,000 x 300,000", "psd", partial(psd, 300_000, 300_000), "TooLargeError"),
    attack("PSD of 56 channels", "psd", partial(psd, 16, 16, 56), "UnreadableError or result"),
    attack("PSD with layers that lie", "psd", partial(psd, 16, 16, layers=b"\xff\xff\xff\xff\x80\0" + b"\xff" * 60)),
    attack("PCX that ends before it begins", "pcx", lambda: patched(valid("PCX"), (4, b"\x20\0\x20\0\x10\0\x10\0")), "UnreadableError"),
    attack("PCX of 65,535 x 65,535", "pcx", lambda: patched(valid("PCX"), (4, b"\0\0\0\0\xfe\xff\xfe\xff")), "TooLargeError"),
    attack("TGA whose runs go on behind the end", "tga", lambda: valid("TGA", compression="tga_rle")[:18] + b"\xff\1\2\3" * 2, "UnreadableError"),
    attack("TGA with 65,535 colours in no palette", "tga", lambda: patched(valid("TGA", "P"), (5, b"\xff\xff"))),
    attack("PPM of ten to the 30 pixels", "ppm", b"P6 1000000000000000 1000000000000000 255\n" + bytes(50)),
    attack("PPM whose white is nothing", "ppm", b"P6 4 4 0\n" + bytes(48), "UnreadableError"),
    attack("PPM whose white is minus one", "ppm", b"P6 4 4 -1\n" + bytes(48), "UnreadableError"),
    attack("PPM of a size in words", "ppm", b"P6 four 4 255\n" + bytes(48), "UnreadableError"),
    attack("PPM of text without an end", "ppm", b"P3 4 4 255\n" + b"1" * 100_000, "UnreadableError"),
    attack("PFM of an infinite scale", "pfm", b"PF\n4 4\ninf\n" + b"\0\0\xc0\x7f" * 48, "UnreadableError or InputError"),
    attack("DDS of 4,294,967,295 x 1", "dds", lambda: patched(valid("DDS"), (12, b"\1\0\0\0\xff\xff\xff\xff")), "TooLargeError"),
    attack("ICNS of blocks of no length", "icns", b"icns\0\0\1\0" + b"ic07\0\0\0\0" * 20, "UnreadableError"),
    attack("SGI whose rows are outside", "sgi", lambda: patched(valid("SGI"), (2, b"\1\1"))),
    attack("QOI of 4 gigapixels", "qoi", b"qoif\0\1\0\0\0\1\0\0\3\0" + bytes(20), "TooLargeError"),
    attack("QOI of runs only", "qoi", b"qoif\0\0\0\x10\0\0\0\x10\3\0" + b"\xfd" * 50),
    attack("SPIDER that says it is one of a stack", "spider", lambda: patched(valid("SPIDER", "F"), (104, valid("SPIDER", "F")[:4])), "UnreadableError"),
    attack("FLI of a frame in a circle", "fli", struct.pack("<IHHHHHHI", 128, 0xAF11, 9, 16, 16, 8, 3, 0).ljust(128, b"\0") + b"\0\0\0\0\xfa\xf1" * 30),
    attack("XBM of a size in words", "xbm", b"#define x_width 99999999999\n#define x_height 9\nstatic char x_bits[] = {0x00}", "UnreadableError or TooLargeError"),
    attack("a shell command in an EPS", "eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(%pipe%touch canary) (w) file\n", "UnreadableError"),
    attack("an SVG that names a file", "svg", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "UnreadableError"),
    attack("a film that is called a picture", "png", b"\0\0\0\x18ftypmp42" + bytes(100), "UnreadableError"),
    attack("nothing but zeros", "png", bytes(5000), "UnreadableError"),
    attack("an empty file", "png", b"", "UnreadableError"),
]  # fmt: skip


@parametrised(ATTACKS)
def test_attack(attacked: Attacked, attack: Attack) -> None:
    attacked("pictures", attack)
