"""One picture's way from a file of an open folder, or from base64, to a file or an answer."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from anyio import CancelScope
from pydantic import ValidationError

from ..errors import TooLargeError, UnreadableError, UsageError
from ..options.suffixes import PICTURE_SUFFIXES, format_of
from .folders import Contents, Folders, Place

if TYPE_CHECKING:
    from ..options.service import Limits
    from ..service.pictures import CutOut
    from ..service.requests import Job
    from ..service.services import Services

SENT = "the picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a picture is, and where its result goes."""

    path: str | None = None
    image_base64: str | None = None
    output: str | None = None
    background_image: str | None = None
    overwrite: bool = False
    preview: bool = True


class Work:
    """Finds, reads and writes what is asked for.

    Parameters
    ----------
    folders
        That are open.
    limits
        Of pictures.
    """

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self.folders, self.limits = folders, limits

    async def one(
        self,
        services: Services,
        wish: Wish,
        source: Contents,
        job: Job,
        place: Place | None,
        behind: Contents | None = None,
    ) -> CutOut:
        """Cut out a picture that was read, and write it if it has a place."""
        if place is not None:
            await asyncio.to_thread(self.folders.check_free, place, overwrite=wish.overwrite, source=source)
        background = None if behind is None else behind.data
        done = await services.pictures.work_on(source.data, job, background, name=wish.path or SENT)
        services.metrics.count_picture(services.pictures.mode_of(job.mode), done)
        if place is not None:
            await _to_the_end(
                partial(self.folders.write, place, done.data, overwrite=wish.overwrite, source=source)
            )
        return done

    def source(self, wish: Wish) -> Contents:
        """Read a picture, or decode one that was sent."""
        if (wish.path is None) == (wish.image_base64 is None):
            raise UsageError("give either path or image_base64")
        if wish.image_base64 is not None:
            return Contents(_decode(wish.image_base64, self.limits.bytes))
        return self.folders.read(self.folders.source(wish.path or ""), self.limits.bytes)

    def behind(self, wish: Wish) -> Contents | None:
        """Read the picture to put behind, if there is to be one."""
        if wish.background_image is None:
            return None
        place = self.folders.source(wish.background_image, "background_image")
        return self.folders.read(place, self.limits.bytes)

    def listed(self, folder: str | None, paths: list[str] | None) -> list[str]:
        """Return the paths of a batch's pictures."""
        if (folder is None) == (paths is None):
            raise UsageError("give either folder or paths")
        if folder is not None:
            names = self.folders.names(self.folders.source(folder, "folder"), PICTURE_SUFFIXES)
            paths = [str(PurePath(folder, name)) for name in names]
        if not paths:
            raise UsageError("there is no picture to work on")
        if len(paths) > self.limits.batch:
            raise TooLargeError(
                f"there are {len(paths)} pictures; at most {self.limits.batch} are taken at once"
            )
        return paths

    def format(self, wish: Wish, asked: str | None) -> str | None:
        """Return the format that an output's suffix and the one that was asked for agree on."""
        from ..service.pictures import SUFFIXES

        if wish.output is None or self.folders.means_folder(wish.output):
            return asked
        kind = format_of(PurePath(wish.output).suffix or "-")
        if kind not in SUFFIXES:
            raise UsageError(
                f"output {wish.output!r}: end it with .{', .'.join(SUFFIXES.values())}; a folder with /"
            )
        if asked is not None and format_of(asked) != kind:
            raise UsageError(f"output {wish.output!r} is no {asked} by its name; leave out format")
        return SUFFIXES[kind]

    def target(self, wish: Wish, job: Job) -> Place | None:
        """Return where a result is written; None: nowhere, it is sent."""
        if wish.output is None and wish.path is None:
            return None
        name = result_name(wish.path, job)
        text = wish.output if wish.output is not None else str(PurePath(wish.path or "").with_name(name))
        return self.folders.target(text, name)

    def places(self, wishes: list[Wish], job: Job) -> list[Place | str]:
        """Return where the results of a batch are written, or a sentence that says why one cannot be."""
        taken: dict[Path, str] = {}
        for wish in wishes:
            with suppress(UsageError):
                taken[self.folders.source(str(wish.path)).path] = "a source of this batch"
        places: list[Place | str] = []
        for wish in wishes:
            try:
                place = self.target(wish, job)
                assert place is not None
            except UsageError as error:
                places.append(str(error))
                continue
            if place.path in taken:
                places.append(f"{place.shown}: its result would take the place of {taken[place.path]}")
            else:
                taken[place.path] = f"that of {wish.path}"
                places.append(place)
        return places


async def _to_the_end(write: Callable[[], None]) -> None:
    """Run in a thread what cannot be called off; who is cancelled meanwhile goes when it has ended."""
    writing = asyncio.ensure_future(asyncio.to_thread(write))
    try:
        await asyncio.shield(writing)
    finally:
        with CancelScope(shield=True):
            await asyncio.wait({writing})


def make_job(options: dict[str, Any], *, behind: bool = False) -> Job:
    """Check options; None leaves one as it is.

    Raises
    ------
    UsageError
    """
    from ..service.requests import PictureOptions, picture_job
    from ..web.problems import validation_sentence

    try:
        chosen = PictureOptions(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        raise UsageError(validation_sentence(list(error.errors()))) from error
    return picture_job(chosen, behind=behind)


def result_name(path: str | None, job: Job) -> str:
    """Return what the result of a picture is called."""
    from ..service.pictures import SUFFIXES

    stem = "picture" if path is None else PurePath(path).stem
    return f"{stem}{job.settings.tag}.{SUFFIXES[job.format]}"


def _decode(text: str, most: int) -> bytes:
    """Read base64, also as a data address."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    text = "".join(text.split())
    if len(text) > 4 * (most + 2) // 3:
        raise TooLargeError(f"image_base64: is too large; at most {most / 2**20:.4g} MiB are taken here")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UnreadableError("image_base64: is no base64") from error
