"""Downloads that failed a short while ago, so that not every start of the program waits for them again.

They stand in ``.failed.json`` beside the weights. Every process replaces that file as a whole; should two
do so at once, one of the notes is lost, and costs another try.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..media.atomic import make_folder, replacing

logger = logging.getLogger(__name__)

REMEMBERED = 600.0
"""Seconds for which a download that failed is not tried again, unless it is asked for by name."""

_NOTES = ".failed.json"


def failed_lately(folder: Path, name: str) -> float | None:
    """Return how many seconds ago a download failed; None if that is long ago, or has not happened."""
    try:
        ago = time.time() - float(_read(folder)[name])
    except (KeyError, TypeError, ValueError):
        return None
    return ago if 0 <= ago < REMEMBERED else None  # less than 0: the clock was set back


def note_failure(folder: Path, name: str) -> None:
    """Remember that a download failed just now; without effect where nothing can be written."""
    _write(folder, _read(folder) | {name: time.time()})


def forget_failure(folder: Path, name: str) -> None:
    """Forget that a download failed."""
    notes = _read(folder)
    if notes.pop(name, None) is not None:
        _write(folder, notes)


def _read(folder: Path) -> dict[str, Any]:
    try:
        notes = json.loads((folder / _NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _write(folder: Path, notes: dict[str, object]) -> None:
    try:
        make_folder(folder)
        with replacing(folder / _NOTES) as file:
            file.write(json.dumps(notes).encode())
    except OutputError as error:
        logger.debug("%s", error)
