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
def staging(path: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """Yield a path of the same name in a new folder beside ``path``, whose files are moved there at the end.

    Nothing is moved if the block ends by an error. The first suffix, by which a model is opened, comes last.

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
        staged = Path(name) / path.name
        yield staged
        try:
            for suffix in reversed(suffixes):
                staged.with_suffix(suffix).replace(path.with_suffix(suffix))
        except OSError as error:
            raise cannot_write(path, error) from error


def remembered_digest(path: Path) -> str:
    """Return a file's SHA-256, reading it once in a process as long as its size and time stay."""
    status = path.stat()
    return _remembered(path.absolute(), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _remembered(path: Path, size: int, changed: int) -> str:
    return digest(path)
