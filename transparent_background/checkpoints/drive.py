"""Bringing a file from Google Drive, through gdown."""

from __future__ import annotations

from pathlib import Path

import requests

from .transfer import InterruptedTransferError, RefusedError, Transfer, check_status, describe, persist


def bring_from_drive(transfer: Transfer, source: str) -> bool:
    """Bring the part to its full length from Google Drive; see :func:`.transfer.bring_from_server`.

    gdown goes on only with files it has begun itself, so it gets a name of its own; what it has
    received stays beside the part until the download is done.
    """
    output = _output(transfer.part)
    output.unlink(missing_ok=True)  # gdown would take it for a finished download
    leftover = _size(transfer) > 0
    persist(lambda: _ask(transfer, source), lambda: _size(transfer), source, transfer.patience)
    output.replace(transfer.part)
    return leftover


def begun_files(part: Path) -> list[Path]:
    """Return the files in which gdown keeps what it has received, the longest first."""
    output = _output(part)
    # gdown's temporary names: the output's, eight characters, ".part"
    begun = output.parent.glob(output.name + "????????.part")
    return sorted(begun, key=lambda path: path.stat().st_size, reverse=True)


def _output(part: Path) -> Path:
    return part.with_name(part.name.removesuffix(".part") + ".drive")


def _size(transfer: Transfer) -> int:
    begun = begun_files(transfer.part)
    return begun[0].stat().st_size if begun else 0


def _ask(transfer: Transfer, source: str) -> None:
    """Ask once for what is missing; return at the file's end."""
    import gdown
    from gdown.exceptions import DownloadError, FileURLRetrievalError

    for surplus in begun_files(transfer.part)[1:]:
        surplus.unlink()  # gdown refuses to choose
    start = _size(transfer)
    try:
        gdown.download(
            url=source,
            output=str(_output(transfer.part)),
            quiet=True,
            proxy=transfer.checkpoint.http_proxy,
            use_cookies=False,
            progress=transfer.progress,
            timeout=(transfer.patience.connect, transfer.patience.stall),
            resume=True,
        )
    except FileURLRetrievalError as error:
        raise RefusedError(_explain(error)) from error
    except DownloadError as error:
        if _size(transfer) > start:
            raise InterruptedTransferError(describe(error)) from error
        if not start:
            raise RefusedError(describe(error)) from error
        for begun in begun_files(transfer.part):
            begun.unlink()  # it cannot be gone on with: the next try starts anew
        raise InterruptedTransferError(describe(error)) from error
    except requests.HTTPError as error:
        check_status(error.response.status_code, error.response.reason)
        raise


def _explain(error: Exception) -> str:
    """Return Drive's own words out of the several lines that gdown puts around them."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith(("http", "Failed to", "but Gdown"))]
    words = " ".join(kept).partition("You may still be able to access")[0]
    return words.strip()[:200] or "Google Drive does not give it"
