"""Writing results: PNG, JPEG, WebP, TIFF, AVIF and the rest, with the source's metadata."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, features

from ..errors import OutputError, TooLargeError, UsageError
from ..images.picture import Metadata, to_pil
from ..images.result import Result
from ..options.suffixes import ANIMATED, KEEPS_ALPHA, LARGEST_SIDE, WRITABLE, format_of
from ..types import Size
from .atomic import cannot_write, replacing
from .files import name_of

Destination: TypeAlias = str | os.PathLike[str] | BinaryIO

# zlib's level; 4 makes files as small as Pillow's 6 does, in half the time (benchmarks/encoders.py)
PNG_LEVEL = 4
PNG_STRIPS, PNG_STRIP_ROWS = 3, 24  # zlib's strategies are tried on that many strips of that many rows
PNG_REPEATS = 0.9  # looking for long repetitions has to leave less than this share of what runs alone leave
# from 0 to 10; 8 takes about a third of the time of Pillow's 6, for files a fifth larger
AVIF_SPEED = 8
QUALITY = {"JPEG": 95, "WEBP": 92, "AVIF": 85}  # if none is asked for


def pick_format(destination: Destination | None, format: str | None) -> str:
    """Return Pillow's name of the format to write.

    Parameters
    ----------
    destination
        Its suffix decides if no format is named.
    format
        Such as ``png``, ``.jpg`` or ``TIFF``.

    Raises
    ------
    UsageError
        The format is unknown or can't be written here.
    """
    name = format
    if name is None and isinstance(destination, (str, os.PathLike)):
        name = Path(destination).name
    known = format_of(name) if name else None
    if known is None:
        choices = ", ".join(sorted({suffix[1:] for suffix in WRITABLE}))
        raise UsageError(f"format {name!r} cannot be written; choose from {choices}")
    if known == "AVIF" and not features.check("avif"):
        raise UsageError("this build of Pillow cannot write AVIF; choose png, webp or tiff")
    return known


def check_fits(kind: str, size: Size) -> None:
    """See that a format holds a picture of a size; ``kind`` is Pillow's name of it.

    Raises
    ------
    TooLargeError
        It does not.
    """
    most = LARGEST_SIDE.get(kind)
    if most is not None and max(size) > most:
        raise TooLargeError(
            f"{kind} holds at most {most:,} pixels a side, and the result is {size[1]:,} x {size[0]:,}; "
            "choose png or tiff, or make the picture smaller"
        )


def write(
    destination: Destination,
    result: Result,
    *,
    format: str | None = None,
    metadata: Metadata | None = None,
    quality: int | None = None,
) -> None:
    """Write one result.

    Parameters
    ----------
    destination
        A path, which is replaced only when the file is whole, or an open binary file.
    result
        Colours, colours with alpha, or grey. 16-bit colours keep their depth in PNG and TIFF, and
        are rounded to 8 bits elsewhere.
    format
        As in :func:`pick_format`.
    metadata
        ICC profile, resolution and EXIF, as far as the format can hold them.
    quality
        1 to 100. JPEG, WebP (100 is lossless), AVIF; for PNG and TIFF it changes nothing.

    Raises
    ------
    UsageError
        Format or quality is out of range, or the format cannot hold the result's alpha: put it over
        a colour first (``blend.flatten``).
    TooLargeError
        It has more pixels on a side than the format holds.
    OutputError
        It cannot be written.
    """
    kind = pick_format(destination, format)
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality must be from 1 to 100, not {quality}")
    if result.alpha is not None and kind not in KEEPS_ALPHA:
        raise UsageError(f"{kind} cannot hold transparency; choose png, webp, tiff or avif")
    check_fits(kind, result.size)
    with _target(destination) as file:
        if result.rgb is not None and result.rgb.dtype == np.uint16 and kind in ("PNG", "TIFF"):
            _write_sixteen_bit(file, result, kind, metadata or Metadata())
        else:
            image = to_pil(result.values, result.alpha)
            options = _options(kind, image, metadata or Metadata(), quality)
            _save(image, file, kind, options, destination)


def write_animation(
    destination: Destination,
    results: Iterable[Result],
    durations: Sequence[float],
    *,
    loop: int = 0,
    format: str | None = None,
    quality: int | None = None,
) -> None:
    """Write frames as APNG, WebP or GIF.

    Parameters
    ----------
    results
        Frames of one size, taken one at a time; GIF has 256 colours and no soft alpha.
    durations
        Milliseconds of each frame.
    loop
        How often to play; 0 is for ever.
    """
    kind = pick_format(destination, format)
    if kind not in ANIMATED:
        raise UsageError(f"{kind} holds no animation here; choose png (APNG), webp or gif")
    images = (to_pil(result.values, result.alpha) for result in results)
    if kind == "PNG":  # Pillow fails on grey frames that differ
        images = (image.convert("RGB") if image.mode == "L" else image for image in images)
    first = next(images)
    check_fits(kind, (first.height, first.width))
    options = _options(kind, first, Metadata(), quality)
    # Pillow's PNG writer goes through the frames twice, the others once
    rest = list(images) if kind == "PNG" else images
    options |= {"save_all": True, "append_images": rest, "duration": list(durations)}
    if kind == "GIF":
        options |= {"disposal": 2}
        loop = loop - 1 if loop > 1 else loop  # GIF counts repetitions
        if loop != 1:
            options["loop"] = loop
    else:
        options["loop"] = loop
    if kind == "PNG":
        options |= {"disposal": 1, "blend": 0}
    if kind == "WEBP" and first.mode == "RGBA":
        # libwebp's animation encoder marks a file of lossy frames as opaque, whatever their alpha
        options |= {"lossless": True, "quality": 40}
    with _target(destination) as file:
        _save(first, file, kind, options, destination)


def _target(destination: Destination) -> AbstractContextManager[BinaryIO]:
    if isinstance(destination, (str, os.PathLike)):
        return replacing(Path(destination))
    return nullcontext(destination)


def _save(image: Image.Image, file: BinaryIO, kind: str, options: dict[str, Any], name: Destination) -> None:
    try:
        image.save(file, format=kind, **options)
    except OSError as error:
        raise cannot_write(name_of(name), error) from error
    except (ValueError, MemoryError, KeyError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OutputError(f"{name_of(name)}: cannot be written as {kind}: {text}") from error


def _write_sixteen_bit(file: BinaryIO, result: Result, kind: str, metadata: Metadata) -> None:
    from . import deep

    values: np.ndarray[Any, Any] = np.asarray(result.rgb)
    if result.alpha is not None:
        alpha = np.rint(result.alpha * np.float32(65535)).astype(np.uint16)
        values = np.dstack([values, alpha])
    if kind == "PNG":
        deep.write_png(file, values, metadata, PNG_LEVEL)
    else:
        deep.write_tiff(file, values, metadata)


def png_options(image: Image.Image) -> dict[str, Any]:
    """Choose how zlib packs a PNG; return Pillow's options for it.

    What PNG's filters leave of a photo repeats in runs only, and to look for nothing else takes half the
    time. Text and drawings repeat in longer pieces, and would grow several times. Some rows tell.
    """
    options: dict[str, Any] = {"compress_level": PNG_LEVEL}
    width, height = image.size
    if height < 2 * PNG_STRIPS * PNG_STRIP_ROWS:
        return options
    sample = Image.new(image.mode, (width, PNG_STRIPS * PNG_STRIP_ROWS))
    for index in range(PNG_STRIPS):
        top = (height - PNG_STRIP_ROWS) * (index + 1) // (PNG_STRIPS + 1)
        sample.paste(image.crop((0, top, width, top + PNG_STRIP_ROWS)), (0, index * PNG_STRIP_ROWS))
    runs = {**options, "compress_type": zlib.Z_RLE}
    repeats = _png_size(sample, options) < PNG_REPEATS * _png_size(sample, runs)
    return options if repeats else runs


def _png_size(image: Image.Image, options: dict[str, Any]) -> int:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.tell()


def _options(kind: str, image: Image.Image, metadata: Metadata, quality: int | None) -> dict[str, Any]:
    """Return Pillow's options for a format."""
    options: dict[str, Any] = {}
    if kind == "PNG":
        options |= png_options(image)
    elif kind == "TIFF":
        options["compression"] = "tiff_adobe_deflate"
    elif kind in QUALITY:
        options["quality"] = QUALITY[kind] if quality is None else quality
    if kind == "AVIF":
        options["speed"] = AVIF_SPEED
    if kind == "JPEG" and options["quality"] >= 90:
        options["subsampling"] = 0  # full colour resolution: edges stay clean
    if kind == "WEBP" and options["quality"] == 100:
        options |= {"lossless": True, "quality": 40}  # there, quality is effort
    if metadata.icc_profile and image.mode in ("RGB", "RGBA"):
        options["icc_profile"] = metadata.icc_profile
    if metadata.dpi and kind in ("PNG", "JPEG", "TIFF", "BMP"):
        options["dpi"] = metadata.dpi
    if metadata.exif and kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF"):
        options["exif"] = metadata.exif
    return options
