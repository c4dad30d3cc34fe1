"""Data sets and configurations that train in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from transparent_background.train.state import load_state


def draw_set(folder: Path, count: int, seed: int) -> None:
    """Bright disks on dark noise, with their masks."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    y, x = np.mgrid[:72, :96]
    for index in range(count):
        cy, cx, radius = rng.integers(25, 47), rng.integers(30, 66), rng.integers(14, 24)
        mask = np.hypot(y - cy, x - cx) < radius
        image = rng.normal(50, 15, (72, 96, 3))
        image[mask] += (140, 110, 60)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{index}.png")
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder / "masks" / f"{index}.png")


def write_config(data: Path, output: Path) -> Path:
    """Write a configuration that trains in seconds and uses every part of the loop."""
    path = output.parent / f"{output.name}.yaml"
    path.write_text(
        f"""
output: {output}
model:
  backbone: mobilenetv2_100
  backbone_weights: null
  head: light
  depth: 16
  base_size: [64, 64]
  normalisation: sigmoid
  name: disks
data:
  root: {data}
  train:
    - {{path: one, paste: 0.5}}
    - {{path: two, weight: 1.5}}
  validate:
    - {{path: val}}
  backgrounds: backgrounds
  sizes: [64]
  batch_size: 4
  workers: 0
augment: {{aspect: 1.2, shift: 0.5, colour_chance: 0.3, degrade_chance: 0.3}}
optimiser: {{name: adamw, lr: 2.0e-3, clip: 5.0, ema: 0.9}}
schedule: {{steps: 6, warmup: 2, kind: cosine}}
log: {{every: 2, save_every: 2, validate_every: 3, grid_every: 6, tensorboard: false}}
"""
    )
    return path


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    state = load_state(folder)
    assert state is not None
    return state["network"]
