"""Pictures that are tried: valid ones of every format and mode, most of them then changed."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from .case import Case
from .mutate import mutate, number_bytes
from .options import result_options
from .parts import PNG, png_chunk

PLAIN = 0.15  # share of cases that are valid: what is refused of them is looked at as well
FORMATS: dict[str, tuple[str, ...]] = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "jpg": ("L", "RGB", "CMYK"),
    "webp": ("L", "RGB", "RGBA"),
    "avif": ("L", "RGB", "RGBA"),
    "tiff": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
    "gif": ("1", "L", "P", "RGB"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
    "dib": ("L", "RGB"),
    "ico": ("RGB", "RGBA"),
    "pcx": ("1", "L", "P", "RGB"),
    "tga": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "ppm": ("1", "L", "RGB", "I;16", "F"),
    "jp2": ("L", "LA", "RGB", "RGBA"),
    "dds": ("L", "LA", "RGB", "RGBA"),
    "icns": ("RGBA",),
    "sgi": ("L", "RGB", "RGBA"),
    "qoi": ("RGB", "RGBA"),
    "mpo": ("RGB",),
    "im": ("1", "L", "P", "RGB", "CMYK"),
    "msp": ("1",),
    "spider": ("F",),
    "xbm": ("1",),
    "eps": ("L", "RGB"),
    "heic": ("RGB", "RGBA"),
    "psd": ("L", "RGB"),
}
PILLOW = {"jpg": "JPEG", "jp2": "JPEG2000", "heic": "HEIF"}
MOVING = (
    "png",
    "webp",
    "gif",
    "tiff",
    "mpo",
)  # Pillow's writer of AVIF animations ends the process now and then
WEIGHTS = {"png": 6, "jpg": 6, "webp": 4, "tiff": 6, "gif": 4, "avif": 3, "heic": 3}


def make(rng: random.Random) -> Case:
    """Make a picture's file, and what is asked for of it."""
    kind = rng.choices(list(FORMATS), [WEIGHTS.get(name, 2) for name in FORMATS])[0]
    data, words = draw(kind, rng)
    if rng.random() >= PLAIN:
        other = draw(rng.choice(list(FORMATS)), rng)[0] if rng.random() < 0.1 else b""
        data, done = mutate(data, rng, other)
        words += f": {done}"
    suffix = kind if rng.random() < 0.9 else rng.choice(list(FORMATS))
    return Case("pictures", f"case.{suffix}", data, result_options(rng), words)


def draw(kind: str, rng: random.Random) -> tuple[bytes, str]:
    """Write a small picture in a format, by random options; say which."""
    mode = rng.choice(FORMATS[kind])
    if kind == "psd":
        return _psd(mode, rng), f"psd {mode}"
    if kind == "png" and rng.random() < 0.2:
        return _bare_png(rng), "png by hand"
    frames = rng.choice((2, 3)) if kind in MOVING and rng.random() < 0.3 else 1
    size = rng.choice(((1, 1), (2, 3), (16, 16), (33, 17), (1, 40), (40, 1), (64, 48)))
    images = [_noise(mode, size, rng) for _ in range(frames)]
    options = _options(kind, mode, rng)
    if frames > 1:
        options |= {"save_all": True, "append_images": images[1:]}
    for attempt in (options, {}):
        with suppress(OSError, ValueError, KeyError, TypeError, struct.error, RuntimeError):
            return _saved(images[0], kind, attempt), f"{kind} {mode} {size[0]} x {size[1]}"
    return _saved(_noise("RGB", size, rng), "png", {}), "png RGB"


