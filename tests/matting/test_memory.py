"""What passes take in memory, and that they are not begun where there is too little."""

from __future__ import annotations

import numpy as np
import pytest

from transparent_background import Remover
from transparent_background.errors import MemoryShortageError
from transparent_background.images.memory import Ledger, finishing
from transparent_background.images.picture import Picture
from transparent_background.matting import network as network_module
from transparent_background.matting.memory import pass_memory

SIZE = 900, 1200


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover("lite", device="cpu")


def pictures(count: int) -> list[Picture]:
    values = np.random.default_rng(0).integers(0, 255, (count, *SIZE, 3), dtype=np.uint8)
    return [Picture(one) for one in values]


@pytest.mark.parametrize("form", ["pieces", "plain", "recorded", "compiled", "converted"])
@pytest.mark.parametrize("head", ["light", "published"])
def test_larger_and_longer_passes_take_more(head, form) -> None:
    sizes = [(320, 320), (1024, 1024), (2048, 2048), (256, 16384)]
    needs = [pass_memory(head, form, [size]) for size in sizes]
    assert needs == sorted(set(needs))
    assert pass_memory(head, form, sizes) == needs[-1]


def test_what_was_measured_is_below_the_estimate() -> None:
    """MB of the peaks that benchmarks/memory.py gave for this machine and these networks."""
    measured = {
        ("light", "plain"): {(448, 448): 45, (1280, 1280): 270, (2048, 2048): 648, (32, 16384): 198},
        ("published", "pieces"): {(384, 384): 258, (1024, 1024): 572, (1280, 1280): 860, (256, 16384): 1987},
        ("published", "plain"): {(1024, 1024): 1953},
    }
    for kind, peaks in measured.items():
        for size, megabytes in peaks.items():
            assert pass_memory(*kind, [size]) > 1.05e6 * megabytes, (kind, size)


def test_a_pass_for_which_there_is_too_little_memory_is_not_begun(remover, monkeypatch) -> None:
    need = max(remover.memory_of_passes(SIZE), finishing(SIZE, 1))
    monkeypatch.setattr(network_module, "LEDGER", Ledger(lambda: need - 1))
    monkeypatch.setattr(remover, "run", None)
    with pytest.raises(
        MemoryShortageError, match=r"a picture of 1200 x 900 needs about .* smaller .* static"
    ):
        remover.predictions(pictures(1))


def test_pictures_that_do_not_fit_together_are_predicted_one_by_one(remover, monkeypatch) -> None:
    batch = pictures(3)
    wanted = remover.predictions(batch)
    need = max(remover.memory_of_passes(SIZE), finishing(SIZE, 1))
    monkeypatch.setattr(network_module, "LEDGER", Ledger(lambda: need))
    made = remover.predictions(batch)
    for one, other in zip(made, wanted, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=2e-3)


def test_memory_that_the_system_refuses_is_told_in_a_sentence(remover, monkeypatch) -> None:
    def run(*inputs):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(remover, "run", run)
    with pytest.raises(MemoryShortageError, match="too little memory for 1 picture"):
        remover.predictions(pictures(1))
