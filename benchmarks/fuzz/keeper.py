"""Keeps a worker process up: asks it cases, and tells when it hangs, dies or takes too much memory."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HANG = 20.0  # seconds without an answer, and of films without another frame
LONGEST = 300.0  # seconds for a case that goes on, such as a film that says it is hours long
ALIVE = b"{}\n"  # what a worker says when it is ready, and while there is progress
START = 300.0  # seconds for a fresh process, which loads libraries, until its first answer
MEMORY = 4 << 30  # bytes at which a process is ended, so that the machine lives on
LEAK = 3 << 29  # bytes at which a process is replaced between cases
ROOT = Path(__file__).resolve().parents[2]


class Keeper:
    """One worker process, started when it is needed.

    ``command`` is what is run in place of :mod:`.worker`, for tests.
    """

    def __init__(self, log: Path, command: list[str] | None = None, hang: float = HANG) -> None:
        self.log, self.hang = log, hang
        self.command = command or [sys.executable, "-m", "benchmarks.fuzz.worker"]
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = 0

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask a case; whatever becomes of the process, there is an answer."""
        if self.process is None:
            self._start()
        try:
            return self._answer(question)
        finally:
            if self.process is not None and _memory(self.process.pid) > LEAK:
                self.stop()

    def _start(self) -> None:
        self.restarts += 1
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        environment["TRANSPARENT_BACKGROUND_OFFLINE"] = "1"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=ROOT,
            )
        assert self.process.stdout is not None
        if select.select([self.process.stdout], [], [], START)[0]:  # it is ready, or has ended
            while os.read(self.process.stdout.fileno(), 1) not in (b"\n", b""):
                pass

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        process = self.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        begun = time.monotonic()
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return self._died(begun)
        received, heard = bytearray(), begun
        while not received.endswith(b"\n"):
            waited = time.monotonic() - heard
            if waited > self.hang or heard - begun > LONGEST:
                self.stop()
                return _ended("hang", f"no answer or progress in {self.hang:.0f} s", heard - begun + waited)
            if _memory(process.pid) > MEMORY:
                self.stop()
                return _ended("memory", f"over {MEMORY >> 30} GiB", waited)
            if not select.select([process.stdout], [], [], 0.25)[0]:
                continue
            block = os.read(process.stdout.fileno(), 1 << 20)
            if not block:
                return self._died(begun)
            received += block
            if received.startswith(ALIVE):
                received, heard = received[received.rindex(ALIVE) + len(ALIVE) :], time.monotonic()
        answer: dict[str, Any] = json.loads(received)
        return answer

    def _died(self, begun: float) -> dict[str, Any]:
        assert self.process is not None
        code = self.process.wait()
        self.stop()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        said = self.log.read_text(encoding="utf-8", errors="replace")[-6000:]
        return {**_ended("signal", name, time.monotonic() - begun), "trace": said}

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def _ended(outcome: str, what: str, seconds: float) -> dict[str, Any]:
    return {"outcome": outcome, "what": what, "signature": f"{outcome} {what}", "seconds": seconds, "peak": 0}


def _memory(pid: int) -> int:
    """Return the resident bytes of a process, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096
    except (OSError, IndexError):
        return 0
