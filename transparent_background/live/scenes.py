"""The backgrounds that a camera can be switched between, each made ready before it is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..compositing.backgrounds import Background, FileBackground, StillBackground
from ..compositing.finish import Finished, finish
from ..errors import UnreadableError
from ..media.camera import CameraReader
from ..options.result_types import Backdrop, parse_type
from ..options.settings import Settings

if TYPE_CHECKING:
    import torch

    from ..images.picture import Picture
    from ..options.result_types import ResultType
    from ..types import BackgroundFit, ColourArray, FloatArray, Size

SceneType: TypeAlias = str | Sequence[int] | os.PathLike[str]

FIRST_FRAME = 5.0  # seconds that a background film may take to begin


class Scenes:
    """Composes frames with one of several types.

    Parameters
    ----------
    types
        What :func:`parse_type` takes; the first one is in use at the beginning. Films behind play in their
        own time, over and over, while they are in use.
    fit
        How a picture or film behind fills the frame.

    Raises
    ------
    UnknownTypeError
        One of them is unknown.
    InputError
        The file of one of them cannot be read.
    """

    def __init__(self, types: Sequence[SceneType], fit: BackgroundFit) -> None:
        self.kinds = [parse_type(type) for type in types]
        self.names = [_name(kind, type) for kind, type in zip(self.kinds, types, strict=True)]
        self.fit = fit
        self.index = 0
        """Which one is in use."""
        self._pictures: dict[Path, Background] = {}
        self._film: _FilmBehind | None = None
        for kind in self.kinds:
            self._check(kind)

    @property
    def name(self) -> str:
        """The type in use, as it was given; of a file, its name."""
        return self.names[self.index]

    def move(self, by: int) -> None:
        """Go on to the next (1) or back to the previous one (-1), around the end."""
        self.index = (self.index + by) % len(self.kinds)

    def _check(self, kind: ResultType) -> None:
        """Read a file now, so that a bad one is no surprise in a call."""
        if isinstance(kind, Backdrop) and kind.moves:
            _FilmBehind(kind.path, self.fit).close()
        elif isinstance(kind, Backdrop):
            self._pictures.setdefault(kind.path, FileBackground(kind.path, self.fit)).at_size((16, 16))

    def finish(
        self,
        picture: Picture,
        matte: FloatArray,
        device: torch.device,
        *,
        threshold: float | None = None,
        reverse: bool = False,
    ) -> Finished:
        """Make a result of a frame and its matte with the type in use."""
        kind = self.kinds[self.index]
        behind: Background | None = self._film_for(kind)
        if behind is None and isinstance(kind, Backdrop):
            behind = self._pictures[kind.path]
        settings = Settings(type=kind, threshold=threshold, reverse=reverse)
        return finish(picture, matte, settings, device, background=behind)

    def _film_for(self, kind: ResultType) -> _FilmBehind | None:
        """Return the film of a type, started; one that is no longer in use is closed."""
        path = kind.path if isinstance(kind, Backdrop) and kind.moves else None
        if self._film is not None and self._film.path != path:
            self._film.close()
            self._film = None
        if path is not None and self._film is None:
            self._film = _FilmBehind(path, self.fit)
        return self._film

    def close(self) -> None:
        """Let go of the films."""
        if self._film is not None:
            self._film.close()
            self._film = None


class _FilmBehind:
    """A film behind the object: read like a camera, so that a slow machine leaves frames out."""

    def __init__(self, path: Path, fit: BackgroundFit) -> None:
        self.path, self.fit = path, fit
        self._reader = CameraReader(str(path))
        first = self._reader.latest(0, FIRST_FRAME)
        if first is None:
            self._reader.close()
            raise UnreadableError(f"{path}: not one frame of it came in {FIRST_FRAME:g} s")
        self._number, self._shown = first.number, StillBackground(first.picture, fit)

    def at_size(self, size: Size) -> ColourArray:
        """Return the frame that is on screen now, (h, w, 3)."""
        newer = self._reader.latest(self._number, 0)
        if newer is not None:
            self._number, self._shown = newer.number, StillBackground(newer.picture, self.fit)
        return self._shown.at_size(size)

    def close(self) -> None:
        self._reader.close()


def _name(kind: ResultType, given: SceneType) -> str:
    if isinstance(kind, Backdrop):
        return kind.path.name
    return given if isinstance(given, str) else str(given)
