"""What a film's result is called."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..errors import OutputConflictError
from ..media.atomic import file_key, file_keys
from ..media.video.containers import is_sequence
from ..options.result_types import Rgba
from ..options.settings import Settings

if TYPE_CHECKING:
    from .outputs import Targets


def film_result_path(source: object, dest: str | os.PathLike[str] | None, settings: Settings) -> Path:
    """Name the result of one film, for callers that plan nothing.

    Parameters
    ----------
    source
        A path, an address, a pattern of pictures, or an open file.
    dest
        The result's own name, a folder for it, or None for the current folder.
    """
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else "film"
    path = Path(dest).expanduser() if dest is not None else Path()
    if dest is None or path.is_dir():
        path = path / film_name(film_stem(name), settings)
    return path


def check_targets(source: object, targets: Targets) -> None:
    """See that no file of a film takes the place of its source, or of another one of them.

    Raises
    ------
    OutputConflictError
        One does.
    """
    own = file_keys(Path(source)) if isinstance(source, (str, os.PathLike)) else set()
    seen: set[str] = set()
    for path in (target.path for target in targets.files.values()):
        if not own.isdisjoint(file_keys(path)):
            raise OutputConflictError(f"{path}: the result would overwrite its source; choose another name")
        if file_key(path) in seen:
            raise OutputConflictError(f"{path}: two results of the film have this name; choose another one")
        seen.add(file_key(path))


def film_stem(name: str) -> str:
    """Return what a film's results are called after: ``clip`` for ``a/clip.mp4``, ``frame`` for a pattern."""
    stem = PurePath(name.split("?")[0]).stem
    return re.sub(r"[_.-]*%0?\d*d", "", stem) or "film"


def film_name(stem: str, settings: Settings) -> str:
    """Return the name of a film's result; of numbered pictures, a folder and a pattern."""
    format = settings.format
    if format is None:
        format = "mov" if isinstance(settings.type, Rgba) else "mp4"
    format = format.lstrip(".").lower()
    if is_sequence(format):
        return f"{stem}{settings.tag}/%05d.{format}"
    return f"{stem}{settings.tag}.{format}"
