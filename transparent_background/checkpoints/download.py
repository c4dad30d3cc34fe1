"""Downloading weights: several sources in turn, resumed, compared, and put in place when whole."""

from __future__ import annotations

import logging
import shutil
import urllib.parse
import urllib.request
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ChecksumError, DownloadError, OfflineError, WeightsError
from ..media.atomic import cannot_write
from ..media.parts import sweep
from ..types import ByteProgress
from .drive import begun_files, bring_from_drive
from .records import Checkpoint
from .transfer import InterruptedTransferError, Patience, RefusedError, Transfer, bring_from_server
from .verification import check, expected_checksum, is_published, remember

logger = logging.getLogger(__name__)


def download(
    checkpoint: Checkpoint,
    destination: Path,
    *,
    progress: ByteProgress | None = None,
    offline: bool = False,
    patience: Patience | None = None,
) -> Path:
    """Download a checkpoint.

    One process downloads; others that want the same file wait for it and then use it. What has been
    received is kept in ``<name>.part`` and gone on with later, by another source or process too,
    where a checksum can tell that the parts fit.

    Parameters
    ----------
    destination
        Where the file goes. What is there stays until the new file is whole.
    progress
        Called with (bytes done, bytes in all or None).
    offline
        Raise OfflineError at once.

    Raises
    ------
    OfflineError, DownloadError, ChecksumError, WeightsError
    """
    if not checkpoint.sources:
        raise DownloadError(f"{checkpoint.name}: has no address to download from; put it at {destination}")
    if offline:
        state = "is damaged or not the published file" if destination.exists() else "is not there"
        raise OfflineError(
            f"{checkpoint.name}: {destination} {state}, and downloading is switched off; put the "
            f"file there, from {checkpoint.sources[0]}, or allow downloads"
        )
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        sweep(destination.parent)  # of notes
        with _lock(destination):
            if destination.is_file() and is_published(destination, checkpoint):
                return destination  # another process has got it while we waited
            _download(checkpoint, destination, progress, patience or Patience())
    except OSError as error:
        advice = "set TRANSPARENT_BACKGROUND_FILE_PATH to another folder"
        raise WeightsError(f"{cannot_write(destination, error)}; {advice}") from error
    return destination


def _lock(destination: Path) -> FileLock:
    lock = FileLock(destination.with_name(destination.name + ".lock"))
    try:
        lock.acquire(timeout=0)
        lock.release()
    except Timeout:
        logger.warning("another process is downloading %s; waiting for it", destination.name)
    return lock


def _download(
    checkpoint: Checkpoint, destination: Path, progress: ByteProgress | None, patience: Patience
) -> None:
    part = destination.with_name(destination.name + ".part")
    reason = "another file than the published one"
    if expected_checksum(checkpoint)[1] is None:
        reason = "no file of weights or not all of one"
        part.unlink(missing_ok=True)  # nothing would tell whether an old part fits
    transfer = Transfer(checkpoint, part, progress, patience)
    failures: list[str] = []
    wrong = 0
    for source in checkpoint.sources:
        try:
            _bring_the_published(transfer, source)
        except ChecksumError:
            part.unlink(missing_ok=True)
            failures.append(f"{source} ({reason})")
            wrong += 1
        except (RefusedError, InterruptedTransferError) as error:
            failures.append(f"{source} ({error})")
        else:
            part.replace(destination)
            remember(destination, checkpoint)
            for begun in begun_files(part):
                begun.unlink(missing_ok=True)
            return
        logger.info("%s: %s", checkpoint.name, failures[-1])
    kind = ChecksumError if wrong == len(checkpoint.sources) else DownloadError
    raise kind(
        f"{checkpoint.name}: could not be downloaded from {'; '.join(failures)}. Check the connection "
        f"or put the file at {destination}"
    )


def _bring_the_published(transfer: Transfer, source: str) -> None:
    """Bring a file and compare it; once more from its first byte if an old part may be to blame."""
    leftover = _bring(transfer, source)
    try:
        check(transfer.part, transfer.checkpoint)
    except ChecksumError:
        if not leftover:
            raise
        logger.info("%s: what was there of it is of another file; starting anew", source)
        transfer.part.unlink()
        _bring(transfer, source)
        check(transfer.part, transfer.checkpoint)


def _bring(transfer: Transfer, source: str) -> bool:
    """Bring the part to its full length from any kind of source; see :func:`bring_from_server`."""
    parts = urllib.parse.urlsplit(source)
    if parts.scheme in ("", "file") or len(parts.scheme) == 1:  # a single letter is a Windows drive
        name = urllib.request.url2pathname(parts.path) if parts.scheme == "file" else source
        path = Path(name).expanduser()
        if not path.is_file():
            raise RefusedError("no such file")
        shutil.copyfile(path, transfer.part)
        return False
    if parts.scheme not in ("http", "https"):
        raise RefusedError(f"addresses of {parts.scheme}:// are not supported")
    return (bring_from_drive if "drive.google.com" in source else bring_from_server)(transfer, source)
