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
    drive = _Drive(transfer, source)
    leftover = drive.size() > 0
    persist(drive.ask, drive.size, source, transfer.patience)
    drive.output.replace(transfer.part)
    return leftover


def begun_files(part: Path) -> list[Path]:
    """Return the files in which gdown keeps what it has received, the longest first."""
    output = _output(part)
    # gdown's temporary names: the output's, eight characters, ".part"
    begun = output.parent.glob(output.name + "????????.part")
    return sorted(begun, key=lambda path: path.stat().st_size, reverse=True)


def _output(part: Path) -> Path:
    return part.with_name(part.name.removesuffix(".part") + ".drive")


class _Drive:
    """One file on Google Drive."""

    def __init__(self, transfer: Transfer, source: str) -> None:
        self.transfer, self.source = transfer, source
        self.output = _output(transfer.part)
        self.output.unlink(missing_ok=True)  # gdown would take it for a finished download

    def size(self) -> int:
        begun = begun_files(self.transfer.part)
        return begun[0].stat().st_size if begun else 0

    def ask(self) -> None:
        """Ask once for what is missing; return at the file's end."""
        import gdown
        from gdown.exceptions import DownloadError, FileURLRetrievalError

        for surplus in begun_files(self.transfer.part)[1:]:
            surplus.unlink()  # gdown refuses to choose
        start = self.size()
        patience = self.transfer.patience
        try:
            gdown.download(
                url=self.source,
                output=str(self.output),
                quiet=True,
                proxy=self.transfer.checkpoint.http_proxy,
                use_cookies=False,
                progress=self.transfer.progress,
                timeout=(patience.connect, patience.stall),
                resume=True,
            )
        except FileURLRetrievalError as error:
            raise RefusedError(_explain(error)) from error
        except DownloadError as error:
            if self.size() > start:
                raise InterruptedTransferError(describe(error)) from error
            if not start:
                raise RefusedError(describe(error)) from error
            for begun in begun_files(self.transfer.part):
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
