"""Films for assistants: a copy of one in an open folder is worked on, and the result written there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

import anyio
from anyio.to_thread import run_sync
from pydantic import BaseModel, Field, create_model

from ..errors import TooLargeError, UsageError
from ..films.outputs import film_name
from ..options.films import FilmOptions
from ..options.network import NetworkOptions
from ..options.result import SERVED_FILMS, ResultOptions
from ..options.service import Limits
from ..options.suffixes import FILM_SUFFIXES, PICTURE_SUFFIXES
from ..service.naming import MOVING_PICTURES, safe_stem, stored_name
from ..service.requests import FilmJobOptions, fields_of
from .arguments import Arguments, Written
from .folders import Contents, Folders, Place

if TYPE_CHECKING:
    from ..service.film_jobs import FilmJob
    from ..service.films import FilmService

WAIT = 20.0
"""Seconds that a look at a film may wait for it: programs give a tool about a minute."""
PIECE = 1 << 20
CLIENT = "assistants"
"""As whom all of them together are counted among those who have films."""

Progress = Callable[[float, "float | None", "str | None"], Awaitable[None]]


class _OneFilm(Written):
    path: str = Field(description="Film in an open folder: absolute, or relative to the first of them.")
    output: str | None = Field(
        None,
        description=f"File ({', '.join(SERVED_FILMS)}, by its suffix) or folder for the result, in an open "
        "folder. Default: beside the film, with the type in its name, such as clip_rgba.mov.",
    )
    background_image: str | None = Field(
        None,
        description="Picture or film in an open folder to put behind the object; type is of no account then.",
    )


_FIELDS = fields_of(ResultOptions, NetworkOptions, FilmOptions, door="assistant", subject="film")
_Film: Any = create_model("Film", __base__=_OneFilm, **_FIELDS)


class FilmArguments(_Film):  # type: ignore[misc]
    """Which film is worked on, what is made of it, and where it goes."""


class FilmId(Arguments):
    """Which film is meant."""

    id: str = Field(max_length=100, description="As start_film gave it.")


class FilmLook(FilmId):
    """Which film is looked at, and for how long."""

    wait: float = Field(
        WAIT, ge=0, le=50, description="Seconds to wait for its end, with progress; 0: answer at once."
    )


class FilmReport(BaseModel):
    """How far a film is."""

    id: str
    state: str = Field(description="queued, running, done, failed or cancelled.")
    position: int | None = Field(description="Films that come before it; null unless it waits.")
    frames: int = Field(description="Done.")
    total: int | None = Field(description="In all, as far as the file says.")
    remaining: float | None = Field(description="Seconds that the rest will take.")
    output: str = Field(description="File that is there once it is done.")
    notes: list[str] = Field(description="What was lost or changed on the way.")
    error: str | None = Field(description="Why it failed.")


class Films:
    """Starts films, looks after them, and writes their results.

    Parameters
    ----------
    folders
        The folders that are open.
    limits
        How large films may be.
    """

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self.folders, self.limits = folders, limits
        self._places: dict[str, Place] = {}

    async def start(self, films: FilmService, call: FilmArguments, options: FilmJobOptions) -> FilmReport:
        """Copy a film, and queue it.

        Raises
        ------
        TransparentBackgroundError, QueueFullError
            It cannot be taken, or its result would take another file's place.
        """
        if PurePath(call.path).suffix.lower() in PICTURE_SUFFIXES - MOVING_PICTURES - FILM_SUFFIXES:
            raise UsageError(f"path {call.path!r}: is a picture by its name; remove_background takes it")
        async with films.receive(CLIENT) as folder:
            source = folder / stored_name(PurePath(call.path).name)
            contents = await run_sync(self._copy, call.path, source, "path", self.limits.film_bytes)
            behind = None
            if call.background_image is not None:
                behind = folder / f"background{PurePath(call.background_image).suffix.lower()}"
                await run_sync(self._copy, call.background_image, behind, "background_image", PIECE << 10)
            settings, network = films.order(options, behind)
            name = film_name(safe_stem(PurePath(call.path).name, "film"), settings)
            place = await run_sync(self._place, call, name)
            await run_sync(self.folders.check_free, place, call.overwrite, contents)

            async def deliver(result: Path) -> None:
                await run_sync(self._write, place, result, call.overwrite, contents)

            film = await films.add(
                source, PurePath(call.path).name, settings, network, client=CLIENT, deliver=deliver
            )
        known = self._places.keys() & films.jobs.keys()
        self._places = {id: self._places[id] for id in known} | {film.id: place}
        return self.report(films, film)

    def format(self, output: str | None, asked: str | None) -> str | None:
        """Return the format that an output's suffix and the one that was asked for agree on.

        Raises
        ------
        UsageError
            They do not.
        """
        if output is None or self.folders.means_folder(output):
            return asked
        suffix = PurePath(output).suffix.lower().lstrip(".")
        if suffix not in SERVED_FILMS:
            raise UsageError(f"output {output!r}: end it with .{', .'.join(SERVED_FILMS)}; a folder with /")
        if asked is not None and asked != suffix:
            raise UsageError(f"output {output!r} is no {asked} by its name; leave out format")
        return suffix

    async def look(self, films: FilmService, film: FilmJob, wait: float, progress: Progress) -> FilmReport:
        """Wait for a film's end for some seconds, and report frames meanwhile."""
        with anyio.move_on_after(wait):
            async with aclosing(films.watch(film)) as states:
                async for state in states:
                    if state.progress is not None:
                        done = state.progress
                        await progress(done.frames, done.total, "frames")
        return self.report(films, film)

    def find(self, films: FilmService, id: str) -> FilmJob:
        """Return a film that was started here.

        Raises
        ------
        UsageError
            There is none.
        """
        film = films.jobs.get(id) if id in self._places else None
        if film is None:
            raise UsageError(f"id {id!r}: there is no such film, or its time is over")
        return film

    def report(self, films: FilmService, film: FilmJob) -> FilmReport:
        """Say how far a film is."""
        done = film.progress
        left = done.remaining if done is not None and film.state == "running" else None
        return FilmReport(
            id=film.id,
            state=film.state,
            position=films.position(film),
            frames=done.frames if done else 0,
            total=done.total if done else None,
            remaining=None if left is None else round(left, 1),
            output=str(self._places[film.id].path),
            notes=film.notes,
            error=film.error,
        )

    def _place(self, call: FilmArguments, name: str) -> Place:
        output = call.output or str(PurePath(call.path).with_name(name))
        return self.folders.target(output, name)

    def _copy(self, path: str, target: Path, what: str, most: int) -> Contents:
        """Copy a file to where others cannot change it meanwhile; return what it is known by."""
        with self.folders.opened(self.folders.source(path, what)) as file, target.open("wb") as copy:
            status = os.fstat(file.fileno())
            left = most
            while left >= 0 and (piece := file.read(min(PIECE, left + 1))):
                left -= len(piece)
                copy.write(piece)
        if left < 0:
            raise TooLargeError(f"{path}: is too large; at most {most / 2**20:.0f} MiB are taken here")
        return Contents(b"", (status.st_dev, status.st_ino))

    def _write(self, place: Place, result: Path, overwrite: bool, source: Contents) -> None:
        def fill(file: BinaryIO) -> None:
            with result.open("rb") as made:
                shutil.copyfileobj(made, file, PIECE)

        self.folders.write(place, fill, overwrite, source)
