"""Files of one conversion: written aside, checked, and moved to their place whole."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..checkpoints.verification import digest
from ..media.atomic import cannot_write


@contextmanager
def staging(path: Path) -> Iterator[Path]:
    """Yield a path of the same name in a new folder beside ``path``.

    What was not moved out with :func:`publish` is removed with that folder when the block ends.

    Raises
    ------
    OutputError
        The folder of ``path`` does not exist or cannot be written to.
    """
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=f".{path.name[:80]}.", suffix=".part", dir=path.parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise cannot_write(path, error) from error
    with folder as name:
        yield Path(name) / path.name


def publish(staged: Path, path: Path, suffixes: Sequence[str]) -> list[Path]:
    """Move staged files to their place; the first suffix, by which a model is opened, comes last.

    Returns
    -------
    The files' paths, the one a model is opened by first.
    """
    moved: list[Path] = []
    for suffix in reversed(suffixes):
        target = path.with_suffix(suffix)
        try:
            staged.with_suffix(suffix).replace(target)
        except OSError as error:
            raise cannot_write(target, error) from error
        moved.insert(0, target)
    return moved


def remembered_digest(path: Path) -> str:
    """Return a file's SHA-256, reading it once in a process as long as its size and time stay."""
    status = path.stat()
    return _remembered(path.absolute(), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _remembered(path: Path, size: int, changed: int) -> str:
    return digest(path)
