"""Whether the service's memory stays flat: ten thousand requests of all kinds, and what it holds meanwhile.

Pictures of many sizes and types, broken ones, wrong options, and clients that hang up. Linux only::

    python -m benchmarks.soak --requests 10000 --plot docs/service-memory.png

Prints a Markdown table; the last line says how much memory a thousand requests added, by a straight line
through the second half.
"""

from __future__ import annotations

import argparse
import http.client
import io
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.machine import describe_machine
from benchmarks.photo import SAMPLES
from benchmarks.service import Service, form, ours, running

TYPES = ("rgba", "map", "white", "blur", "green", "overlay", "#336699")
FORMATS = ("png", "jpg", "webp")


class Client(threading.Thread):
    """Asks until there is nothing left to ask."""

    def __init__(self, soak: Soak, seed: int) -> None:
        super().__init__(daemon=True)
        self.soak, self.random = soak, random.Random(seed)
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while self.soak.next():
            kind = self.random.choices(("picture", "broken", "wrong", "gone"), (92, 3, 3, 2))[0]
            try:
                answer = getattr(self, kind)()
            except (http.client.HTTPException, OSError) as error:
                answer, self.connection = type(error).__name__, None
            self.soak.note(kind, answer)

    def ask(self, body: bytes, content_type: str, query: str = "") -> str:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.soak.port, timeout=120)
        self.connection.request("POST", f"/api/remove{query}", body, {"Content-Type": content_type})
        response = self.connection.getresponse()
        response.read()
        return str(response.status)

    def picture(self) -> str:
        fields = {"type": self.random.choice(TYPES), "format": self.random.choice(FORMATS)}
        return self.ask(*form(self.random.choice(self.soak.pictures), **fields))

    def broken(self) -> str:
        whole = self.random.choice(self.soak.pictures)
        return self.ask(whole[: len(whole) // 2], "image/jpeg")

    def wrong(self) -> str:
        return self.ask(self.soak.pictures[0], "image/jpeg", "?threshold=7")

    def gone(self) -> str:
        """Send all of it, and hang up before the answer."""
        body, kind = form(self.random.choice(self.soak.pictures))
        head = f"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        with socket.create_connection(("127.0.0.1", self.soak.port), timeout=30) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return "hung up"


class Soak:
    """What the clients share."""

    def __init__(self, service: Service, requests: int, pictures: list[bytes]) -> None:
        self.service, self.pictures = service, pictures
        self.port = int(service.address.rpartition(":")[2])
        self.left, self.done = requests, 0
        self.every = max(requests // 100, 1)
        self.answers: Counter[tuple[str, str]] = Counter()
        self.memory: list[tuple[int, float]] = [(0, service.memory())]
        self._lock = threading.Lock()

    def next(self) -> bool:
        with self._lock:
            self.left -= 1
            return self.left >= 0

    def note(self, kind: str, answer: str) -> None:
        with self._lock:
            self.done += 1
            self.answers[kind, answer] += 1
            if self.done % self.every == 0:
                self.memory.append((self.done, self.service.memory()))


def pictures(largest: int) -> list[bytes]:
    """Return JPEG files of twelve sizes, from 96 pixels to ``largest`` on the long side."""
    files = []
    names = sorted(SAMPLES.glob("*.jpg"))
    for index, side in enumerate(np.geomspace(96, largest, 12).astype(int)):
        with Image.open(names[index % len(names)]) as image:
            small = image.convert("RGB").resize((side, max(side * (2 + index % 3) // 4, 32)))
        file = io.BytesIO()
        small.save(file, "JPEG")
        files.append(file.getvalue())
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--largest", type=int, default=768, help="long side of the largest picture (768)")
    parser.add_argument("--resize", default="static", help="what the network sees (static)")
    parser.add_argument("--plot", type=Path, help="a PNG to write")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running("ours", ours("-m", "lite", "-r", options.resize), "/readyz", Path(folder) / "log") as service,
    ):
        soak = Soak(service, options.requests, pictures(options.largest))
        started = time.monotonic()
        clients = [Client(soak, seed) for seed in range(options.clients)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        seconds = time.monotonic() - started
        _print(soak, options, seconds)
    if options.plot:
        _plot(soak, options.plot)


def _print(soak: Soak, options: argparse.Namespace, seconds: float) -> None:
    print(describe_machine(), "\n")
    print(f"{soak.done} requests in {seconds:.0f} s from {options.clients} clients.\n")
    print("| requests | memory, MB |\n|---|---|")
    step = max(len(soak.memory) // 10, 1)
    for count, memory in soak.memory[::step]:
        print(f"| {count} | {memory:.0f} |")
    print("\n| request | answer | times |\n|---|---|---|")
    for (kind, answer), times in sorted(soak.answers.items()):
        print(f"| {kind} | {answer} | {times} |")
    half = [point for point in soak.memory if point[0] >= options.requests / 2]
    slope = np.polyfit([p[0] for p in half], [p[1] for p in half], 1)[0] * 1000
    print(f"\nA thousand requests of the second half added {slope:+.2f} MB; the peak was ", end="")
    print(f"{soak.service.peak():.0f} MB.")


def _plot(soak: Soak, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*zip(*soak.memory, strict=True), color="#2563eb")
    axes.set(xlabel="requests", ylabel="resident memory, MB", ylim=(0, None), xlim=(0, None))
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
