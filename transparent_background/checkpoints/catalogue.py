"""Which weights there are, where they are, and getting them. Imports no torch."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..errors import DownloadError, OfflineError, UnknownModeError, WeightsError
from ..types import ByteProgress
from .records import Checkpoint
from .registry import CHECKPOINTS
from .user_config import read_user_config

logger = logging.getLogger(__name__)


def home() -> Path:
    """Return the folder of weights and of ``config.yaml``; it need not exist.

    ``~/.transparent-background``, or below ``$TRANSPARENT_BACKGROUND_FILE_PATH``.
    """
    root = os.environ.get("TRANSPARENT_BACKGROUND_FILE_PATH") or "~"
    return Path(root).expanduser().absolute() / ".transparent-background"


def all_checkpoints() -> dict[str, Checkpoint]:
    """Return every known checkpoint by name: ours, changed and followed by the user's.

    Raises
    ------
    UsageError
        The user's config cannot be read.
    """
    own = {checkpoint.name: checkpoint for checkpoint in CHECKPOINTS}
    return own | read_user_config(home() / "config.yaml", own)


def names() -> list[str]:
    """Return the names that ``mode`` may have."""
    return list(all_checkpoints())


def find(name: str) -> Checkpoint:
    """Return a checkpoint by name; letter case does not matter.

    Raises
    ------
    UnknownModeError
        There is none of that name.
    """
    known = all_checkpoints()
    folded = {key.lower(): checkpoint for key, checkpoint in known.items()}
    found = known.get(name) or folded.get(name.lower())
    if found is None:
        raise UnknownModeError(f"mode {name!r} is unknown; choose from {', '.join(known)}")
    return found


def local_path(checkpoint: Checkpoint) -> Path | None:
    """Return where a checkpoint's file is, or None if it is not there; asks no network."""
    folder = Path(__file__).parent / "weights" if checkpoint.bundled else home()
    path = folder / checkpoint.file_name
    return path if path.is_file() else None


def fetch(
    checkpoint: Checkpoint, *, progress: ByteProgress | None = None, offline: bool | None = None
) -> Path:
    """Return a checkpoint's file, downloading it if it is not there or is not the published one.

    Parameters
    ----------
    progress
        Called with (bytes done, bytes in all or None).
    offline
        Fail rather than download; None: if ``$TRANSPARENT_BACKGROUND_OFFLINE`` is set and not 0.

    Raises
    ------
    OfflineError
        It would have to be downloaded.
    DownloadError
        No source gave it.
    ChecksumError
        Every source gave another file.
    WeightsError
        It cannot be stored.
    """
    path = local_path(checkpoint)
    if checkpoint.bundled:
        if path is None:
            raise WeightsError(f"{checkpoint.name}: its file is missing; reinstall the package")
        return path
    from .verification import is_published

    if path is not None and is_published(path, checkpoint):
        return path
    if path is not None:
        logger.warning("%s is damaged or not the published file", path)
    from .download import download

    if offline is None:
        offline = os.environ.get("TRANSPARENT_BACKGROUND_OFFLINE", "0") not in ("", "0")
    return download(checkpoint, home() / checkpoint.file_name, progress=progress, offline=offline)


def verify(checkpoint: Checkpoint) -> str:
    """Compare a checkpoint's file with its published checksum, reading it whole.

    Returns
    -------
    ``"ok"``, or ``"unchecked"`` if no checksum is published.

    Raises
    ------
    ChecksumError
        It is another file.
    WeightsError
        It is not there.
    """
    from .verification import check

    path = local_path(checkpoint)
    if path is None:
        raise WeightsError(
            f"{checkpoint.name}: {checkpoint.file_name} is not there; "
            f"run: transparent-background models download {checkpoint.name}"
        )
    return check(path, checkpoint)


def choose_default(*, progress: ByteProgress | None = None, offline: bool | None = None) -> Checkpoint:
    """Return ``base`` if its file is there or can be downloaded, else ``lite``, with a warning.

    A download that failed is not tried again for ten minutes; :func:`fetch` tries it at any time.
    """
    from . import failures

    base = find("base")
    try:
        ago = failures.failed_lately(home(), base.name) if local_path(base) is None else None
        if ago is not None:
            when = "just now" if ago < 60 else f"{ago / 60:.0f} min ago"
            raise DownloadError(
                f"{base.name}: could not be downloaded {when}; it is tried again "
                f"{failures.REMEMBERED / 60:.0f} min after that, or by --mode {base.name}"
            )
        try:
            fetch(base, progress=progress, offline=offline)
        except OfflineError:
            raise
        except DownloadError:
            failures.note_failure(home(), base.name)
            raise
        failures.forget_failure(home(), base.name)
    except WeightsError as error:
        logger.warning(
            "USING THE SMALL BUNDLED MODEL 'lite', whose results are not as good as those of 'base': "
            "%s. Ask for 'lite' by name to silence this.",
            error,
        )
        return find("lite")
    return base
