"""Services that benchmarks ask: started as processes of their own, watched, and stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY = 120.0  # seconds that a service may take to start


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers."""

    name: str
    address: str
    pid: int

    def memory(self) -> float:
        """Return the resident memory of its process, MB (Linux)."""
        return _status(self.pid, "VmRSS")

    def peak(self) -> float:
        """Return the most that it was, MB (Linux)."""
        return _status(self.pid, "VmHWM")


def _status(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise SystemExit(f"/proc says nothing of {field}")


@contextmanager
def running(name: str, command: Sequence[str], path: str, log: Path, **environment: str) -> Iterator[Service]:
    """Start a service and wait until it answers.

    Parameters
    ----------
    command
        With ``{port}`` where its port belongs.
    path
        Answered with 200 when it is ready.
    log
        Where its output goes.
    environment
        Added to this process's own.
    """
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    arguments = [part.replace("{port}", str(port)) for part in command]
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=output, env={**os.environ, **environment})
        try:
            _wait(process, address + path, log)
            yield Service(name, address, process.pid)
        finally:
            process.terminate()
            process.wait(60)


def ours(*options: str) -> list[str]:
    """Return the command of this program's service."""
    return [
        *(sys.executable, "-m", "transparent_background", "serve", "--port", "{port}", "--no-page"),
        *options,
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + READY
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"the service ended:\n{log.read_text(errors='replace')[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer within {READY:g} s")


def form(picture: bytes, **fields: str) -> tuple[bytes, str]:
    """Return a multipart form with a picture as ``file``, and its content type."""
    boundary = "transparent-background-benchmark"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = 'Content-Disposition: form-data; name="file"; filename="photo.jpg"\r\nContent-Type: image/jpeg'
    parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + picture + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
