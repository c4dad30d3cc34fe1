"""Reading pictures: formats of ``images/opening.py``, HEIC with the extra ``heif``, 16 bits if there are."""

from __future__ import annotations

import io
import logging
import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from PIL import Image

from ..errors import (
    InputError,
    MissingExtraError,
    SourceNotFoundError,
    TooLargeError,
    UnreadableError,
    needing,
)
from ..images.memory import LEDGER, decoding
from ..images.opening import DAMAGED, open_picture
from ..images.picture import Picture, from_pil
from ..types import Size
from .deep import float_tiff_size, is_sixteen_bit, read_float_tiff, read_sixteen_bit
from .files import name_of, open_file

logger = logging.getLogger(__name__)

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO

MOST_PAGES = 1000  # of a TIFF, that are counted: a file may say that it has millions
_MOVING = ("GIF", "PNG", "WEBP", "AVIF")


def read(source: Source) -> Picture:
    """Read a picture; of an animation, the first frame; of several pages, the first, which is logged.

    Parameters
    ----------
    source
        A path, a file's bytes, or an open binary file.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    UnreadableError
        It is empty, no picture, damaged, cut off, or may not be read.
    TooLargeError
        It has more pixels than Pillow will decode (179 million), or needs more memory than is free.
    MissingExtraError
        It is HEIC, and pillow-heif is not installed.
    """
    with _file(source) as file, _decoding(source):
        if floats := _float_tiff(file):
            with _room_for(Header(floats, 4), source):
                return read_float_tiff(file)
        image = _open(file, source)
        with _room_for(_header_of(image, file), source):
            _tell_of_pages(image, source)
            deep = read_sixteen_bit(image, file)
            return from_pil(image) if deep is None else deep


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's file says of it, before anything is decoded."""

    size: Size
    """Height and width; EXIF may say that they are the other way round."""
    depth: int
    """Bytes of a channel once it is decoded: 1, 2 or 4."""


def read_header(source: Source, most: int | None = None) -> Header:
    """Return what a picture's header says, before anything is decoded.

    Parameters
    ----------
    most
        Pixels that it may have; None: as many as Pillow decodes.

    Raises
    ------
    SourceNotFoundError, UnreadableError, TooLargeError, MissingExtraError
        As :func:`read`, as far as the header shows it.
    """
    with _file(source) as file, _decoding(source, most):
        head = file.read(256)
        file.seek(0)
        if _is_heif(head):
            width, height = _heif(file, source).size
            header = Header((height, width), 1)
        elif floats := _float_tiff(file):
            header = Header(floats, 4)
        else:
            header = _header_of(_open(file, source), file)
        pixels = math.prod(header.size)
        if most is not None and pixels > most:
            raise TooLargeError(
                f"has {pixels / 1e6:.1f} million pixels; at most {most / 1e6:g} million are taken here"
            )
        return header


def measure(source: Source) -> Size:
    """Return a picture's (height, width) as its header says; raises as :func:`read_header`."""
    return read_header(source).size


def _header_of(image: Image.Image, file: BinaryIO) -> Header:
    deep = image.mode.startswith("I") or is_sixteen_bit(image, file)
    return Header((image.height, image.width), 4 if image.mode == "F" else 2 if deep else 1)


def _room_for(header: Header, source: Source) -> AbstractContextManager[None]:
    """Hold the memory that decoding takes."""
    height, width = header.size
    what = f"{name_of(source)}: a picture of {width} x {height}"
    return LEDGER.hold(decoding(header.size, header.depth), what)


@dataclass(frozen=True, slots=True)
class AnimationFrame:
    """One frame of an animation."""

    picture: Picture
    duration: float
    """How long it is shown, milliseconds."""


@dataclass(frozen=True, slots=True)
class Animation:
    """What an animation is, before its frames are decoded."""

    frames: int
    loop: int
    """How often it plays; 0 is for ever."""


def animation(source: Source) -> Animation | None:
    """Tell whether a picture is animated, and how; None for a still one."""
    with _file(source) as file, _decoding(source):
        if _float_tiff(file):
            return None
        image = _open(file, source)
        frames = int(getattr(image, "n_frames", 1)) if image.format in _MOVING else 1
        if frames < 2:
            return None
        # a GIF without a loop extension plays once, one with count n plays n + 1 times
        loop = image.info.get("loop", 1 if image.format == "GIF" else 0)
        return Animation(frames, int(loop))


