"""What goes behind the object: a picture in memory, a file, or whatever gives colours at a size."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Protocol, get_args

import cv2
import numpy as np

from ..errors import UsageError
from ..images.picture import Picture
from ..images.resizing import resized
from ..media.atomic import file_state
from ..media.reading import read
from ..options.result import ResultOptions
from ..options.result_types import Backdrop
from ..options.suffixes import FILM_SUFFIXES
from ..types import BackgroundFit, ColourArray, Size
from .blend import blend


def fit_background(background: ColourArray, size: Size, fit: BackgroundFit) -> ColourArray:
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
        return cv2.resize(np.ascontiguousarray(background), (width, height), interpolation=cv2.INTER_LINEAR)
    if fit == "tile":
        rows, columns = np.arange(height) % own_height, np.arange(width) % own_width
        return background[rows[:, None], columns]
    if fit == "cover":
        return _cover(background, height, width)
    if fit == "contain":
        scale = min(height / own_height, width / own_width)
        inner_height = min(height, max(1, round(own_height * scale)))
        inner_width = min(width, max(1, round(own_width * scale)))
        inner = resized(background, (inner_height, inner_width))
        rows = np.clip(np.arange(height) - (height - inner_height) // 2, 0, inner_height - 1)
        columns = np.clip(np.arange(width) - (width - inner_width) // 2, 0, inner_width - 1)
        return inner[rows[:, None], columns]
    raise UsageError(f"background fit {fit!r} is unknown; choose {', '.join(get_args(BackgroundFit))}")


def _cover(background: ColourArray, height: int, width: int) -> ColourArray:
    own_height, own_width = background.shape[:2]
    scale = max(height / own_height, width / own_width)
    # Cut first, so that a long panorama is not blown up to be thrown away.
    cut_height = min(own_height, max(1, math.ceil(height / scale)))
    cut_width = min(own_width, max(1, math.ceil(width / scale)))
    top, left = (own_height - cut_height) // 2, (own_width - cut_width) // 2
    part = background[top : top + cut_height, left : left + cut_width]
    return resized(part, (height, width))


class Background(Protocol):
    """What lies behind the object."""

    def at_size(self, size: Size) -> ColourArray:
        """Return it (h, w, 3) for a picture of a size; not to be written to."""


class StillBackground:
    """A picture in memory; it is kept as it was last fitted, for a run of pictures of one size.

    Threads may share one: at worst each of them fits it.

    Parameters
    ----------
    picture
        What is transparent in it is shown over white.
    fit
        As for :func:`fit_background`.
    """

    def __init__(self, picture: Picture, fit: BackgroundFit) -> None:
        self.fit = fit
        self.colours = picture.rgb
        if picture.alpha is not None:
            self.colours = blend(picture.rgb, picture.alpha, (255, 255, 255))
        self._fitted: tuple[Size, ColourArray] | None = None

    def at_size(self, size: Size) -> ColourArray:
        """Return it (h, w, 3), fitted; not to be written to."""
        fitted = self._fitted
        if fitted is None or fitted[0] != size:
            fitted = self._fitted = size, fit_background(self.colours, size, self.fit)
        return fitted[1]


class FileBackground:
    """A picture's file, or the first frame of a film; it is read once, and again when it changes."""

    def __init__(self, path: Path, fit: BackgroundFit) -> None:
        self.path, self.fit = path, fit
        self._read: tuple[object, StillBackground] | None = None

    def at_size(self, size: Size) -> ColourArray:
        """Return it (h, w, 3), upright and fitted; not to be written to.

        Raises
        ------
        SourceNotFoundError, UnreadableError, TooLargeError
            The file cannot be read.
        """
        state, known = file_state(self.path), self._read
        if known is None or known[0] != state:
            known = self._read = state, StillBackground(_first_frame(self.path), self.fit)
        return known[1].at_size(size)


def background_of(settings: ResultOptions) -> Background | None:
    """Return what the type puts behind the object: its file, or None for types without one."""
    kind = settings.type
    return FileBackground(kind.path, settings.fit) if isinstance(kind, Backdrop) else None


def _first_frame(path: Path) -> Picture:
    """Read a picture; of a film, its first frame."""
    if path.suffix.lower() not in FILM_SUFFIXES:
        return read(path)
    from ..media.video.readers import open_film

    reader = open_film(path)
    try:
        return next(iter(reader)).picture
    finally:
        reader.close()
