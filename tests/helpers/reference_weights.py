"""Weights that follow from their names, so that no 367 MB checkpoint has to be stored.

Every tensor of a published checkpoint is drawn from a generator seeded with the CRC-32 of its key,
scaled so that signals keep their size through the network. ``tests/data/*.keys.json.gz`` list the
keys and shapes of the published checkpoints; ``tests/data/parity_*.npz`` hold what the published
code predicts with these weights (float32, CPU, base size 384 x 384, rounded to 1e-4), thinned out:
every pixel of d3, every second of p2, fourth of p1 and eighth of p0 and of the prediction.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).parents[1] / "data"


def published_shapes(backbone: str) -> dict[str, list[int]]:
    """Return every key of a published checkpoint with its shape."""
    return json.loads(gzip.decompress((DATA / f"{backbone}.keys.json.gz").read_bytes()))


def published_state_dict(backbone: str) -> dict[str, torch.Tensor]:
    """Return seeded weights under the published keys of ``swinb`` or ``res2net50``."""
    shapes = published_shapes(backbone)
    return {
        key: _draw(key, shape) for key, shape in shapes.items() if not key.endswith("relative_position_index")
    }


def _draw(key: str, shape: list[int]) -> torch.Tensor:
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.tensor(1)
    constants = {"gamma": 0.5, "threshold": 0.45, "lthreshold": 0.45}
    if leaf in constants:
        return torch.full(shape, constants[leaf])
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    if leaf == "running_var":
        values = 0.75 + 0.5 * rng.random(shape)
    elif leaf == "weight" and len(shape) == 1:
        values = 0.8 + 0.4 * rng.random(shape)
    else:
        values = _deviation(key, leaf, shape) * rng.standard_normal(shape)
    return torch.from_numpy(values.astype(np.float32))


def _deviation(key: str, leaf: str, shape: list[int]) -> float:
    small = {"running_mean": 0.1, "relative_position_bias_table": 0.5, "bias": 0.02}
    if leaf in small:
        return small[leaf]
    deviation = math.prod(shape[1:]) ** -0.5  # a kernel of unit gain
    sums_pixels = re.match(r"attention(\d)\.conv_(key|value)\.0\.conv", key)
    if sums_pixels:
        return deviation * 4.0 * (2 ** int(sums_pixels[1]) / 384) ** 2
    if ".conv_out4." in key:
        return deviation * 0.5
    if key.startswith("decoder.conv5"):
        return deviation * 3.0
    return deviation
