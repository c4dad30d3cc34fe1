"""A film behind the object: its frame for every moment, looped or held."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path

from ..compositing.backgrounds import Background, StillBackground, background_of
from ..media.video.frames import Frame
from ..media.video.readers import open_film
from ..options.films import BackgroundPlay
from ..options.result_types import Backdrop
from ..options.settings import Settings


def _over_time(path: Path, play: BackgroundPlay) -> Generator[tuple[Fraction, Frame]]:
    """Give a film's frames with the times when they appear, from the beginning again if it is looped."""
    begin = end = Fraction(0)
    while True:
        with closing(open_film(path)) as reader:
            for frame in reader:
                yield begin + frame.time, frame
                end = begin + frame.time + frame.duration
        if play == "hold" or end == begin:
            return
        begin = end


@contextmanager
def background_over_time(settings: Settings) -> Iterator[Callable[[Fraction], Background | None]]:
    """Give a function that says what goes behind the object at a time, in seconds; None: nothing.

    Of a film it is the frame that is on screen then; the times asked for must not go back.

    Raises
    ------
    SourceNotFoundError, UnreadableError
        The film behind cannot be read.
    """
    kind, shown = settings.type, background_of(settings)
    if not (isinstance(kind, Backdrop) and kind.moves):
        yield lambda time: shown
        return
    with closing(_over_time(kind.path, settings.film.background_play)) as frames:
        coming = next(frames, None)

        def at(time: Fraction) -> Background | None:
            nonlocal shown, coming
            while coming is not None and coming[0] <= time:
                shown = StillBackground(coming[1].picture, settings.fit)
                coming = next(frames, None)
            return shown

        yield at
