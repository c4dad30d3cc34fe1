"""Downloading weights: several sources in turn, resumed, compared, and put in place when whole."""

from __future__ import annotations

import errno
import logging
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
from filelock import FileLock, Timeout

from ..errors import ChecksumError, DownloadError, OfflineError, WeightsError
from ..types import ByteProgress
from .records import Checkpoint
from .verification import check, expected_checksum, is_published, remember

logger = logging.getLogger(__name__)

CHUNK = 1 << 16  # bytes read at once; what a cut line may cost


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait and how often to try."""

    connect: float = 10.0
    """Seconds until a server must answer."""
    stall: float = 30.0
    """Seconds without a byte after which a connection is given up."""
    attempts: int = 4
    """Tries for each source, each going on where the last one stopped."""
    pause: float = 1.0
    """Seconds before the second try, doubled for each further one."""
    sleep: Callable[[float], None] = time.sleep


class _Refused(Exception):
    """A source will not give the file, however often it is asked."""


class _Interrupted(Exception):
    """A source stopped half-way; asking again may help."""


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
        raise OfflineError(
            f"{checkpoint.name}: {destination} is not there and downloading is switched off; put the "
            f"file there, from {checkpoint.sources[0]}, or allow downloads"
        )
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _lock(destination):
            if destination.is_file() and is_published(destination, checkpoint):
                return destination  # another process has got it while we waited
            _download(checkpoint, destination, progress, patience or Patience())
    except OSError as error:
        raise _storage_error(destination, error) from error
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
    _, checksum = expected_checksum(checkpoint)
    if checksum is None:
        part.unlink(missing_ok=True)  # nothing would tell whether an old part fits
    failures: list[str] = []
    wrong = 0
    for source in checkpoint.sources:
        try:
            _from_source(source, checkpoint, part, progress, patience)
            check(part, checkpoint)
        except ChecksumError:
            part.unlink(missing_ok=True)
            failures.append(f"{source} (another file than the published one)")
            wrong += 1
        except (_Refused, _Interrupted) as error:
            failures.append(f"{source} ({error})")
        else:
            part.replace(destination)
            remember(destination, checkpoint)
            return
        logger.info("%s: %s", checkpoint.name, failures[-1])
    kind = ChecksumError if wrong == len(checkpoint.sources) else DownloadError
    raise kind(
        f"{checkpoint.name}: could not be downloaded from {'; '.join(failures)}. Check the connection "
        f"or put the file at {destination}"
    )


def _from_source(
    source: str,
    checkpoint: Checkpoint,
    part: Path,
    progress: ByteProgress | None,
    patience: Patience,
) -> None:
    """Bring the part to its full length from one source."""
    scheme = urllib.parse.urlsplit(source).scheme
    if scheme in ("", "file"):
        _copy(source, part)
    elif "drive.google.com" in source:
        _from_drive(source, checkpoint, part, progress, patience)
    elif scheme in ("http", "https"):
        _from_server(source, checkpoint, part, progress, patience)
    else:
        raise _Refused(f"addresses of {scheme}:// are not supported")


def _copy(source: str, part: Path) -> None:
    parts = urllib.parse.urlsplit(source)
    path = Path(urllib.request.url2pathname(parts.path) if parts.scheme else source).expanduser()
    if not path.is_file():
        raise _Refused("no such file")
    shutil.copyfile(path, part)


def _from_drive(
    source: str,
    checkpoint: Checkpoint,
    part: Path,
    progress: ByteProgress | None,
    patience: Patience,
) -> None:
    import gdown
    from gdown.exceptions import DownloadError as GdownError

    fresh = part.with_name(part.name + ".drive")  # gdown does not go on with other sources' parts
    try:
        gdown.download(
            url=source,
            output=str(fresh),
            quiet=True,
            proxy=checkpoint.http_proxy,
            use_cookies=False,
            progress=progress,
            timeout=(patience.connect, patience.stall),
            retries=patience.attempts - 1,
        )
        fresh.replace(part)
    except (GdownError, requests.RequestException) as error:
        raise _Refused(_reason(error)) from error
    finally:
        fresh.unlink(missing_ok=True)


def _from_server(
    url: str, checkpoint: Checkpoint, part: Path, progress: ByteProgress | None, patience: Patience
) -> None:
    proxies = {scheme: checkpoint.http_proxy for scheme in ("http", "https") if checkpoint.http_proxy}
    reason = ""
    with requests.Session() as session:
        session.headers["Accept-Encoding"] = "identity"  # ranges count the file's own bytes
        session.proxies.update(proxies)
        validator: str | None = None
        for attempt in range(patience.attempts):
            if attempt:
                patience.sleep(patience.pause * 2 ** (attempt - 1))
                logger.info("%s: %s; trying again", url, reason)
            try:
                validator = _request(session, url, part, progress, patience, validator)
            except _Interrupted as error:
                reason = str(error)
            except requests.RequestException as error:
                reason = _reason(error)
            else:
                return
    raise _Interrupted(reason)


def _request(
    session: requests.Session,
    url: str,
    part: Path,
    progress: ByteProgress | None,
    patience: Patience,
    validator: str | None,
) -> str | None:
    """Ask once, for what is missing; return at the file's end."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and validator:
        headers["If-Range"] = validator  # the whole file, should it have changed meanwhile
    timeout = (patience.connect, patience.stall)
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            if response.headers.get("Content-Range", "").endswith(f"/{start}"):
                return validator  # there was nothing missing
            part.unlink()
            raise _Interrupted("the part does not fit; starting anew")
        _check_answer(response)
        resumed = response.status_code == requests.codes.partial_content
        if resumed and not _starts_at(response, start):
            part.unlink(missing_ok=True)
            raise _Interrupted("the server sent another range than asked for")
        done = start if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        with part.open("ab" if resumed else "wb") as file:
            done = _receive(response, file, done, total, progress)
        if total is not None and done < total:
            raise _Interrupted(f"the line was cut after {done} of {total} bytes")
        etag = response.headers.get("ETag", "")
        return etag if etag and not etag.startswith("W/") else None


def _check_answer(response: requests.Response) -> None:
    status = response.status_code
    if status in (408, 425, 429) or status >= 500:
        raise _Interrupted(f"HTTP {status} {response.reason}")
    if status not in (200, 206):
        raise _Refused(f"HTTP {status} {response.reason}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise _Refused("a web page came in place of the file")


def _starts_at(response: requests.Response, start: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _receive(
    response: requests.Response,
    file: BinaryIO,
    done: int,
    total: int | None,
    progress: ByteProgress | None,
) -> int:
    """Append what comes; return how many bytes the file has."""
    for block in response.iter_content(CHUNK):
        file.write(block)
        done += len(block)
        if progress is not None:
            progress(done, total)
    return done


def _reason(error: Exception) -> str:
    """Say in a few words what a library's exception means."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no answer"
    if isinstance(error, requests.exceptions.ReadTimeout) or "Read timed out" in str(error):
        return "the server stalled"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the line was cut"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _storage_error(destination: Path, error: OSError) -> WeightsError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    why = "the disk is full" if full else error.strerror or str(error)
    return WeightsError(
        f"{destination}: cannot be stored: {why}; set TRANSPARENT_BACKGROUND_FILE_PATH to another folder"
    )
