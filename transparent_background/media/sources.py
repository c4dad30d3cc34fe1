"""What ``--source`` means: files, folders, globs, standard input, a camera."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote

from ..errors import SourceNotFoundError
from ..options.suffixes import FILM_SUFFIXES, PICTURE_SUFFIXES
from .atomic import file_key
from .files import name_of, special_kind, url_scheme

CAMERA_SCHEMES = frozenset(("rtsp", "rtsps", "rtp", "udp", "srt"))
"""Addresses of what goes on without end."""

Kind: TypeAlias = Literal["picture", "film", "stdin", "camera"]


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to work on."""

    kind: Kind
    path: Path | None = None
    """None for standard input and for what is no file."""
    relative: Path = Path()
    """Where it lies below the folder it was found in; its bare name if it was named itself."""
    root: Path | None = None
    """The folder it was found in, None if it was named itself."""
    address: str | None = None
    """The address of a stream or a camera, or the pattern of numbered pictures."""

    @property
    def name(self) -> str:
        """What to call it in a message; of an address, without the password in it."""
        source = self.address or self.path
        return "standard input" if source is None else name_of(source)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that nothing will be done with."""

    path: Path
    reason: str


@dataclass(slots=True)
class SourceList:
    """What the arguments came to."""

    items: list[Source] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    """(argument, reason) of those that came to nothing."""


def find_sources(arguments: Sequence[str], *, recursive: bool = False) -> SourceList:
    """Resolve the arguments of ``--source``, in their order; folders in natural order.

    An argument that comes to nothing does not keep the others from being worked on.

    Parameters
    ----------
    arguments
        Paths, folders, globs (``*.jpg``, ``**/*.png``), ``-`` for standard input, numbered pictures
        (``frame_%04d.png``, a film), addresses, a camera's number or device.
    recursive
        Look into folders' folders too.

    Raises
    ------
    SourceNotFoundError
        None of them comes to anything: a path is not there, a glob matches nothing, a folder holds
        no picture and no film.
    """
    found = SourceList()
    seen: set[str] = set()
    for argument in arguments:
        try:
            sources = list(_resolve(argument, recursive, found.left_out))
        except SourceNotFoundError as error:
            found.missing.append((argument, str(error)))
            continue
        for source in sources:
            # one file may be named twice, by itself and by its folder
            key = source.name if source.path is None else file_key(source.path)
            if key not in seen:
                seen.add(key)
                found.items.append(source)
    if found.missing and not found.items:
        raise SourceNotFoundError("; ".join(reason for _, reason in found.missing))
    return found


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts ``img2`` before ``img10``."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in parts]


def _resolve(argument: str, recursive: bool, left_out: list[LeftOut]) -> Iterator[Source]:
    if argument == "-":
        yield Source("stdin")
        return
    scheme = url_scheme(argument)
    if scheme and scheme != "file":
        live = scheme in CAMERA_SCHEMES
        yield Source("camera" if live else "film", relative=Path(_address_name(argument)), address=argument)
        return
    path = Path(unquote(argument[7:]) if scheme else argument).expanduser()
    # the functions of os.path, unlike those of pathlib, say no where the system refuses to look
    if os.path.isdir(path):
        yield from _folder(path, recursive, left_out)
    elif special_kind(path) == "device":
        yield Source("camera", relative=Path(path.name), address=argument)
    elif os.path.lexists(path):
        yield Source(_kind(path), path, Path(path.name))
    elif argument.isdecimal():
        yield Source("camera", relative=Path(f"camera{argument}"), address=argument)
    elif re.search(r"%0?\d*d", path.name):
        yield Source("film", relative=Path(path.name), address=str(path))
    elif glob.has_magic(argument):
        paths = [Path(name) for name in glob.glob(str(path), recursive=True)]
        yield from _take(paths, None, left_out, f"{argument}: matches no picture and no film")
    else:
        raise SourceNotFoundError(f"{argument}: {_why_missing(path)}")


def _why_missing(path: Path) -> str:
    try:
        path.stat()
    except OSError as error:
        if error.errno in (errno.EACCES, errno.ENAMETOOLONG):
            return f"cannot be looked at: {error.strerror}"
    except ValueError:  # a null byte
        pass
    return "no such file or folder"


def _address_name(address: str) -> str:
    """Return what results of an address are called after."""
    path = re.sub(r"[?#].*", "", address).rstrip("/")
    name = path.rsplit("/", 1)[-1]
    return re.sub(r"[^\w.-]", "_", name) or "stream"


def _kind(path: Path) -> Kind:
    """Take a named file for a film by its name, for a picture otherwise: decoding will tell."""
    return "film" if path.suffix.lower() in FILM_SUFFIXES else "picture"


def _folder(folder: Path, recursive: bool, left_out: list[LeftOut]) -> Iterator[Source]:
    try:
        paths = list(_walk(folder, left_out) if recursive else folder.iterdir())
    except OSError as error:
        raise SourceNotFoundError(f"{folder}: cannot be listed: {error.strerror}") from error
    deeper = "" if recursive else " (--recursive looks into its folders)"
    yield from _take(paths, folder, left_out, f"{folder}: holds no picture and no film{deeper}")


def _walk(folder: Path, left_out: list[LeftOut]) -> Iterator[Path]:
    """List all files below a folder; links to folders are not followed, so that it ends."""

    def locked(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        left_out.append(LeftOut(Path(error.filename), f"cannot be listed: {error.strerror}"))

    for directory, folders, files in os.walk(folder, onerror=locked):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(directory, name) for name in files)


def _take(paths: Iterable[Path], root: Path | None, left_out: list[LeftOut], none: str) -> Iterator[Source]:
    """Give the pictures and films among files; say ``none`` if there is not one."""
    empty = True
    for path in sorted(paths, key=natural_key):
        if path.name.startswith(".") or os.path.isdir(path):
            continue
        special = special_kind(path)
        if special is not None:
            left_out.append(LeftOut(path, f"is a {special}, not a file"))
        elif path.suffix.lower() in (*PICTURE_SUFFIXES, *FILM_SUFFIXES):
            empty = False
            relative = Path(path.name) if root is None else path.relative_to(root)
            yield Source(_kind(path), path, relative, root)
        else:
            left_out.append(LeftOut(path, "neither a picture nor a film by its name"))
    if empty:
        raise SourceNotFoundError(none)