def _saved(image: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "heic":
            import pillow_heif

            pillow_heif.from_pillow(image).save(file, quality=40)
        else:
            image.save(file, PILLOW.get(kind, kind.upper()), **options)
    return file.getvalue()


def _noise(mode: str, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Draw soft noise in a mode."""
    generator = np.random.default_rng(rng.getrandbits(32))
    small = generator.integers(0, 256, (4, 4, 4), dtype=np.uint8)
    image = Image.fromarray(small).resize(size)
    if mode == "RGBA":
        return image
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(image.convert("L"))
        kinds: dict[str, Any] = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
        return Image.fromarray(grey.astype(kinds[mode]) * (200 if mode != "F" else 1))
    if mode == "LAB":
        profile = ImageCms.createProfile("LAB")
        lab = ImageCms.profileToProfile(
            image.convert("RGB"), ImageCms.createProfile("sRGB"), profile, outputMode="LAB"
        )
        lab.info.clear()
        return lab
    return image.convert("RGB").convert(mode) if mode not in ("LA", "RGBA") else image.convert(mode)


_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ICC = _PROFILE[:24] + bytes(12) + _PROFILE[36:]  # without the time at which it was made


def _options(kind: str, mode: str, rng: random.Random) -> dict[str, Any]:
    """Choose options of Pillow's writers."""
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        exif = Image.Exif()
        exif[0x0112] = rng.choice((1, 3, 6, 8, 0, 9, 65535))
        exif[0x010F] = rng.choice(("Camera", "x" * 300, "\0", "é"))
        exif.get_ifd(0x8769)[0x9286] = b"comment"
        options["exif"] = exif
    if rng.random() < 0.2:
        options["icc_profile"] = rng.choice((ICC, ICC[:100], b"x" * 200))
    if rng.random() < 0.2:
        options["dpi"] = rng.choice(((72, 72), (300, 150), (0.5, 1e6)))
    if kind == "jpg":
        options |= {"progressive": rng.random() < 0.4, "quality": rng.choice((5, 75, 100))}
        options |= {"optimize": rng.random() < 0.2, "restart_marker_blocks": rng.choice((0, 1, 4))}
    if kind == "tiff":
        options["compression"] = rng.choice(
            (None, "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits", "zstd", "lzma", "raw")
        )
        if mode in ("L", "RGB", "YCbCr"):
            options["compression"] = rng.choice((options["compression"], "jpeg"))
        if mode == "1":
            options["compression"] = rng.choice((None, "group3", "group4", "tiff_ccitt"))
    if kind in ("webp", "avif"):
        options |= {"lossless": rng.random() < 0.4, "quality": rng.choice((1, 50, 100))}
    if kind == "avif":
        options |= {"speed": 10, "max_threads": 1}
    if kind == "png" and mode in ("P", "L", "RGB") and rng.random() < 0.3:
        options["transparency"] = {"P": rng.choice((0, b"\0\x80\xff")), "L": 7, "RGB": (1, 2, 3)}[mode]
    if kind == "tga":
        options["compression"] = rng.choice((None, "tga_rle"))
    if kind == "jp2":
        options |= {"irreversible": rng.random() < 0.5, "num_resolutions": rng.choice((1, 2))}
    if kind == "gif":
        options |= {"interlace": rng.choice((0, 1)), "duration": rng.choice((0, 20, 65535))}
    return options


def _bare_png(rng: random.Random) -> bytes:
    """Write a PNG of any declared size, depth, colour type and interlacing, with fitting or other pixels."""
    sides = (1, 2, 7, 32, 33, 64, 100, 1000, 20_000, 100_000, 0, 1 << 31, (1 << 32) - 1)
    width, height = rng.choices(sides, (4, 4, 4, 4, 4, 4, 4, 2, 1, 1, 1, 1, 1), k=2)
    depth, colour = rng.choice((1, 2, 4, 8, 8, 16, 3)), rng.choice((0, 2, 3, 4, 6, 5))
    interlace = rng.choice((0, 0, 1, 2))
    row = 1 + (min(width, 1 << 16) * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1) + 7) // 8
    lines = min(height, max(1, (1 << 18) // row))
    pixels = b"".join(
        rng.choice((b"\0", b"\1", b"\4", b"\x09")) + bytes(row - 1) for _ in range(min(lines, 64))
    )
    pixels += bytes(row) * (lines - min(lines, 64))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))]
    if colour == 3 or rng.random() < 0.1:
        chunks.append((b"PLTE", rng.randbytes(3 * rng.choice((0, 1, 2, 16, 256, 300)))))
    for name in rng.sample(
        (b"tRNS", b"gAMA", b"pHYs", b"bKGD", b"cHRM", b"acTL", b"fcTL"), rng.choice((0, 0, 1, 2))
    ):
        chunks.append((name, rng.randbytes(rng.choice((1, 2, 4, 6, 8, 9, 26, 32)))))
    if rng.random() < 0.2:
        bomb = zlib.compress(bytes(rng.choice((10, 100_000, 20_000_000))))
        chunks.append(
            rng.choice(((b"iCCP", b"x\0\0" + bomb), (b"zTXt", b"x\0\0" + bomb), (b"eXIf", rng.randbytes(40))))
        )
    chunks.append((b"IDAT", zlib.compress(pixels)[: rng.choice((None, None, -3, 10))]))
    chunks.append((b"IEND", b""))
    if rng.random() < 0.2:
        rng.shuffle(chunks)
    return PNG + b"".join(png_chunk(*chunk) for chunk in chunks)


def _psd(mode: str, rng: random.Random) -> bytes:
    """Write a Photoshop file of one flat layer; Pillow has no writer for it."""
    width, height, channels = rng.choice((1, 8, 33)), rng.choice((1, 8, 17)), 1 if mode == "L" else 3
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, 8, 1 if mode == "L" else 3)
    resources = b"8BIM" + struct.pack(">HHI", 1039, 0, 4) + b"icc " if rng.random() < 0.5 else b""
    layers = number_bytes(rng, (2,)) + rng.randbytes(30) if rng.random() < 0.3 else b""
    parts = [struct.pack(">I", len(part)) + part for part in (b"", resources, layers)]
    return head + b"".join(parts) + struct.pack(">H", 0) + rng.randbytes(channels * width * height)
