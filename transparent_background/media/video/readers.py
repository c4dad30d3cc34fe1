"""Films of all kinds: which reader takes one, and animated and numbered pictures as films."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from ...errors import SourceNotFoundError, TooLargeError, UnreadableError
from ...images.picture import Picture, to_eight_bit
from ...images.resizing import resized
from ...options.films import Selection
from ...options.suffixes import PICTURE_SUFFIXES
from ...types import Size
from ..files import url_scheme
from ..reading import Animation, animation, measure, read, read_frames
from .containers import COUNTER, is_pattern
from .decoding import FilmReader
from .frames import FilmInfo, Raw, Reader
from .opening import FilmSource

SEQUENCE_RATE = Fraction(25)  # frames a second where none is named, as FFmpeg has it
MOST_SIDE = 65_535  # pixels of a frame, which is what the formats of films hold
TICK = Fraction(1, 1000)  # animated pictures count milliseconds


def _fitted(picture: Picture, size: Size, *, deep: bool) -> Picture:
    """Bring a picture to the film's size and depth."""
    rgb = picture.rgb if deep else to_eight_bit(picture.rgb)
    return Picture(resized(rgb, size), None if picture.alpha is None else resized(picture.alpha, size))


class AnimationReader(Reader):
    """Reads GIF, APNG, WebP and AVIF animations."""

    def __init__(self, source: Path, info: Animation, selection: Selection | None, deep: bool) -> None:
        super().__init__(selection)
        self.source, self.deep = source, deep
        if max(measure(source)) > MOST_SIDE:  # a canvas of WebP may have 16,777,216 in a file of 200 bytes
            raise TooLargeError(f"{source}: no film has frames of more than {MOST_SIDE} pixels a side")
        durations = [frame.duration for frame in read_frames(source)]
        length = Fraction(sum(round(d) for d in durations), 1000) or Fraction(len(durations), 10)
        self.info = FilmInfo(
            name=str(source),
            size=next(read_frames(source)).picture.size,
            rate=len(durations) / length,
            time_base=TICK,
            frames=len(durations),
            loop=info.loop,
        ).of_part(self.selection)

    def _raws(self) -> Iterator[Raw]:
        time = Fraction(0)
        for index, frame in enumerate(read_frames(self.source)):
            duration = Fraction(round(frame.duration), 1000)
            fit = partial(_fitted, frame.picture, self.info.size, deep=self.deep)
            yield Raw(index, time, duration, fit)
            time += duration


class SequenceReader(Reader):
    """Reads numbered pictures.

    Parameters
    ----------
    pattern
        Such as ``frame_%04d.png``. Numbers may begin anywhere; one that is missing is said and passed
        over. The rate is that of ``selection.fps``, else 25.
    """

    def __init__(self, pattern: str, selection: Selection | None, deep: bool) -> None:
        super().__init__(selection)
        self.files, self.deep = sequence_files(pattern), deep
        self._rate = self.selection.fps or SEQUENCE_RATE
        # the rate says how the pictures are shown, not that some are to be left out
        self.selection = replace(self.selection, fps=None)
        numbers = [number for number, _ in self.files]
        missing = numbers[-1] - numbers[0] + 1 - len(numbers)
        if missing:
            self._lost.others.append(f"{missing} of the numbers {numbers[0]} to {numbers[-1]} are missing")
        size = read(self.files[0][1]).size
        self.info = FilmInfo(
            name=pattern, size=size, rate=self._rate, time_base=1 / self._rate, frames=len(self.files)
        ).of_part(self.selection)

    def _raws(self) -> Iterator[Raw]:
        for index, (number, path) in enumerate(self.files):
            try:
                picture = read(path)
            except UnreadableError as error:
                self._lost.others.append(f"picture {number} is left out: {error}")
                continue
            fit = partial(_fitted, picture, self.info.size, deep=self.deep)
            yield Raw(index, index / self._rate, 1 / self._rate, fit)


def sequence_files(pattern: str) -> list[tuple[int, Path]]:
    """Find the files of a pattern, by number.

    Raises
    ------
    SourceNotFoundError
        There are none.
    """
    path = Path(pattern).expanduser()
    head, padded, width, tail = COUNTER.split(path.name, maxsplit=1)
    digits = rf"\d{{{width},}}" if padded and width else r"\d+"
    form = re.compile(f"{re.escape(head)}({digits}){re.escape(tail)}")
    folder = path.parent.iterdir() if path.parent.is_dir() else ()
    files = sorted((int(found[1]), file) for file in folder if (found := form.fullmatch(file.name)))
    if not files:
        raise SourceNotFoundError(f"{pattern}: no picture is called like that")
    return files


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
    TooLargeError
        An animation has more than 65,535 pixels a side.
    """
    if isinstance(source, (str, os.PathLike)) and url_scheme(source) is None:
        path = Path(source).expanduser()
        if is_pattern(path.name) and not path.exists():
            return SequenceReader(str(path), selection, deep)
        if path.suffix.lower() in PICTURE_SUFFIXES:
            info = animation(path)
            if info is None:
                raise UnreadableError(f"{path}: is one picture, not a film")
            return AnimationReader(path, info, selection, deep)
        source = path
    return FilmReader(source, selection=selection, deep=deep, streams=streams, square=square)
