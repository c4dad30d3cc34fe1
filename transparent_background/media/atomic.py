"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError, TransparentBackgroundError
from .parts import Part

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "the folder does not exist",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "a folder has that name",
}


def file_key(path: Path | None) -> str:
    """Name a file the way the file system compares names; nothing for None."""
    return "" if path is None else os.path.normcase(os.path.realpath(path))


def file_keys(path: Path) -> set[object]:
    """Return what a file is known by: its name, and its place on the disk, which links share with it."""
    keys: set[object] = {file_key(path)}
    with suppress(OSError):
        status = path.stat()
        keys.add((status.st_dev, status.st_ino))
    return keys


def file_state(path: Path) -> tuple[str, int, int]:
    """Return what changes when a file is replaced: its name, bytes and time; zeros if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return os.fspath(path), 0, 0
    return os.path.realpath(path), status.st_size, status.st_mtime_ns


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes ``path``'s name when the block ends without an error.

    Whatever ends the block otherwise, an interrupt too, the temporary file is removed and what was
    at ``path`` before is still there.

    Raises
    ------
    OutputError
        The file cannot be made or written: no space, no permission, no such folder.
    """
    try:
        with Part(path) as part:
            with part.path.open("r+b") as file:
                yield file
            part.become(path)
    except TransparentBackgroundError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def writing_to(path: Path | str, *also: type[Exception]) -> Iterator[None]:
    """Turn what the system or PyAV raises while a file is written into an OutputError that names it.

    ``also`` are further kinds of errors that say why it cannot be written.
    """
    try:
        yield
    except TransparentBackgroundError:
        raise
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from error
    except also as error:
        raise cannot_write(path, ValueError(str(error))) from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made: {error.strerror}") from error


def cannot_write(path: Path | str, error: Exception) -> OutputError:
    """Say in one line why a file cannot be written."""
    number = getattr(error, "errno", None)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    failure = OutputError(f"{path}: cannot be written: {_REASONS.get(number or 0, text.splitlines()[0])}")
    failure.errno = number
    return failure
