"""A network that answers when it is let, to see what waits for it."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import torch

from transparent_background.images.picture import Picture
from transparent_background.service.workers import ModelWorkers, Passed


class SlowNetwork:
    """Stands for a large network: answers when it is let, and notes what shared a pass."""

    def __init__(self) -> None:
        self.checkpoint = SimpleNamespace(base_size=(64, 64), name="slow")
        self.plan = SimpleNamespace(side_by_side=False)
        self.device = torch.device("cpu")
        self.asked_resize = None
        self.fingerprint = "slow"
        self.go = threading.Event()
        self.go.set()
        self.passes: list[list[int]] = []
        self.busy = threading.Event()
        self.bad: int | None = None

    def sizes_of_passes(self, size, *, resize=None, base_size=None):
        return size, None

    def memory_of_passes(self, size, *, resize=None):
        return 0

    def predictions(self, pictures, *, resize=None, base_size=None):
        self.busy.set()
        assert self.go.wait(30)
        numbers = [int(picture.rgb[0, 0, 0]) for picture in pictures]
        self.passes.append(numbers)
        if self.bad in numbers:
            raise ValueError("a bad picture")
        return [torch.full((1, 1, 8, 8), number / 255) for number in numbers]


def numbered(number: int, size: tuple[int, int] = (8, 8)) -> Picture:
    """Return a picture by which it is known in :attr:`SlowNetwork.passes`."""
    return Picture(np.full((*size, 3), number, np.uint8))


def hold(network: SlowNetwork, workers: ModelWorkers) -> Future[Passed]:
    """Keep the network busy with one picture, so that others wait."""
    network.go.clear()
    first = workers.networks["slow"].submit([numbered(0)])
    assert network.busy.wait(10)
    return first