def read_frames(source: Source) -> Iterator[AnimationFrame]:
    """Decode an animation frame by frame; raises as :func:`read` does."""
    with _opened(source) as (image, file):
        header = _header_of(image, file)
        for index in range(int(getattr(image, "n_frames", 1))):
            with _decoding(source), _room_for(header, source):
                image.seek(index)
                image.load()
                duration = float(image.info.get("duration", 100) or 100)
                frame = AnimationFrame(from_pil(image.copy()), duration)
            yield frame


def _float_tiff(file: BinaryIO) -> tuple[int, int] | None:
    """Return the size of a TIFF of floats in colour, within Pillow's limit; None for other files."""
    size = float_tiff_size(file)
    if size is not None and Image.MAX_IMAGE_PIXELS and math.prod(size) > 2 * Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    return size


def _tell_of_pages(image: Image.Image, source: Source) -> None:
    """Log how many pages of a TIFF are passed over."""
    if image.format != "TIFF":
        return
    pages = 1
    try:
        while pages < MOST_PAGES:
            image.seek(pages)
            pages += 1
    except DAMAGED:  # that was the last; or the next is damaged, and the first may be whole all the same
        pass
    image.seek(0)
    if pages > 1:
        logger.warning(
            "%s: has %s%d pages, and only the first is done: save the others as files of their own",
            name_of(source),
            "" if pages < MOST_PAGES else "at least ",
            pages,
        )


@contextmanager
def _opened(source: Source) -> Iterator[tuple[Image.Image, BinaryIO]]:
    """Open a picture without decoding it; what was opened here is closed at the end."""
    with _file(source) as file:
        with _decoding(source):
            image = _open(file, source)
        yield image, file


def _file(source: Source) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return (
        open_file(Path(source), "picture") if isinstance(source, (str, os.PathLike)) else nullcontext(source)
    )


def _open(file: BinaryIO, source: Source) -> Image.Image:
    head = file.read(256)
    file.seek(0)
    if not head:
        raise UnreadableError(f"{name_of(source)}: is empty (0 bytes)")
    if _is_heif(head):
        opened = _heif(file, source)
        if Image.MAX_IMAGE_PIXELS and math.prod(opened.size) > 2 * Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError  # libheif itself has no such limit
        width, height = opened.size
        with _room_for(Header((height, width), 1), source):
            return opened.to_pillow()
    return open_picture(file, name_of(source))


def _is_heif(head: bytes) -> bool:
    """Tell HEIC by the brands that its first box names; AVIF has the same box, and Pillow reads it."""
    if head[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(head[:4], "big"), len(head))
    compatible = {head[at : at + 4] for at in range(16, end, 4)}
    return head[8:12] in _HEIF_BRANDS and not compatible & {b"avif", b"avis"}


_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))


def _heif(file: BinaryIO, source: Source) -> Any:
    with needing("heif", f"{name_of(source)}: HEIC pictures need pillow-heif"):
        import pillow_heif
    # opened by hand rather than registered with Pillow, which would change it for the whole process
    return pillow_heif.open_heif(file, convert_hdr_to_8bit=True)


@contextmanager
def _decoding(source: Source, most: int | None = None) -> Iterator[None]:
    """Turn what a decoder raises into an error of ours that names the source; ``most`` pixels are taken."""
    name = name_of(source)
    try:
        yield
    except (SourceNotFoundError, MissingExtraError):
        raise
    except InputError as error:
        text = str(error)
        raise type(error)(text if text.startswith(name) else f"{name}: {text}") from error
    except Image.DecompressionBombError as error:
        limit = min(most or math.inf, 2 * (Image.MAX_IMAGE_PIXELS or 0)) / 1e6
        raise TooLargeError(
            f"{name}: has more than {limit:.4g} million pixels and is not decoded; make it smaller first"
        ) from error
    except MemoryError as error:
        raise TooLargeError(f"{name}: is too large for this machine's memory") from error
    except DAMAGED as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnreadableError(f"{name}: cannot be decoded: {reason}") from error
