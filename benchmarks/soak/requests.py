"""Requests of all kinds: pictures of many sizes, broken ones, wrong options, clients that hang up."""

from __future__ import annotations

import http.client
import io
import random
import socket
import tempfile
import threading
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.photo import SAMPLES
from benchmarks.service import Service, form, ours, running

from .watch import Watch

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

    def __init__(self, service: Service, requests: int, pictures: list[bytes], folder: Path) -> None:
        self.pictures, self.requests, self.peak = pictures, requests, 0.0
        self.port = int(service.address.rpartition(":")[2])
        self.left, self.done = requests, 0
        self.every = max(requests // 100, 1)
        self.answers: Counter[tuple[str, str]] = Counter()
        self.watch = Watch(service.pid, folder)
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
                self.watch.look(self.done / self.requests)


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


def ask(requests: int, clients: int, largest: int, resize: str) -> Soak:
    """Start a service and ask it, from so many clients at once."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(
            "ours", ours("-m", "lite", "-r", resize), "/readyz", Path(folder) / "log", TMPDIR=folder
        ) as service,
    ):
        soak = Soak(service, requests, pictures(largest), Path(folder))
        threads = [Client(soak, seed) for seed in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        soak.peak = service.peak()
    return soak


def plot(soak: Soak, path: Path) -> None:
    """Draw its memory over the requests."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    points = [(share * soak.requests, found.memory) for share, found in soak.watch.seen]
    axes.plot(*zip(*points, strict=True), color="#2563eb")
    axes.set(xlabel="requests", ylabel="resident memory, MB", ylim=(0, None), xlim=(0, None))
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
