"""A slow network and its workers."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from raw_server import Names

pytest.importorskip("fastapi")

from slow_network import SlowNetwork

from transparent_background.service.workers import ModelWorkers


@pytest.fixture
def network():
    return SlowNetwork()


@pytest.fixture
def workers(network):
    made = ModelWorkers([{"slow": network}], batch_size=3)
    made.start()
    yield made
    network.go.set()
    made.stop()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    def replace(**answers: list[list[str]]) -> Names:
        resolver = Names(**answers)
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        return resolver

    return replace


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Let nobody connect; returns the attempts."""
    attempts: list[object] = []

    def connect(_: socket.socket, place: object) -> None:
        attempts.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return attempts
