"""Telling whether a file is the published one, and remembering the answer."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from pathlib import Path

from ..errors import ChecksumError, OutputError, WeightsError
from ..media.atomic import replacing
from .records import Checkpoint

logger = logging.getLogger(__name__)

_NOTES = ".verified.json"  # beside the weights: what each file was when its checksum was compared


def check(path: Path, checkpoint: Checkpoint) -> str:
    """Read a file whole and compare its checksum.

    Returns
    -------
    ``"ok"``, or ``"unchecked"`` if no checksum is published and the file is whole weights by its structure.

    Raises
    ------
    ChecksumError
        It is another file than the published one, or no whole file of weights.
    WeightsError
        It cannot be read.
    """
    algorithm, expected = expected_checksum(checkpoint)
    try:
        if not expected:
            _check_structure(path)
            return "unchecked"
        actual = digest(path, algorithm)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from error
    if actual != expected:
        raise ChecksumError(
            f"{path}: is not the published {checkpoint.file_name}: "
            f"{algorithm} {actual}, expected {expected}; delete it or download it again"
        )
    return "ok"


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Return a file's checksum, in hexadecimal."""
    checksum = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum.update(block)
    return checksum.hexdigest()


def expected_checksum(checkpoint: Checkpoint) -> tuple[str, str | None]:
    """Return the algorithm and the published checksum, None if there is none."""
    if checkpoint.sha256:
        return "sha256", checkpoint.sha256.lower()
    return "md5", checkpoint.md5.lower() if checkpoint.md5 else None


def is_published(path: Path, checkpoint: Checkpoint) -> bool:
    """Tell whether a file is the published one, reading it only if it has changed since last time."""
    _, expected = expected_checksum(checkpoint)
    if expected and _read_notes(path.parent).get(path.name) == _note(path, expected):
        return True
    try:
        check(path, checkpoint)
    except ChecksumError as error:
        logger.debug("%s", error)
        return False
    remember(path, checkpoint)
    return True


def remember(path: Path, checkpoint: Checkpoint) -> None:
    """Note that a file has the published checksum; without effect where nothing can be written."""
    _, expected = expected_checksum(checkpoint)
    if not expected:
        return
    notes = _read_notes(path.parent) | {path.name: _note(path, expected)}
    try:
        with replacing(path.parent / _NOTES) as file:
            file.write(json.dumps(notes, indent=1).encode())
    except OutputError as error:
        logger.debug("%s", error)


def _note(path: Path, checksum: str) -> list[object]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, checksum]


def _read_notes(folder: Path) -> dict[str, list[object]]:
    try:
        notes = json.loads((folder / _NOTES).read_text())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _check_structure(path: Path) -> None:
    """Refuse what is plainly no whole file of weights: PyTorch's zip or pickle, or safetensors."""
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as file:
        head = file.read(16)
        if head[8:9] == b"{":  # first: the length before it may look like anything
            try:
                with safe_open(path, framework="numpy"):
                    whole = True  # as long as its header announces
            except SafetensorError:
                whole = False
        elif head[:2] == b"PK":
            whole = zipfile.is_zipfile(file)  # its directory is at its end
        else:
            whole = head[:1] == b"\x80"  # a pickle does not tell its length
    if not whole:
        raise ChecksumError(f"{path}: is no file of weights or not all of one; delete it or replace it")
