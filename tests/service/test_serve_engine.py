"""The queue before the networks: batches, bounds, deadlines, and who leaves."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("fastapi")

from serving import file_of, wait_until

from transparent_background.images.picture import Picture
from transparent_background.options.service import Limits
from transparent_background.options.values import parse_bytes
from transparent_background.service.admission import Admission, Budget, ClosingError, QueueFullError
from transparent_background.service.pictures import DeadlineError, PictureService
from transparent_background.service.requests import PictureOptions, picture_job
from transparent_background.service.workers import ModelWorkers, SharedRemover


class SlowRemover:
    """Stands for a large network: answers when it is let, and notes what shared a pass."""

    def __init__(self) -> None:
        self.checkpoint = SimpleNamespace(head="published", base_size=(64, 64), name="slow")
        self.device = torch.device("cpu")
        self.go = threading.Event()
        self.go.set()
        self.passes: list[list[int]] = []
        self.busy = threading.Event()
        self.bad: int | None = None

    def sizes_of_passes(self, picture, *, resize=None, base_size=None):
        return picture.size, None

    def predictions(self, pictures, *, resize=None, base_size=None):
        self.busy.set()
        assert self.go.wait(30)
        numbers = [int(picture.rgb[0, 0, 0]) for picture in pictures]
        self.passes.append(numbers)
        if self.bad in numbers:
            raise ValueError("a bad picture")
        return [torch.full((1, 1, 8, 8), number / 255) for number in numbers]


def numbered(number: int, size: tuple[int, int] = (8, 8)) -> Picture:
    return Picture(np.full((*size, 3), number, np.uint8))


@pytest.fixture
def remover():
    return SlowRemover()


@pytest.fixture
def workers(remover):
    made = ModelWorkers([{"slow": remover}], batch_size=3)
    made.start()
    yield made
    remover.go.set()
    made.stop()


def hold(remover, workers):
    """Keep the network busy with one picture, so that others wait."""
    remover.go.clear()
    first = workers.submit("slow", [numbered(0)])
    assert remover.busy.wait(10)
    return first


def test_what_waits_together_shares_a_pass_up_to_the_batch_size(remover, workers) -> None:
    first = hold(remover, workers)
    futures = [workers.submit("slow", [numbered(i)]) for i in range(1, 6)]
    assert workers.waiting == 5
    remover.go.set()
    for number, future in enumerate([first, *futures]):
        (prediction,) = future.result(10).predictions
        assert float(prediction.mean()) == pytest.approx(number / 255)
    assert remover.passes == [[0], [1, 2, 3], [4, 5]]


def test_only_pictures_of_one_size_and_way_share_a_pass(remover, workers) -> None:
    hold(remover, workers)
    futures = [
        workers.submit("slow", [numbered(1)]),
        workers.submit("slow", [numbered(2, (16, 16))]),
        workers.submit("slow", [numbered(3)], resize="dynamic"),
        workers.submit("slow", [numbered(4)]),
    ]
    remover.go.set()
    for future in futures:
        future.result(10)
    assert remover.passes[1:] == [[1, 4], [2], [3]]


def test_who_is_cancelled_leaves_the_queue(remover, workers) -> None:
    hold(remover, workers)
    future = workers.submit("slow", [numbered(1)])
    kept = workers.submit("slow", [numbered(2)])
    assert future.cancel()
    assert workers.waiting == 1
    remover.go.set()
    kept.result(10)
    assert remover.passes == [[0], [2]]
    with pytest.raises(CancelledError):
        future.result(0)


def test_one_bad_picture_does_not_spoil_its_batch(remover, workers) -> None:
    hold(remover, workers)
    remover.bad = 2
    futures = [workers.submit("slow", [numbered(i)]) for i in (1, 2, 3)]
    remover.go.set()
    assert futures[0].result(10).predictions
    assert futures[2].result(10).predictions
    with pytest.raises(ValueError, match="a bad picture"):
        futures[1].result(10)


def test_stopping_finishes_what_was_taken(remover) -> None:
    workers = ModelWorkers([{"slow": remover}], batch_size=1)
    workers.start()
    hold(remover, workers)
    futures = [workers.submit("slow", [numbered(i)]) for i in (1, 2)]
    stopping = threading.Thread(target=workers.stop)
    stopping.start()
    remover.go.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="stopped"):
        workers.submit("slow", [numbered(3)])


def test_devices_share_the_work() -> None:
    removers = [SlowRemover(), SlowRemover()]
    workers = ModelWorkers([{"slow": remover} for remover in removers], batch_size=1)
    workers.start()
    for remover in removers:
        remover.go.clear()
    futures = [workers.submit("slow", [numbered(i)]) for i in (1, 2)]
    wait_until(lambda: all(remover.busy.is_set() for remover in removers))
    for remover in removers:
        remover.go.set()
    for future in futures:
        future.result(10)
    assert [len(remover.passes) for remover in removers] == [1, 1]
    workers.stop()


def test_a_films_passes_go_through_the_queue(remover, workers) -> None:
    shared = SharedRemover(workers, "slow")
    assert shared.checkpoint is remover.checkpoint
    (prediction,) = shared.predictions([numbered(7)])
    assert float(prediction.mean()) == pytest.approx(7 / 255)
    assert shared.predictions([]) == []


def service_of(workers, **limits) -> PictureService:
    return PictureService(workers, Limits(**limits), threads=2)


JOB = picture_job(PictureOptions(type="map"))


def test_a_full_queue_refuses_and_says_when_to_come_back(remover, workers) -> None:
    async def run() -> None:
        service = service_of(workers, queue=2)
        remover.go.clear()
        tasks = [asyncio.ensure_future(service.cut_out(file_of(), JOB)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as refused:
            await service.cut_out(file_of(), JOB)
        assert 1 <= refused.value.retry_after <= 60
        remover.go.set()
        for done in await asyncio.gather(*tasks):
            assert done.size == (96, 128)
        assert service.admission.count == 0
        await service.cut_out(file_of(), JOB)

    asyncio.run(run())


def test_a_deadline_ends_the_wait_and_frees_the_place(remover, workers) -> None:
    async def run() -> None:
        service = service_of(workers, timeout=0.3)
        remover.go.clear()
        first = workers.submit("slow", [numbered(0)])
        with pytest.raises(DeadlineError, match=r"within 0\.3 s"):
            await service.cut_out(file_of(), JOB, name="late.png")
        assert workers.waiting == 0
        assert service.admission.count == 0
        remover.go.set()
        await asyncio.wrap_future(first)

    asyncio.run(run())
    assert remover.passes == [[0]]


def test_a_cancelled_request_leaves_nothing_in_the_queue(remover, workers) -> None:
    async def run() -> None:
        service = service_of(workers)
        hold(remover, workers)
        task = asyncio.ensure_future(service.cut_out(file_of(), JOB))
        while not workers.waiting:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert workers.waiting == 0
        assert service.admission.count == 0
        remover.go.set()

    asyncio.run(run())
    assert remover.passes in ([], [[0]])


def test_pixels_in_memory_are_bounded(remover, workers) -> None:
    """Two pictures at the limit are held, the third waits undecoded."""

    async def run() -> None:
        service = service_of(workers, pixels=128 * 96)
        remover.go.clear()
        tasks = [asyncio.ensure_future(service.cut_out(file_of(), JOB)) for _ in range(4)]
        while service.waiting < 2 or not remover.busy.is_set():
            await asyncio.sleep(0.01)
        assert service.waiting == 2
        remover.go.set()
        await asyncio.gather(*tasks)
        assert service.waiting == 0

    asyncio.run(run())


def test_draining_finishes_what_was_taken_and_refuses_the_rest(remover, workers) -> None:
    async def run() -> None:
        service = service_of(workers)
        remover.go.clear()
        task = asyncio.ensure_future(service.cut_out(file_of(), JOB))
        await asyncio.sleep(0.05)
        draining = asyncio.ensure_future(service.admission.drain())
        await asyncio.sleep(0)
        with pytest.raises(ClosingError):
            await service.cut_out(file_of(), JOB)
        assert not draining.done()
        remover.go.set()
        assert (await task).size == (96, 128)
        await asyncio.wait_for(draining, 5)

    asyncio.run(run())


def test_a_budget_serves_in_turn_and_forgets_who_left() -> None:
    async def run() -> None:
        budget, order = Budget(10), []

        async def take(name: str, amount: int, release: asyncio.Event) -> None:
            async with budget.take(amount):
                order.append(name)
                await release.wait()

        events = {name: asyncio.Event() for name in "abcd"}
        tasks = {"a": asyncio.ensure_future(take("a", 6, events["a"]))}
        await asyncio.sleep(0)
        for name, amount in (("b", 50), ("c", 4), ("d", 4)):  # b asks for more than there is: for all
            tasks[name] = asyncio.ensure_future(take(name, amount, events[name]))
            await asyncio.sleep(0)
        assert order == ["a"]  # c would fit, but b came first
        tasks["b"].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["a", "c"]
        events["a"].set()
        events["c"].set()
        events["d"].set()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert order == ["a", "c", "d"]
        async with budget.take(10):  # all of it is free again
            assert budget.waiting == 0

    asyncio.run(run())


def test_waiting_times_follow_the_pace() -> None:
    async def run() -> None:
        admission = Admission(40)
        assert admission.retry_after() == 1
        for _ in range(5):
            with admission.enter():
                pass
        assert admission.retry_after() == 1  # fast

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "size"),
    [("32M", 32 << 20), ("1.5G", 3 << 29), ("800 kB", 800 << 10), ("12", 12), ("1MiB", 1 << 20)],
)
def test_sizes(text, size) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "1T"])
def test_wrong_sizes(text) -> None:
    with pytest.raises(ValueError, match="not understood"):
        parse_bytes(text)
