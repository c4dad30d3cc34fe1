"""A picture's way through the service: bounds, deadlines, and who leaves."""

from __future__ import annotations

import asyncio

import pytest
from PIL import Image
from serving import file_of
from slow_network import hold, numbered

from transparent_background.errors import MemoryShortageError, TooLargeError
from transparent_background.images.memory import peak
from transparent_background.options.service import Limits
from transparent_background.service.admission import Admission, ClosingError, DeadlineError, QueueFullError
from transparent_background.service.pictures import PictureService
from transparent_background.service.requests import PictureOptions


def service_of(workers, **limits) -> PictureService:
    chosen = Limits(**limits)
    return PictureService(workers, chosen, Admission(chosen.queue), threads=2)


async def cut_out(service: PictureService, **options):
    """Cut a drawn disc out, as a request of its own."""
    order = service.order(PictureOptions(type="map"))
    with service.admission.enter():
        return await service.cut_out(file_of(), order, **options)


def test_a_full_queue_refuses_and_says_when_to_come_back(network, workers) -> None:
    async def run() -> None:
        service = service_of(workers, queue=2)
        network.go.clear()
        tasks = [asyncio.ensure_future(cut_out(service)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as refused:
            await cut_out(service)
        assert 1 <= refused.value.retry_after <= 60
        network.go.set()
        for done in await asyncio.gather(*tasks):
            assert done.size == (96, 128)
        assert service.admission.count == 0
        await cut_out(service)

    asyncio.run(run())


def test_a_deadline_ends_the_wait_and_frees_the_place(network, workers) -> None:
    async def run() -> None:
        service = service_of(workers, timeout=0.3)
        network.go.clear()
        first = workers.networks["slow"].submit([numbered(0)])
        with pytest.raises(DeadlineError, match=r"within 0\.3 s"):
            await cut_out(service, name="late.png")
        assert workers.waiting == 0
        assert service.admission.count == 0
        network.go.set()
        await asyncio.wrap_future(first)

    asyncio.run(run())
    assert network.passes == [[0]]


def test_a_cancelled_request_leaves_nothing_in_the_queue(network, workers) -> None:
    async def run() -> None:
        service = service_of(workers)
        hold(network, workers)
        task = asyncio.ensure_future(cut_out(service))
        while not workers.waiting:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert workers.waiting == 0
        assert service.admission.count == 0
        network.go.set()

    asyncio.run(run())
    assert network.passes in ([], [[0]])


def test_memory_is_bounded(network, workers) -> None:
    """Two pictures are held, as there is memory for, and the third waits undecoded."""

    async def run() -> None:
        service = service_of(workers, memory=2 * peak((96, 128), 1, 0))
        network.go.clear()
        tasks = [asyncio.ensure_future(cut_out(service)) for _ in range(4)]
        while service.waiting < 2 or not network.busy.is_set():
            await asyncio.sleep(0.01)
        assert service.waiting == 2
        network.go.set()
        await asyncio.gather(*tasks)
        assert service.waiting == 0

    asyncio.run(run())


def test_a_picture_that_needs_more_than_all_memory_is_refused_before_it_is_decoded(
    workers, monkeypatch
) -> None:
    monkeypatch.setattr("transparent_background.service.pictures.read", None)

    async def run() -> None:
        service = service_of(workers, memory=peak((96, 128), 1, 0) - 1)
        with pytest.raises(
            MemoryShortageError, match=r"disc\.png: a picture of 128 x 96 needs about .* of memory"
        ):
            await cut_out(service, name="disc.png")

    asyncio.run(run())


def test_what_a_format_cannot_hold_is_refused_before_the_network_runs(network, workers) -> None:
    async def run() -> None:
        service = service_of(workers)
        order = service.order(PictureOptions(type="map", format="webp"))
        with pytest.raises(TooLargeError, match="WEBP holds at most 16,383 pixels a side"):
            await service.cut_out(file_of(Image.new("L", (16_384, 1))), order)

    asyncio.run(run())
    assert network.passes == []


def test_draining_finishes_what_was_taken_and_refuses_the_rest(network, workers) -> None:
    async def run() -> None:
        service = service_of(workers)
        network.go.clear()
        task = asyncio.ensure_future(cut_out(service))
        await asyncio.sleep(0.05)
        draining = asyncio.ensure_future(service.admission.drain())
        await asyncio.sleep(0)
        with pytest.raises(ClosingError):
            await cut_out(service)
        assert not draining.done()
        network.go.set()
        assert (await task).size == (96, 128)
        await asyncio.wait_for(draining, 5)

    asyncio.run(run())
