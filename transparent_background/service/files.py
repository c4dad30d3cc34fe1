"""Where uploads and results are kept while a service runs."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX, LOCK = "transparent-background-", ".lock"


class TemporaryFolder:
    """A folder for this user alone. What a service left that was killed is removed when the next one starts.

    A lock in it, which the system gives back when its process ends, tells whether it is in use.
    """

    def __init__(self) -> None:
        remove_stale()
        self._outer = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = FileLock(self._outer / LOCK)
        self._lock.acquire()
        self.path = self._outer / "films"
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove it with all that is in it; again, if it came back."""
        self._lock.release()
        shutil.rmtree(self._outer, ignore_errors=True)


def remove_stale() -> None:
    """Remove the folders of services that are no more; those of other users cannot be, and stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            if folder.is_symlink() or not _is_ours(folder) or not (folder / LOCK).is_file():
                continue
            lock = FileLock(folder / LOCK)
            lock.acquire(timeout=0)
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
