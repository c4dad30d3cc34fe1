"""A film behind the object: its frame for every moment, looped or held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        self.path, self.fit, self.play = path, fit, play
        self._begin = Fraction(0)  # when this round began
        self._end = Fraction(0)  # when the frame shown ends, in this round
        self._frames: Iterator[Frame] = iter(())
        self._next: Frame | None = None
        self._shown: Background | None = None
        self._reader = open_film(path)
        self._start()

    def _start(self) -> None:
        self._frames = iter(self._reader)
        self._next = None
        self._step()
        self._step()

    def _step(self) -> None:
        """Show the next frame."""
        before = self._next
        self._next = next(self._frames, None)
        if before is not None:
            self._shown = StillBackground(before.picture, self.fit)
            if self._next is None:
                self._end = before.time + before.duration

    def at(self, time: Fraction) -> Background:
        """Return the frame for a moment, seconds from the start."""
        while True:
            now = time - self._begin
            if self._next is not None and self._next.time <= now:
                self._step()
            elif self._next is None and self.play == "loop" and self._end and now >= self._end:
                self._rewind()
            else:
                break
        assert self._shown is not None
        return self._shown

    def _rewind(self) -> None:
        self._begin += self._end
        self._reader.close()
        self._reader = open_film(self.path)
        self._start()

    def close(self) -> None:
        """Let go of the film."""
        self._reader.close()


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
