"""Reading pictures: everything Pillow reads, HEIC with the extra ``heif``, 16 bits where there are."""

from __future__ import annotations

import io
import math
import os
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from PIL import Image, UnidentifiedImageError

from ..errors import (
    InputError,
    MissingExtraError,
    SourceNotFoundError,
    TooLargeError,
    UnreadableError,
    needing,
)
from ..images.exif import without_warnings
from ..images.picture import Picture, from_pil
from .deep import read_sixteen_bit
from .files import name_of, open_file

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO

# libheif raises RuntimeError, the others all sorts
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, EOFError, AssertionError, struct.error),
    *(LookupError, RuntimeError),
)


def read(source: Source) -> Picture:
    """Read a picture; of an animation, the first frame.

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
        It has more pixels than Pillow will decode (179 million).
    MissingExtraError
        It is HEIC, and pillow-heif is not installed.
    """
    with _opened(source) as (image, file), _decoding(source):
        deep = read_sixteen_bit(image, file)
        return from_pil(image) if deep is None else deep


def measure(source: Source) -> tuple[int, int]:
    """Return a picture's (height, width) as its header says, before anything is decoded.

    Raises
    ------
    SourceNotFoundError, UnreadableError, TooLargeError, MissingExtraError
        As :func:`read`, as far as the header shows it.
    """
    with _file(source) as file, _decoding(source):
        head = file.read(256)
        file.seek(0)
        if _is_heif(head):
            width, height = _heif(file, source).size
            return height, width
        image = _open(file, source)
        return image.height, image.width


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
    with _opened(source) as (image, _), _decoding(source):
        frames = int(getattr(image, "n_frames", 1))
        if frames < 2 or image.format not in ("GIF", "PNG", "WEBP", "AVIF"):
            return None
        # a GIF without a loop extension plays once, one with count n plays n + 1 times
        loop = image.info.get("loop", 1 if image.format == "GIF" else 0)
        return Animation(frames, int(loop))


def read_frames(source: Source) -> Iterator[AnimationFrame]:
    """Decode an animation frame by frame; raises as :func:`read` does."""
    with _opened(source) as (image, _):
        for index in range(int(getattr(image, "n_frames", 1))):
            with _decoding(source):
                image.seek(index)
                image.load()
                duration = float(image.info.get("duration", 100) or 100)
                frame = AnimationFrame(from_pil(image.copy()), duration)
            yield frame


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
        return opened.to_pillow()
    try:
        # between half of Pillow's limit and the limit it only warns; the picture is still read
        with without_warnings():
            return Image.open(file)
    except UnidentifiedImageError as error:
        raise UnreadableError(
            f"{name_of(source)}: is not a picture, whatever its name says (or its start is damaged)"
        ) from error


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
def _decoding(source: Source) -> Iterator[None]:
    """Turn whatever a decoder raises into an error of ours that names the source."""
    name = name_of(source)
    try:
        yield
    except (SourceNotFoundError, TooLargeError, MissingExtraError):
        raise
    except InputError as error:
        text = str(error)
        raise type(error)(text if text.startswith(name) else f"{name}: {text}") from error
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise TooLargeError(
            f"{name}: has more than {limit} million pixels and is not decoded; make it smaller first"
        ) from error
    except MemoryError as error:
        raise TooLargeError(f"{name}: is too large for this machine's memory") from error
    except _DAMAGED as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnreadableError(f"{name}: cannot be decoded: {reason}") from error
