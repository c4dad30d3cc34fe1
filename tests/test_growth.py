"""Memory and work grow with a picture's pixels, and not worse. Bytes and operations, not seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from transparent_background import Remover

PEAK = """
import sys
import numpy as np
from transparent_background import Remover
from transparent_background.evaluate.speed import peak_memory
side = int(sys.argv[1])
y, x = np.ogrid[:side, :side]
disc = (x - side / 2) ** 2 + (y - side / 2) ** 2 < (0.3 * side) ** 2
picture = np.where(disc[..., None], np.uint8([200, 60, 40]), np.uint8([90, 140, 180]))
Remover("lite", device="cpu").process(picture)
print(peak_memory())
"""
BYTES_A_PIXEL = 40
"""Of the peak: the picture, its matte, colours and cut-out are 3 + 4 + 3 + 4."""


def peak(side: int) -> int:
    """Return the bytes that a process needs to cut out one picture of side x side."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(side)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such file to read")
def test_a_processs_peak_is_not_that_of_the_program_that_started_it() -> None:
    starter = """
import subprocess, sys
held = bytearray(b"1") * 500_000_000
code = "from transparent_background.evaluate.speed import peak_memory; print(peak_memory())"
subprocess.run([sys.executable, "-c", code], check=True)
"""
    done = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=True)
    assert 5e6 < int(done.stdout) < 250e6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="memory is not measured there")
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
