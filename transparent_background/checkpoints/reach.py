"""Whether servers can be reached, asked of all at once: without a network nobody wants to wait for each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies


def places_of(urls: Collection[str]) -> list[tuple[str, int]] | None:
    """Return the servers (host, port) of addresses; None if one is a file, or is asked through a proxy."""
    places = []
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or get_environ_proxies(url):
            return None
        places.append((parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)))
    return places


def are_silent(places: Collection[tuple[str, int]], seconds: float) -> bool:
    """Whether none of some servers says anything for so long, not even that it refuses.

    Every address of every server is asked at the same time. Where all fail before, the answer is no: their
    reasons are worth telling, and cost no time.
    """
    news: SimpleQueue[int | None] = SimpleQueue()  # how many more are asked; None: one has answered

    def look_up(host: str, port: int) -> None:
        try:
            found = {
                (entry[0], entry[4]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            }
        except OSError:
            found = set()
        news.put(len(found) - 1)  # before any of them can fail
        for family, address in found:
            _start(knock, family, address)

    def knock(family: int, address: tuple[object, ...]) -> None:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(2 * seconds)
                connection.connect(address)
        except ConnectionRefusedError:
            news.put(None)
        except OSError:
            news.put(-1)
        else:
            news.put(None)

    for place in places:
        _start(look_up, *place)
    asked, end = len(places), time.monotonic() + seconds
    while asked:
        try:
            change = news.get(timeout=max(end - time.monotonic(), 0))
        except Empty:
            return True
        if change is None:
            return False
        asked += change
    return False


def _start(work: Callable[..., None], *arguments: object) -> None:
    """Run something in a thread that nobody waits for: a name may be looked up in vain for half a minute."""
    threading.Thread(target=work, args=arguments, name="reach", daemon=True).start()
