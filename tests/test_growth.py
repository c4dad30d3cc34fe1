"""Memory and work grow with a picture's pixels, and not worse. Bytes and operations, not seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from transparent_background import Remover

PEAK = """
import resource, sys
import numpy as np
from transparent_background import Remover
side = int(sys.argv[1])
y, x = np.ogrid[:side, :side]
disc = (x - side / 2) ** 2 + (y - side / 2) ** 2 < (0.3 * side) ** 2
picture = np.where(disc[..., None], np.uint8([200, 60, 40]), np.uint8([90, 140, 180]))
Remover("lite", device="cpu").process(picture)
scale = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale)
"""
BYTES_A_PIXEL = 40
"""Of the peak: the picture, its matte, colours and cut-out are 3 + 4 + 3 + 4."""


def peak(side: int) -> int:
    """Return the bytes that a process needs to cut out one picture of side x side."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(side)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it has no module resource")
def test_memory_grows_with_the_pixels() -> None:
    sides = (2048, 4096, 5792)
    peaks = [peak(side) for side in sides]
    pixels = [side**2 for side in sides]
    growth = [(peaks[i + 1] - peaks[i]) / (pixels[i + 1] - pixels[i]) for i in (0, 1)]  # bytes a pixel
    assert max(growth) < BYTES_A_PIXEL
    assert growth[1] < 1.3 * growth[0]


@pytest.mark.parametrize("resize", ["dynamic", "blend"])
def test_the_network_works_with_the_pixels_up_to_its_limit(resize) -> None:
    """A picture larger than the limit costs the network no more than one at the limit."""
    remover = Remover("lite", resize=resize)
    limit = remover.checkpoint.short_side

    def work(side: int) -> int:
        with FlopCounterMode(display=False) as counter:
            remover.alpha(torch.zeros(3, side, side, dtype=torch.uint8))
        return counter.get_total_flops()

    assert work(4 * limit) == work(2 * limit)
    if resize == "dynamic":
        assert work(limit) < 4.3 * work(limit // 2)
