"""What is not whole yet: written beside its final name, held by its writer, swept away when that is gone."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nobody can remove a file that another has open
    fcntl = None  # type: ignore[assignment]

NAME = re.compile(r"\..+\.[0-9a-f]{8}\.part")
NO_FSYNC = frozenset((errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF))  # of some network file systems


class Part:
    """A new file or folder ``.NAME.TOKEN.part`` beside ``path``, for what is not whole yet.

    Its writer holds a lock on it, which the system gives back when the process ends, however it ends: that
    tells :func:`sweep` what is left over from what is still written. At the end of a ``with`` block it is
    removed, unless it has become something by then.

    Parameters
    ----------
    path
        What it is a part of.
    folder
        Whether to make a folder.

    Raises
    ------
    OSError
        It cannot be made.
    """

    def __init__(self, path: Path, *, folder: bool = False) -> None:
        while True:
            self.path = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.part")
            if folder:
                self.path.mkdir()
            else:
                self.path.open("xb").close()
            with suppress(FileNotFoundError):  # a sweep may have taken it for left over before it was held
                self._held, ours = _lock(self.path)
                if ours and self.path.exists():
                    return
                self._let_go()

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def become(self, path: Path) -> None:
        """Give the file its final name, once its bytes are on the disk: no crash leaves half of it there."""
        try:
            if self._held is None:
                with self.path.open("r+b") as file:
                    os.fsync(file.fileno())
            else:
                os.fsync(self._held)
        except OSError as error:
            if error.errno not in NO_FSYNC:
                raise
        self.path.replace(path)
        self._let_go()

    def remove(self) -> None:
        """Remove what is there, if it has not become something."""
        with suppress(OSError):
            _remove(self.path)
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            os.close(held)


def sweep(folder: Path) -> None:
    """Remove the parts in a folder whose writers are gone; those that are being written stay."""
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry) for entry in entries if NAME.fullmatch(entry.name)]
    except OSError:
        return
    for path in found:
        with suppress(OSError):
            if path.is_symlink() or (fcntl is None and path.is_dir()):
                continue
            held, _ = _lock(path)
            if held is not None or fcntl is None:
                _remove(path)
            if held is not None:
                os.close(held)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _lock(path: Path) -> tuple[int | None, bool]:
    """Open and lock a file; return its descriptor, if it could be locked, and False if another holds it."""
    if fcntl is None:
        return None, True
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        return None, error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, True
