"""A stand-in for a network, and plans for runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from drawing import draw_object
from PIL import Image

from transparent_background.checkpoints import Checkpoint
from transparent_background.engine.plan import choose_plan
from transparent_background.media.sources import find_sources
from transparent_background.options.settings import Settings, settings_of
from transparent_background.pipeline.plan import Plan, make_plan


class FakePredictor:
    """Takes the green channel for the matte; counts what is in flight."""

    device = torch.device("cpu")

    def __init__(self, head: str = "published") -> None:
        self.calls: list[int] = []
        self.threads: set[int] = set()
        self.checkpoint = Checkpoint(name="fake", file_name="fake", head=head)
        self.plan = choose_plan(head, self.device)

    def predictions(self, pictures):
        self.calls.append(len(pictures))
        self.threads.add(torch.get_num_threads())
        return [
            torch.from_numpy(picture.rgb[..., 1].astype(np.float32) / 255)[None, None] for picture in pictures
        ]


def settings(type: str = "rgba", **options: object) -> Settings:
    """Return options as a user gives them."""
    return settings_of(type=type, **options)


def save(path: Path, height: int = 20, width: int = 30) -> Path:
    """Save a picture of an object."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_object(height, width)).save(path)
    return path


def plan_of(arguments, dest=None, recursive=False, skip_existing=False, **options) -> Plan:
    """Plan what becomes of sources, given as a user names them."""
    sources = find_sources([str(a) for a in arguments], recursive=recursive)
    return make_plan(sources, settings(**options), dest, skip_existing=skip_existing)
