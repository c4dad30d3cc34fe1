"""Fit a background picture to the size of the picture it goes behind."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, get_args

import cv2
import numpy as np

from ..errors import UsageError
from ..types import BackgroundFit

if TYPE_CHECKING:
    from ..images.picture import Picture
    from ..types import ColourArray

__all__ = ["BackdropSource", "Backdrops", "fit_background", "opaque"]


def fit_background(background: ColourArray, size: tuple[int, int], fit: BackgroundFit) -> ColourArray:
    """Bring a background to a size.

    Parameters
    ----------
    background
        (h, w, 3), uint8, uint16 or float32.
    size
        Height and width wanted, in pixels.
    fit
        ``cover`` scales it until it covers everything and cuts off what stands over, evenly;
        ``contain`` scales it until all of it shows and fills the rest with its own edge pixels,
        drawn out to the borders; ``stretch`` scales height and width apart, as
        transparent-background 1.3.4 did; ``tile`` repeats it unscaled from the top left corner.

    Raises
    ------
    UsageError
        If ``fit`` is none of these.
    """
    height, width = size
    own_height, own_width = background.shape[:2]
    if fit == "stretch":
        # Plain bilinear even where it shrinks, since 1.3.4 did so and its results are to be met.
        return _resize(background, width, height, cv2.INTER_LINEAR)
    if fit == "tile":
        rows, columns = np.arange(height) % own_height, np.arange(width) % own_width
        tiled: ColourArray = background[rows[:, None], columns]
        return tiled
    if fit == "cover":
        return _cover(background, height, width)
    if fit == "contain":
        scale = min(height / own_height, width / own_width)
        inner_height = min(height, max(1, round(own_height * scale)))
        inner_width = min(width, max(1, round(own_width * scale)))
        inner = _resize(background, inner_width, inner_height, None)
        rows = np.clip(np.arange(height) - (height - inner_height) // 2, 0, inner_height - 1)
        columns = np.clip(np.arange(width) - (width - inner_width) // 2, 0, inner_width - 1)
        framed: ColourArray = inner[rows[:, None], columns]
        return framed
    raise UsageError(f"background fit {fit!r} is unknown; choose {', '.join(get_args(BackgroundFit))}")


def _cover(background: ColourArray, height: int, width: int) -> ColourArray:
    own_height, own_width = background.shape[:2]
    scale = max(height / own_height, width / own_width)
    # Cut first, so that a long panorama is not blown up to be thrown away.
    cut_height = min(own_height, max(1, math.ceil(height / scale)))
    cut_width = min(own_width, max(1, math.ceil(width / scale)))
    top, left = (own_height - cut_height) // 2, (own_width - cut_width) // 2
    part = background[top : top + cut_height, left : left + cut_width]
    return _resize(part, width, height, None)


def _resize(colours: ColourArray, width: int, height: int, method: int | None) -> ColourArray:
    """Resize; without a method, average where it shrinks and interpolate where it grows."""
    if colours.shape[:2] == (height, width):
        return colours
    if method is None:
        shrinks = height * width < colours.shape[0] * colours.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized: ColourArray = cv2.resize(np.ascontiguousarray(colours), (width, height), interpolation=method)
    if resized.dtype == np.float32:
        np.clip(resized, 0, 1, out=resized)  # cubic overshoots
    return resized


class BackdropSource(Protocol):
    """What gives a background for a size: :class:`Backdrops`, or a frame of a film."""

    def get(self, path: Path, size: tuple[int, int], fit: BackgroundFit) -> ColourArray:
        """Return the background (h, w, 3); not to be written to."""


class Backdrops:
    """Reads background files and keeps the last one, fitted, for a run of pictures of one size.

    Hold one for as long as the same background is used; it notices when the file changes. Two
    threads may share one: at worst both read the file.
    """

    def __init__(self) -> None:
        self._read: tuple[object, ColourArray] | None = None
        self._fitted: tuple[object, ColourArray] | None = None

    def get(self, path: Path, size: tuple[int, int], fit: BackgroundFit) -> ColourArray:
        """Return the background (h, w, 3) for a size; not to be written to.

        EXIF orientation is applied; what is transparent in it is shown over white.

        Raises
        ------
        SourceNotFoundError, UnreadableError, TooLargeError
            If the file cannot be read.
        """
        try:
            stat = path.stat()
            key: object = (os.fspath(path), stat.st_mtime_ns, stat.st_size)
        except OSError:
            key = object()  # equal to nothing: reading it raises the right error
        fitted = self._fitted
        if fitted is not None and fitted[0] == (key, size, fit):
            return fitted[1]
        read = self._read
        if read is None or read[0] != key:
            read = (key, _read_opaque(path))
            self._read = read
        result = fit_background(read[1], size, fit)
        self._fitted = ((key, size, fit), result)
        return result


def _read_opaque(path: Path) -> ColourArray:
    """Read a picture; of a film, its first frame."""
    from ..media import reading as images
    from ..options.suffixes import FILM_SUFFIXES

    if path.suffix.lower() in FILM_SUFFIXES:
        from ..media.video.readers import open_film

        reader = open_film(path)
        try:
            return opaque(next(iter(reader)).picture)
        finally:
            reader.close()
    return opaque(images.read(path))


def opaque(picture: Picture) -> ColourArray:
    """Return a picture's colours (h, w, 3), over white where it is transparent."""
    from .compose import blend

    if picture.alpha is None:
        return picture.rgb
    return blend(picture.rgb, picture.alpha, (255, 255, 255))
