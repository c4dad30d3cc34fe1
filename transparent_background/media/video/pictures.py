"""Animated pictures and numbered picture files as films."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...errors import SourceNotFoundError, UnreadableError
from ...images.picture import Picture, to_eight_bit
from ...options.films import Selection
from ...options.values import scaled_size
from ...types import Size
from ..reading import Animation, animation, read, read_frames
from .colours import ColourTags
from .containers import COUNTER
from .frames import FilmInfo, Frame, Raw, select

SEQUENCE_RATE = Fraction(25)  # frames a second where none is named, as FFmpeg has it
TICK = Fraction(1, 1000)  # animated pictures count milliseconds


class PictureReader:
    """Frames out of pictures; a film like any other."""

    info: FilmInfo

    def __init__(self, selection: Selection | None, deep: bool) -> None:
        self.selection, self.deep = selection or Selection(), deep
        self.skip = 0
        self.losses: list[str] = []
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order, once."""
        offset: Fraction | None = None
        for number, raw in enumerate(select(self._raws(), self.selection)):
            offset = raw.time if offset is None else offset
            if number < self.skip:
                continue
            yield Frame(raw.index, raw.time - offset, raw.duration, self._fit(raw.load()))

    def _raws(self) -> Iterator[Raw]:
        raise NotImplementedError

    def _fit(self, picture: Picture) -> Picture:
        """Bring a picture to the film's size and depth."""
        rgb = picture.rgb if self.deep else to_eight_bit(picture.rgb)
        if picture.size == self.info.size:
            return picture if rgb is picture.rgb else Picture(rgb, picture.alpha)
        alpha = picture.alpha
        return Picture(
            _resized(rgb, self.info.size), None if alpha is None else _resized(alpha, self.info.size)
        )

    def close(self) -> None:
        """Let go of the file; nothing is held open."""


def _resized(values: Any, size: Size) -> Any:
    shrinks = size[0] * size[1] < values.shape[0] * values.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(values, size[::-1], interpolation=method)
    return np.clip(resized, 0, 1) if resized.dtype == np.float32 else resized


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
        rate = len(durations) / length
        chosen = self.selection
        size = first.size if chosen.scale is None else scaled_size(first.size, chosen.scale)
        self.info = FilmInfo(
            name=str(source) if not isinstance(source, bytes) else f"<{len(source)} bytes>",
            size=size,
            rate=chosen.rate_of(rate),
            time_base=1 / chosen.fps if chosen.fps else TICK,
            frames=chosen.count_of(len(durations), rate),
            tags=ColourTags(),
            deep=False,
            alpha=first.alpha is not None,
            pixel_aspect=Fraction(1),
            loop=info.loop,
        )

    def _raws(self) -> Iterator[Raw]:
        time = Fraction(0)
        for index, frame in enumerate(read_frames(self.source)):
            duration = Fraction(round(frame.duration), 1000)
            yield Raw(index, time, duration, lambda picture=frame.picture: picture)  # type: ignore[misc]
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
        rate = self.selection.fps or SEQUENCE_RATE
        # the rate says how the pictures are shown, not that some are to be left out
        self.selection = Selection(
            start=self.selection.start,
            end=self.selection.end,
            every=self.selection.every,
            scale=self.selection.scale,
        )
        self.files = sequence_files(pattern)
        self._rate = rate
        first = read(self.files[0][1])
        numbers = [number for number, _ in self.files]
        missing = numbers[-1] - numbers[0] + 1 - len(numbers)
        if missing:
            self.losses.append(f"{missing} of the numbers {numbers[0]} to {numbers[-1]} are missing")
        scale = self.selection.scale
        self.info = FilmInfo(
            name=pattern,
            size=first.size if scale is None else scaled_size(first.size, scale),
            rate=self.selection.rate_of(rate),
            time_base=1 / rate,
            frames=self.selection.count_of(len(self.files), rate),
            tags=ColourTags(),
            deep=first.rgb.dtype != np.uint8,
            alpha=first.alpha is not None,
            pixel_aspect=Fraction(1),
        )

    def _raws(self) -> Iterator[Raw]:
        for index, (number, path) in enumerate(self.files):
            try:
                picture = read(path)
            except UnreadableError as error:
                self.losses.append(f"picture {number} is left out: {error}")
                continue
            yield Raw(index, index / self._rate, 1 / self._rate, lambda picture=picture: picture)  # type: ignore[misc]


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


def animation_reader(
    source: str | Path | bytes, *, selection: Selection | None = None, deep: bool = False
) -> AnimationReader | None:
    """Return a reader if a picture file is animated, else None."""
    info = animation(source)
    return None if info is None else AnimationReader(source, info, selection=selection, deep=deep)
