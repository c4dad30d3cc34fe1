"""One picture's way from a file of an open folder, or from base64, to a file or an answer."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from ..errors import TooLargeError, UnreadableError, UsageError
from ..options.service import Limits
from ..options.suffixes import PICTURE_SUFFIXES, format_of
from ..service.naming import RESULT_SUFFIXES
from .folders import Contents, Folders, Place
from .listing import results_among

if TYPE_CHECKING:
    from ..service.pictures import CutOut, Order
    from ..service.services import Services


class Work:
    """Finds, reads and writes what is asked for.

    Parameters
    ----------
    folders
        The folders that are open.
    limits
        How large pictures may be.
    """

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self.folders, self.limits = folders, limits

    async def one(
        self,
        services: Services,
        order: Order,
        source: Contents,
        path: str | None,
        place: Place | None,
        overwrite: bool,
    ) -> CutOut:
        """Cut out a picture that was read from a path or was sent, and write it if it has a place."""
        if place is not None:
            await run_sync(self.folders.check_free, place, overwrite, source)
        done = await services.pictures.cut_out(source.data, order, name=path or "the picture")
        if place is not None:
            # a write cannot be called off: who is cancelled meanwhile goes when it has ended
            await run_sync(self.folders.write, place, lambda file: file.write(done.data), overwrite, source)
        return done

    def source(self, path: str | None, image_base64: str | None = None) -> Contents:
        """Read a picture, or decode one that was sent."""
        if image_base64 is not None and path is None:
            return Contents(_decode(image_base64, self.limits.bytes))
        if path is None or image_base64 is not None:
            raise UsageError("give either path or image_base64")
        return self.read(path)

    def read(self, path: str, what: str = "path") -> Contents:
        """Read a picture that an argument names."""
        return self.folders.read(self.folders.source(path, what), self.limits.bytes)

    def listed(self, folder: str | None, paths: list[str] | None) -> tuple[list[str], list[str]]:
        """Return the paths of a batch's pictures, and those in the folder that are results by their names."""
        results: list[str] = []
        if (folder is None) == (paths is None):
            raise UsageError("give either folder or paths")
        if folder is not None:
            names = self.folders.names(self.folders.source(folder, "folder"), PICTURE_SUFFIXES)
            made = results_among(names)
            paths = [str(PurePath(folder, name)) for name in names if name not in made]
            results = [str(PurePath(folder, name)) for name in sorted(made)]
        if not paths:
            raise UsageError("there is no picture to work on")
        if len(paths) > self.limits.batch:
            raise TooLargeError(
                f"there are {len(paths)} pictures; at most {self.limits.batch} are taken at once"
            )
        return paths, results

    def format(self, output: str | None, asked: str | None) -> str | None:
        """Return the format that an output's suffix and the one that was asked for agree on."""
        if output is None or self.folders.means_folder(output):
            return asked
        kind = format_of(PurePath(output).suffix or "-")
        if kind not in RESULT_SUFFIXES:
            choices = ", .".join(RESULT_SUFFIXES.values())
            raise UsageError(f"output {output!r}: end it with .{choices}; a folder with /")
        if asked is not None and format_of(asked) != kind:
            raise UsageError(f"output {output!r} is no {asked} by its name; leave out format")
        return RESULT_SUFFIXES[kind]

    def target(self, path: str | None, output: str | None, order: Order) -> Place | None:
        """Return where a result is written; None: nowhere, it is sent."""
        name = result_name(path, order)
        if output is None:
            if path is None:
                return None
            output = str(PurePath(path).with_name(name))
        return self.folders.target(output, name)

    def places(self, paths: list[str], output: str | None, order: Order) -> list[Place | str]:
        """Return where the results of a batch are written, or a sentence that says why one cannot be."""
        taken: dict[Path, str] = {}
        for path in paths:
            with suppress(UsageError):
                taken[self.folders.source(path).path] = "a source of this batch"
        places: list[Place | str] = []
        for path in paths:
            try:
                place = self.target(path, output, order)
            except UsageError as error:
                places.append(str(error))
                continue
            assert place is not None
            if place.path in taken:
                places.append(f"{place.shown}: its result would take the place of {taken[place.path]}")
            else:
                taken[place.path] = f"that of {path}"
                places.append(place)
        return places


def result_name(path: str | None, order: Order) -> str:
    """Return what the result of a picture is called."""
    stem = "picture" if path is None else PurePath(path).stem
    return f"{stem}{order.settings.tag}.{order.suffix}"


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
