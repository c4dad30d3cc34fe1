"""A film behind the object: its frame for every moment, looped or held."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..compositing.backgrounds import Background, StillBackground, background_of
from ..media.video.frames import Frame
from ..media.video.readers import open_film
from ..options.films import BackgroundPlay
from ..options.result_types import Backdrop

if TYPE_CHECKING:
    from ..options.settings import Settings
    from ..types import BackgroundFit


class FilmBackdrop:
    """Gives the frame of a background film that is on screen at a time. Times must not go back.

    Parameters
    ----------
    path
        A film or an animated picture; its transparency shows white.
    fit
        How a frame is brought to size: see :func:`backgrounds.fit_background`.
    play
        ``loop`` begins again at its end, ``hold`` keeps its last frame.

    Raises
    ------
    SourceNotFoundError, UnreadableError
        It cannot be read.
    """

    def __init__(self, path: Path, fit: BackgroundFit, play: BackgroundPlay = "loop") -> None:
        self._fit, self._frames = fit, _over_time(path, play)
        self._next = next(self._frames, None)
        self._step()

    def _step(self) -> None:
        """Show the next frame."""
        assert self._next is not None
        self._shown: Background = StillBackground(self._next[1].picture, self._fit)
        self._next = next(self._frames, None)

    def at(self, time: Fraction) -> Background:
        """Return the frame for a moment, seconds from the start."""
        while self._next is not None and self._next[0] <= time:
            self._step()
        return self._shown

    def close(self) -> None:
        """Let go of the film."""
        self._frames.close()


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
    """Give a function that says what goes behind the object at a time, in seconds; None: nothing."""
    kind = settings.type
    if isinstance(kind, Backdrop) and kind.moves:
        with closing(FilmBackdrop(kind.path, settings.fit, settings.film.background_play)) as film:
            yield film.at
    else:
        background = background_of(settings)
        yield lambda time: background
