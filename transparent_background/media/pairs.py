"""Data sets on disk: folders with ``images/`` and ``masks/``, checked before the first step."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import DataSetError
from .suffixes import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from ..types import ByteArray

LISTED = 20  # problems named in one message


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its mask."""

    image: Path
    mask: Path


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
        for path in sorted((folder / name).iterdir()):
            if path.suffix.lower() not in PICTURE_SUFFIXES or path.name.startswith("."):
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


def check_pairs(folder: Path, pairs: Iterable[Pair], *, threads: int = 4) -> None:
    """Open every file of a data set and compare sizes.

    Raises
    ------
    DataSetError
        A file cannot be decoded, or a mask is not as large as its picture; up to 20 are named.
    """
    with ThreadPoolExecutor(threads) as pool:
        raise_problems(folder, [problem for problem in pool.map(_problem, pairs) if problem])


def _problem(pair: Pair) -> str | None:
    sizes = []
    for path in (pair.image, pair.mask):
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
                image.verify()
        except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
            return f"{path.name} cannot be read ({type(error).__name__})"
    if sizes[0] != sizes[1]:
        (w, h), (mask_w, mask_h) = sizes
        return f"{pair.image.name} is {w} x {h}, its mask {mask_w} x {mask_h}"
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
    """Decode a picture: uint8 (h, w, 3), RGB."""
    return _decode(path, "RGB")


def read_mask(path: Path) -> ByteArray:
    """Decode a mask or matte: uint8 (h, w)."""
    return _decode(path, "L")


def _decode(path: Path, mode: str) -> ByteArray:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(mode))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise DataSetError(f"{path}: cannot be read: {error}") from error
