"""A film behind the object: its frame for every moment, looped or held, fitted as pictures are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..compositing.backgrounds import fit_background, opaque
from ..media.video.frames import Frame
from ..media.video.readers import open_film
from ..options.films import BackgroundPlay

if TYPE_CHECKING:
    from ..types import BackgroundFit, ColourArray


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
        self._shown: Frame | None = None
        self._fitted: tuple[tuple[int, int], ColourArray] | None = None
        self._reader = open_film(path)
        self._start()

    def _start(self) -> None:
        self._frames = iter(self._reader)
        self._shown = self._next = None
        self._step()
        self._step()

    def _step(self) -> None:
        """Show the next frame."""
        if self._next is not None:
            self._shown, self._fitted = self._next, None
        self._next = next(self._frames, None)
        if self._next is None and self._shown is not None:
            self._end = self._shown.time + self._shown.duration

    def at(self, time: Fraction, size: tuple[int, int]) -> ColourArray:
        """Return the background (h, w, 3) for a moment, seconds from the start; not to be written to."""
        while True:
            now = time - self._begin
            if self._next is not None and self._next.time <= now:
                self._step()
            elif self._next is None and self.play == "loop" and self._end and now >= self._end:
                self._rewind()
            else:
                break
        shown = self._shown
        assert shown is not None
        if self._fitted is None or self._fitted[0] != size:
            self._fitted = size, fit_background(opaque(shown.picture), size, self.fit)
        return self._fitted[1]

    def _rewind(self) -> None:
        self._begin += self._end
        self._reader.close()
        self._reader = open_film(self.path)
        self._start()

    def close(self) -> None:
        """Let go of the film."""
        self._reader.close()


class Still:
    """One frame of a background film, in the place of :class:`backgrounds.Backdrops`."""

    def __init__(self, colours: ColourArray) -> None:
        self.colours = colours

    def get(self, path: Path, size: tuple[int, int], fit: BackgroundFit) -> ColourArray:
        """Return it, whatever is asked."""
        return self.colours
