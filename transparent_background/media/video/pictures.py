"""Animated pictures and numbered picture files as films."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...errors import SourceNotFoundError, UnreadableError
from ...images.picture import Picture, to_eight_bit
from ...images.resizing import resized
from ...options.films import Selection
from ..files import name_of
from ..reading import Animation, read, read_frames
from .containers import COUNTER
from .frames import FilmInfo, Raw, Reader

SEQUENCE_RATE = Fraction(25)  # frames a second where none is named, as FFmpeg has it
TICK = Fraction(1, 1000)  # animated pictures count milliseconds


class PictureReader(Reader):
    """Frames out of pictures; a film like any other.

    Parameters
    ----------
    deep
        Whether pictures of more than 8 bits stay as they are.
    """

    def __init__(self, selection: Selection | None, deep: bool) -> None:
        super().__init__(selection)
        self.deep = deep

    def _fit(self, picture: Picture) -> Picture:
        """Bring a picture to the film's size and depth."""
        rgb = picture.rgb if self.deep else to_eight_bit(picture.rgb)
        alpha, size = picture.alpha, self.info.size
        return Picture(resized(rgb, size), None if alpha is None else resized(alpha, size))


class AnimationReader(PictureReader):
    """Reads GIF, APNG, WebP and AVIF animations.

    Parameters
    ----------
    source
        A path or a file's bytes.
    """

    def __init__(
        self,
        source: str | Path | bytes,
        info: Animation,
        *,
        selection: Selection | None = None,
        deep: bool = False,
    ) -> None:
        super().__init__(selection, deep)
        self.source = source
        durations = [frame.duration for frame in read_frames(source)]
        first = next(read_frames(source)).picture
        length = Fraction(sum(round(d) for d in durations), 1000) or Fraction(len(durations), 10)
        self.info = FilmInfo(
            name=name_of(source),
            size=first.size,
            rate=len(durations) / length,
            time_base=TICK,
            frames=len(durations),
            alpha=first.alpha is not None,
            loop=info.loop,
        ).of_part(self.selection)

    def _raws(self) -> Iterator[Raw]:
        time = Fraction(0)
        for index, frame in enumerate(read_frames(self.source)):
            duration = Fraction(round(frame.duration), 1000)
            yield Raw(index, time, duration, lambda picture=frame.picture: self._fit(picture))  # type: ignore[misc]
            time += duration


class SequenceReader(PictureReader):
    """Reads numbered pictures.

    Parameters
    ----------
    pattern
        Such as ``frame_%04d.png``. Numbers may begin anywhere; one that is missing is said and passed
        over. The rate is that of ``selection.fps``, else 25.
    """

    def __init__(self, pattern: str, *, selection: Selection | None = None, deep: bool = True) -> None:
        super().__init__(selection, deep)
        self.files = sequence_files(pattern)
        self._rate = self.selection.fps or SEQUENCE_RATE
        # the rate says how the pictures are shown, not that some are to be left out
        self.selection = replace(self.selection, fps=None)
        self._losses: list[str] = []
        first = read(self.files[0][1])
        numbers = [number for number, _ in self.files]
        missing = numbers[-1] - numbers[0] + 1 - len(numbers)
        if missing:
            self._losses.append(f"{missing} of the numbers {numbers[0]} to {numbers[-1]} are missing")
        self.info = FilmInfo(
            name=pattern,
            size=first.size,
            rate=self._rate,
            time_base=1 / self._rate,
            frames=len(self.files),
            deep=first.rgb.dtype != np.uint8,
            alpha=first.alpha is not None,
        ).of_part(self.selection)

    @property
    def losses(self) -> list[str]:
        """Which pictures are missing, in words; complete after the last frame."""
        return self._losses

    def _raws(self) -> Iterator[Raw]:
        for index, (number, path) in enumerate(self.files):
            try:
                picture = read(path)
            except UnreadableError as error:
                self._losses.append(f"picture {number} is left out: {error}")
                continue
            yield Raw(index, index / self._rate, 1 / self._rate, lambda picture=picture: self._fit(picture))  # type: ignore[misc]


def sequence_files(pattern: str) -> list[tuple[int, Path]]:
    """Find the files of a pattern, by number.

    Raises
    ------
    SourceNotFoundError
        There are none.
    """
    path = Path(pattern).expanduser()
    match = COUNTER.search(path.name)
    if match is None:
        raise SourceNotFoundError(f"{pattern}: names no numbered pictures, such as frame_%04d.png")
    digits = rf"\d{{{match[2]},}}" if match[1] and match[2] else r"\d+"
    head, tail = (re.escape(part) for part in (path.name[: match.start()], path.name[match.end() :]))
    form = re.compile(f"{head}({digits}){tail}")
    files = []
    for file in path.parent.iterdir() if path.parent.is_dir() else ():
        if found := form.fullmatch(file.name):
            files.append((int(found[1]), file))
    if not files:
        raise SourceNotFoundError(f"{pattern}: no picture is called like that")
    return sorted(files)


def numbered(pattern: str, number: int) -> Path:
    """Return the file of a pattern for a number."""
    path = Path(pattern)
    match = COUNTER.search(path.name)
    if match is None:
        raise ValueError(f"{pattern} has no counter")
    width = int(match[2] or 0)
    return path.with_name(path.name[: match.start()] + str(number).zfill(width) + path.name[match.end() :])
