"""The backgrounds that a camera can be switched between, each made ready before it is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from ..compositing.backgrounds import Background, FileBackground, StillBackground
from ..media.camera import CameraReader
from ..options.result import ResultOptions
from ..options.result_types import Backdrop, Blur, parse_type
from ..types import BackgroundFit, ColourArray, Size

SceneType: TypeAlias = str | Sequence[int] | os.PathLike[str]

FIRST_FRAME = 5.0  # seconds that a background film may take to begin


@dataclass(frozen=True, slots=True)
class Scene:
    """What is made of a camera's frames; it may change from one frame to the next."""

    settings: ResultOptions = field(default_factory=lambda: ResultOptions(type=Blur()))
    """What to make of a frame and its matte."""
    background: Background | None = None
    """What lies behind where the type is a ``Backdrop``; None: its file, read for each frame."""
    name: str = ""
    """The type, as it was given; of a file, its name."""


class Scenes:
    """The types that a camera is shown with, one at a time.

    Parameters
    ----------
    types
        What :func:`parse_type` takes; the first one is in use at the beginning. Films behind play in their
        own time, over and over, while they are in use.
    settings
        What to make of a frame and its matte, but for the type.

    Raises
    ------
    UnknownTypeError
        One of them is unknown.
    InputError
        The file of one of them cannot be read.
    """

    def __init__(self, types: Sequence[SceneType], settings: ResultOptions) -> None:
        self._scenes = [_scene(type, settings) for type in types]
        backgrounds = [scene.background for scene in self._scenes]
        self._films = [film for film in backgrounds if isinstance(film, _FilmBackground)]
        self.index = 0
        """Which one is in use."""
        for scene in self._scenes:
            try:  # now, so that a bad file is no surprise in a call
                if scene.background is not None:
                    scene.background.at_size((16, 16))
            finally:
                self.close()

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
        for film in self._films:
            if film is not scene.background:
                film.close()
        return scene

    def close(self) -> None:
        """Let go of the film that is playing."""
        for film in self._films:
            film.close()


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


def _scene(given: SceneType, settings: ResultOptions) -> Scene:
    settings = replace(settings, type=parse_type(given))
    if isinstance(settings.type, Backdrop):
        source = _FilmBackground if settings.type.moves else FileBackground
        path = settings.type.path
        return Scene(settings, source(path, settings.fit), path.name)
    return Scene(settings, name=str(given))
