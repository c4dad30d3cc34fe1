"""The backgrounds that a camera can be switched between, each made ready before it is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..compositing.backgrounds import FileBackground, StillBackground
from ..media.camera import CameraReader
from ..options.result_types import Backdrop, ResultType, parse_type

if TYPE_CHECKING:
    from ..types import BackgroundFit, ColourArray, Size

SceneType: TypeAlias = str | Sequence[int] | os.PathLike[str]

FIRST_FRAME = 5.0  # seconds that a background film may take to begin


class Scenes:
    """The types that a camera is shown with, one at a time.

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
        self._scenes = [_scene(type, fit) for type in types]
        self.index = 0
        """Which one is in use."""
        self._playing: _FilmBackground | None = None
        for _ in self._scenes:
            background = self.take().background
            try:  # now, so that a bad file is no surprise in a call
                if background is not None:
                    background.at_size((16, 16))
            finally:
                self.close()
            self.move(1)

    @property
    def name(self) -> str:
        """The type in use, as it was given; of a file, its name."""
        return self._scenes[self.index].name

    def move(self, by: int) -> None:
        """Go on to the next (1) or back to the previous one (-1), around the end."""
        self.index = (self.index + by) % len(self._scenes)

    def take(self) -> Scene:
        """Return the one in use; a film that is no longer behind is closed."""
        scene = self._scenes[self.index]
        if self._playing is not scene.background:
            self.close()
        if isinstance(scene.background, _FilmBackground):
            self._playing = scene.background
        return scene

    def close(self) -> None:
        """Let go of the film that is playing."""
        if self._playing is not None:
            self._playing.close()
            self._playing = None


class _FilmBackground:
    """A film behind the object: read like a camera, so that a slow machine leaves frames out."""

    def __init__(self, path: Path, fit: BackgroundFit) -> None:
        self.path, self.fit = path, fit
        self._reader: CameraReader | None = None
        self._number = 0  # of the frame that is on screen
        self._shown: StillBackground

    def at_size(self, size: Size) -> ColourArray:
        """Return the frame that is on screen now, (h, w, 3); the first call starts the film."""
        begins = self._reader is None
        reader = self._reader = self._reader or CameraReader(str(self.path))
        newer = reader.first(FIRST_FRAME) if begins else reader.latest(self._number, 0)
        if newer is not None:
            self._number, self._shown = newer.number, StillBackground(newer.picture, self.fit)
        return self._shown.at_size(size)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A type that a camera is shown with."""

    name: str
    type: ResultType
    background: FileBackground | _FilmBackground | None = None


def _scene(given: SceneType, fit: BackgroundFit) -> Scene:
    type = parse_type(given)
    if isinstance(type, Backdrop):
        source = _FilmBackground if type.moves else FileBackground
        return Scene(type.path.name, type, source(type.path, fit))
    return Scene(str(given), type)
