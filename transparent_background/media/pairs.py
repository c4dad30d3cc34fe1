"""Data sets on disk: folders with ``images/`` and ``masks/``, checked before the first step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from ..errors import DataSetError, UnreadableError
from ..images.exif import read_exif, upright
from ..images.opening import DAMAGED, open_picture
from ..options.suffixes import PICTURE_SUFFIXES
from ..types import ByteArray

T = TypeVar("T")

LISTED = 20  # problems named in one message
_UNREADABLE = (*DAMAGED, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its mask."""

    image: Path
    mask: Path


def evenly(items: Sequence[T], count: int | None) -> list[T]:
    """Choose as many items, evenly spaced; all of them if there are no more, or for None."""
    chosen = min(len(items) if count is None else count, len(items))
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, chosen)]


def find_pictures(folder: Path) -> list[Path]:
    """List the files of a folder that are called like pictures, in order."""
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURE_SUFFIXES]


def find_pairs(folder: Path) -> list[Pair]:
    """List the pairs of a data set, by stem, in order.

    Parameters
    ----------
    folder
        Holds ``images/`` and ``masks/``.

    Raises
    ------
    DataSetError
        A folder or one half of a pair is missing; up to 20 problems are named.
    """
    halves: list[dict[str, Path]] = []
    problems: list[str] = []
    for name in ("images", "masks"):
        if not (folder / name).is_dir():
            raise DataSetError(f"{folder}: has no folder {name}/ (a data set has images/ and masks/)")
        found: dict[str, Path] = {}
        for path in find_pictures(folder / name):
            if path.name.startswith("."):
                continue
            if path.stem in found:
                problems.append(f"two files named {path.stem} in {name}/")
            found[path.stem] = path
        halves.append(found)
    images, masks = halves
    problems += [f"no mask for {images[stem].name}" for stem in images if stem not in masks]
    problems += [f"no picture for {masks[stem].name}" for stem in masks if stem not in images]
    if not images:
        problems.append("no pictures in images/")
    raise_problems(folder, problems)
    return [Pair(images[stem], masks[stem]) for stem in images]


def check_pairs(folder: Path, pairs: Iterable[Pair], *, white: bool = True, threads: int = 4) -> None:
    """Decode every file of a data set and compare sizes.

    Masks must have white, or nothing, unless ``white`` is false, as for mattes of what is seen through.

    Raises
    ------
    DataSetError
        A file cannot be decoded, a mask is not as large as its picture, or a mask has nothing brighter
        than half grey but is not black (class numbers in place of white?); up to 20 are named.
    """
    with ThreadPoolExecutor(threads) as pool:
        problems = pool.map(partial(_problem, white=white), pairs)
        raise_problems(folder, [problem for problem in problems if problem])


def _problem(pair: Pair, *, white: bool) -> str | None:
    try:
        # JPEG can be decoded at an eighth of its size; a truncated file still shows
        with pair.image.open("rb") as file, open_picture(file, pair.image.name) as image:
            size = image.size
            image.draft("L", (1, 1))
            image.load()
            if read_exif(image)[0] > 4:  # it lies on its side
                size = size[::-1]
    except _UNREADABLE as error:
        return f"{pair.image.name} cannot be read ({type(error).__name__})"
    try:
        mask = read_mask(pair.mask)
    except DataSetError as error:
        return f"{pair.mask.name} cannot be read ({type(error.__cause__).__name__})"
    height, width = mask.shape
    if size != (width, height):
        return f"{pair.image.name} is {size[0]} x {size[1]}, its mask {width} x {height}"
    if white and 0 < mask.max() < 128:
        return f"{pair.mask.name} has no white (its largest value is {mask.max()} of 255)"
    return None


def raise_problems(folder: Path, problems: list[str]) -> None:
    """Raise one error that lists what is wrong with a data set, if anything is."""
    if problems:
        more = f"; and {len(problems) - LISTED} more" if len(problems) > LISTED else ""
        raise DataSetError(f"{folder}: {'; '.join(problems[:LISTED])}{more}")


def read_pair(pair: Pair) -> tuple[ByteArray, ByteArray]:
    """Decode a pair.

    Returns
    -------
    image : uint8 (h, w, 3), RGB
    mask : uint8 (h, w), 255 is the object

    Raises
    ------
    DataSetError
        One of the files cannot be decoded.
    """
    return read_image(pair.image), read_mask(pair.mask)


def read_image(path: Path) -> ByteArray:
    """Decode a picture, turned upright: uint8 (h, w, 3), RGB."""
    with _opened(path) as image:
        return np.asarray(upright(image, read_exif(image)[0]).convert("RGB"))


def read_mask(path: Path) -> ByteArray:
    """Decode a mask or matte: uint8 (h, w); of a picture with transparency, its alpha."""
    with _opened(path) as image:
        turned = upright(image, read_exif(image)[0])
        if turned.mode.startswith("I;16"):
            return np.rint(np.asarray(turned) / 257).astype(np.uint8)
        if turned.mode in ("RGBA", "LA"):
            return np.asarray(turned.getchannel("A"))
        return np.asarray(turned.convert("L"))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open and decode a file; what Pillow cannot do with it is a DataSetError."""
    try:
        with path.open("rb") as file, open_picture(file, str(path)) as image:
            image.load()
            yield image
    except UnreadableError as error:
        raise DataSetError(str(error)) from error
    except _UNREADABLE as error:
        raise DataSetError(f"{path}: cannot be read: {error}") from error
