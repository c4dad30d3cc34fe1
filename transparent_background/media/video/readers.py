"""Which reader a film is read through."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import UnreadableError
from ...options.films import Selection
from ...options.suffixes import PICTURE_SUFFIXES
from ..files import url_scheme
from ..reading import animation
from .containers import is_pattern
from .decoding import FilmReader
from .frames import Reader
from .opening import FilmSource
from .pictures import AnimationReader, SequenceReader


def open_film(
    source: FilmSource,
    *,
    selection: Selection | None = None,
    deep: bool = False,
    streams: bool = False,
    square: bool = False,
) -> Reader:
    """Open whatever has frames: a film, an address, an animated picture, numbered pictures.

    Parameters
    ----------
    source
        A path, an address, an open binary file, or a pattern (``frame_%04d.png``).
    selection
        Which frames, and at what size.
    deep
        Whether more than 8 bits are kept.
    streams
        Whether packets of sound and subtitles come with the frames, where there are any.
    square
        Whether frames whose pixels are not square are scaled so that they are.

    Raises
    ------
    MissingExtraError, SourceNotFoundError, UnreadableError
    """
    if isinstance(source, (str, os.PathLike)) and url_scheme(source) is None:
        path = Path(source).expanduser()
        if is_pattern(path.name) and not path.exists():
            return SequenceReader(str(path), selection=selection, deep=deep)
        if path.suffix.lower() in PICTURE_SUFFIXES:
            info = animation(path)
            if info is None:
                raise UnreadableError(f"{path}: is one picture, not a film")
            return AnimationReader(path, info, selection=selection, deep=deep)
        source = path
    return FilmReader(source, selection=selection, deep=deep, streams=streams, square=square)
