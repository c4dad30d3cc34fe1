"""A slow network and its workers."""

from __future__ import annotations

import pytest

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
