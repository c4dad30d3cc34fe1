"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError


def file_key(path: Path | None) -> str:
    """Name a file the way the file system compares names; nothing for None."""
    return "" if path is None else os.path.normcase(os.path.realpath(path))


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
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.part")
    try:
        # mode 0o666 lets the umask decide, as for any file; tempfile would make it private
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
            temporary.replace(path)
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise cannot_write(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


_BINARY = getattr(os, "O_BINARY", 0)  # Windows translates line ends without it


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


def cannot_write(path: Path | str, error: OSError) -> OutputError:
    """Say in one line why a file cannot be written."""
    reasons = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.EROFS: "the file system is read-only",
        errno.ENOENT: "the folder does not exist",
        errno.ENAMETOOLONG: "the name is too long",
        errno.EISDIR: "a folder has that name",
    }
    why = reasons.get(error.errno or 0, error.strerror or str(error))
    failure = OutputError(f"{path}: cannot be written: {why}")
    failure.errno = error.errno
    return failure
