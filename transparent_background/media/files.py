"""Names of sources, and opening files for reading, with errors in our words."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceNotFoundError, UnreadableError


def url_scheme(source: object) -> str | None:
    """Return ``rtsp`` for ``rtsp://...``; None for files."""
    match = re.match(r"([a-z][a-z0-9+.-]+)://", source, re.IGNORECASE) if isinstance(source, str) else None
    return match[1].lower() if match else None


def name_of(source: object) -> str:
    """Return what to call a source in a message; of an address, without the password in it.

    Parameters
    ----------
    source
        A path, an address, a file's bytes, or an open file.
    """
    if isinstance(source, bytes):
        return f"<{len(source)} bytes>"
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        return re.sub(r"//[^/@]*@", "//", name) if url_scheme(name) else name
    return str(getattr(source, "name", "<stream>"))


def special_kind(path: Path) -> str | None:
    """Say what something is that is neither file nor folder; None for these, and for what is not there."""
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):  # a name may hold a null byte
        return None
    return _SPECIAL.get(kind)


_SPECIAL = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def open_file(path: Path, what: str) -> BinaryIO:
    """Open a file for reading.

    Parameters
    ----------
    what
        Which kind of thing is expected: ``picture``, ``film``.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    UnreadableError
        It is a folder; a pipe, socket or device, which might be waited for without end; or may not be read.
    """
    kind = special_kind(path)
    if kind is not None:
        raise UnreadableError(
            f"{path}: is a {kind}, not a {what}; give what comes out of it as a file or on standard input"
        )
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise UnreadableError(f"{path}: is a folder, not a {what}") from error
    except PermissionError as error:
        raise UnreadableError(f"{path}: may not be read: permission denied") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be opened: {error.strerror or error}") from error
