"""A batch of photos and a film over HTTP, as a job that is disturbed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import zipfile
from pathlib import Path

import requests

from .jobs import RESULTS, Film, Job, Photos, digest
from .processes import Waiting

DONE = "done"


class Served(Job):
    """A service that is asked for a batch and for a film by a client that keeps what came whole."""

    name = "HTTP"
    writes = "tmp"
    spared = frozenset({"sources", "clock"})

    def __init__(self) -> None:
        self.port = 0

    def prepare(self, folder: Path) -> None:
        """Make photos and a film, and find a port."""
        Photos().prepare(folder)
        Film().prepare(folder / "film")
        (folder / "film" / "in" / "clip.mp4").rename(folder / "in" / "clip.mp4")
        (folder / RESULTS).mkdir()
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]

    def arguments(self) -> list[str]:
        """Serve."""
        return ["serve", "--port", str(self.port), "-m", "lite", "--no-page", "--quiet"]

    def accompany(self, folder: Path, process: int, waiting: Waiting) -> None:
        """Ask for everything, and end the service; what a fault cuts off is not kept."""
        address = f"http://127.0.0.1:{self.port}"
        with requests.Session() as client, contextlib.suppress(requests.RequestException, zipfile.BadZipFile):
            while waiting.until(0.05):
                with contextlib.suppress(requests.ConnectionError):
                    if client.get(f"{address}/readyz", timeout=5).ok:
                        break
            else:
                return
            self._ask(client, address, folder)
        if waiting.until(0):
            os.kill(process, signal.SIGTERM)

    def _ask(self, client: requests.Session, address: str, folder: Path) -> None:
        out = folder / RESULTS
        with contextlib.ExitStack() as stack:
            files = [
                ("files", (path.name, stack.enter_context(path.open("rb"))))
                for path in sorted((folder / "in").rglob("*"))
                if path.is_file() and path.suffix != ".mp4"
            ]
            answer = client.post(f"{address}/api/batch", files=files, timeout=60)
        if answer.ok:
            (out / "batch.zip").write_bytes(answer.content)
        with (folder / "in" / "clip.mp4").open("rb") as file:
            answer = client.post(
                f"{address}/api/jobs", files={"file": file}, data={"type": "white"}, timeout=60
            )
        if not answer.ok:
            return
        job = address + answer.headers["Location"]
        while client.get(job, timeout=60).json().get("state") not in (DONE, "failed", "cancelled"):
            time.sleep(0.05)
        answer = client.get(f"{job}/result", timeout=60)
        if answer.ok:
            (out / "clip.mp4").write_bytes(answer.content)

    def content(self, path: Path) -> str:
        """Return what a batch holds; of a film its bytes."""
        if path.suffix != ".zip":
            return digest(path)
        with zipfile.ZipFile(path) as archive:
            return str(sorted((entry.filename, entry.CRC) for entry in archive.infolist()))
