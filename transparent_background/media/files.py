"""Opening files for reading, with errors in our words."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..errors import SourceNotFoundError, UnreadableError


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
        It is a folder, or may not be read.
    """
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
