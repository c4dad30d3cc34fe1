"""Kept mattes, and two who ask for one at the same time."""

from __future__ import annotations

import asyncio

import pytest
import torch
from serving import file_of

from transparent_background.options.service import Limits
from transparent_background.service.admission import Admission
from transparent_background.service.kept import KeptPictures, PackedMatte
from transparent_background.service.pictures import PictureService
from transparent_background.service.requests import KeptOptions


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 96)])
def test_a_packed_matte_is_what_it_was_to_a_sixteenth_bit(size: tuple[int, int]) -> None:
    prediction = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    prediction[..., 0, 0] = 1.0
    unpacked = PackedMatte(prediction).unpack()
    assert unpacked.shape == prediction.shape and unpacked.dtype == torch.float32
    assert (unpacked - prediction).abs().max() <= 0.5001 / 65535
    assert unpacked.max() == 1


def test_a_matte_of_few_values_takes_little() -> None:
    matte = PackedMatte(torch.zeros(1, 1, 500, 500))
    assert len(matte.data) < 5000


def test_two_who_ask_at_once_share_one_pass(network, workers) -> None:
    limits = Limits()

    async def run() -> None:
        service = PictureService(workers, limits, Admission(limits.queue), threads=2)
        kept = KeptPictures(limits).keep(file_of(), (96, 128))
        before = len(network.passes)
        network.go.clear()
        orders = [service.order(KeptOptions(type=kind)) for kind in ("map", "white", "rgba")]
        tasks = [asyncio.ensure_future(service.cut_out(kept.data, order, kept=kept)) for order in orders]
        network.go.set()
        for done in await asyncio.gather(*tasks):
            assert done.size == (96, 128)
        assert len(network.passes) == before + 1

    asyncio.run(run())


def test_time_that_is_over_is_over_before_it_is_swept() -> None:
    pictures = KeptPictures(Limits(kept_seconds=1e-9))
    picture = pictures.keep(b"x", (1, 1))
    assert pictures.find(picture.id) is None
    pictures.expire()
    assert len(pictures) == 0


def test_one_that_is_alone_is_kept_though_it_is_large() -> None:
    pictures = KeptPictures(Limits(kept_memory=10))
    pictures.keep(bytes(8), (1, 1))
    large = pictures.keep(bytes(50), (1, 1))
    assert pictures.find(large.id) is large
    assert len(pictures) == 1
