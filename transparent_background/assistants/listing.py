"""What a folder holds: pictures and films, and which of them are results by their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePath

from pydantic import BaseModel, Field

from ..errors import TransparentBackgroundError, UsageError
from ..media.reading import measure
from ..options.result_types import Backdrop, parse_type
from ..options.suffixes import FILM_SUFFIXES, PICTURE_SUFFIXES
from ..service.requests import UPLOADED
from .arguments import Arguments
from .folders import Folders

MOST = 200
"""Entries of a page."""
REVERSE = "_reverse"


class ListArguments(Arguments):
    """Which folder is listed, and from where on."""

    folder: str = Field(".", description="Open folder, or one in it.")
    after: str | None = Field(
        None, description="Go on after the file of this name, as next of an earlier answer says."
    )
    most: int = Field(50, ge=1, le=MOST, description="Files of one answer.")


class Entry(BaseModel):
    """A picture or film of a folder."""

    path: str = Field(description="As the other tools take it.")
    kind: str = Field(description="picture or film, by its name.")
    bytes: int
    width: int | None = Field(description="In pixels; null for films, and what cannot be read.")
    height: int | None
    result: bool = Field(description="Whether it is a result of a picture or film beside it, by its name.")


class Listing(BaseModel):
    """A page of a folder."""

    entries: list[Entry]
    total: int = Field(description="Pictures and films in the folder.")
    next: str | None = Field(description="What to give as after for the rest; null: this was all.")


def list_folder(folders: Folders, asked: ListArguments) -> Listing:
    """List a page of a folder's pictures and films, by their names.

    Raises
    ------
    UsageError, InputError
        The folder is not open, or cannot be listed.
    """
    names = folders.names(folders.source(asked.folder, "folder"), PICTURE_SUFFIXES | FILM_SUFFIXES)
    results = results_among(names)
    rest = names if asked.after is None else [name for name in names if name > asked.after]
    page = rest[: asked.most]
    entries = [_entry(folders, str(PurePath(asked.folder, name)), name in results) for name in page]
    found = [entry for entry in entries if entry is not None]
    return Listing(entries=found, total=len(names), next=page[-1] if len(rest) > len(page) else None)


def _entry(folders: Folders, path: str, result: bool) -> Entry | None:
    """Describe a file; None if it cannot be opened, such as a link that leads out."""
    film = PurePath(path).suffix.lower() not in PICTURE_SUFFIXES
    size: tuple[int, int] | None = None
    try:
        with folders.opened(folders.source(path)) as file:
            length = os.fstat(file.fileno()).st_size
            if not film:
                with suppress(TransparentBackgroundError):
                    size = measure(file)
    except TransparentBackgroundError:
        return None
    return Entry(
        path=path,
        kind="film" if film else "picture",
        bytes=length,
        width=size and size[1],
        height=size and size[0],
        result=result,
    )


def results_among(names: Iterable[str]) -> set[str]:
    """Return those of a folder's names that are called as results of others there are.

    ``photo_rgba.png`` is a result where there is a ``photo.jpg``, and a picture like any other where there is
    none. So nothing has to be remembered from call to call, and what the command made counts too.
    """
    names = list(names)
    stems = {PurePath(name).stem for name in names}
    return {name for name in names if _made_of(PurePath(name).stem, stems)}


def _made_of(stem: str, stems: set[str]) -> bool:
    places = [match.start() for match in re.finditer("_", stem)]
    return any(stem[:place] in stems and _is_tag(stem[place + 1 :]) for place in places)


def _is_tag(text: str) -> bool:
    """Tell whether results' names end so: with a type, and perhaps that it was reversed."""
    text = text.removesuffix(REVERSE)
    if text == UPLOADED.name:
        return True
    try:
        return not isinstance(parse_type(text), Backdrop)
    except UsageError:
        return False
