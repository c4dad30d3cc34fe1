"""A stand-in for a remover, whose mattes are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from film_makers import SIZE, number_of

from transparent_background import Remover
from transparent_background.checkpoints import Checkpoint
from transparent_background.engine.plan import choose_plan


class HalfRemover(Remover):
    """Takes the left half of every picture for the object; remembers what it was asked."""

    asked_resize = None
    device = torch.device("cpu")
    plan = choose_plan("published", device)
    fingerprint = "half"
    checkpoint = Checkpoint(name="half", file_name="", base_size=SIZE)

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.batches: list[int] = []
        self.resizes: list[str] = []
        self.after = None

    def predictions(self, pictures, *, resize=None, base_size=None):
        self.seen += [number_of(picture.rgb) for picture in pictures]
        self.batches.append(len(pictures))
        self.resizes.append(resize)
        if self.after is not None and len(self.seen) > self.after:
            raise KeyboardInterrupt
        result = []
        for picture in pictures:
            matte = torch.zeros(1, 1, *picture.size)
            matte[..., : picture.size[1] // 2] = 1
            result.append(matte)
        return result


@pytest.fixture
def remover() -> HalfRemover:
    return HalfRemover()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
