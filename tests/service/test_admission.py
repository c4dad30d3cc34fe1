"""Who is let in, and how much is held at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from transparent_background.service import admission as admission_module
from transparent_background.service.admission import Admission, Budget


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


def test_what_threads_hold_is_held_until_they_end() -> None:
    async def run() -> None:
        budget, running, ended = Budget(10), Future(), Future()
        ended.set_result(None)
        with pytest.raises(asyncio.CancelledError):
            async with budget.take(10) as work:
                work += [running, ended]
                raise asyncio.CancelledError
        second = asyncio.ensure_future(budget.take(10).__aenter__())
        await asyncio.wait([second], timeout=0.05)
        assert not second.done()
        running.set_result(None)
        await asyncio.wait_for(second, 5)

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "wait"), [(0.01, 1), (1, 10), (4, 40), (20, 60)])
def test_the_time_to_wait_follows_the_pace(monkeypatch, seconds, wait) -> None:
    """A quarter of the places is free again after so long, if requests end every so many seconds."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(admission_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    admission = Admission(40)
    assert admission.retry_after() == 1  # nothing is known yet
    for _ in range(11):
        with admission.enter():
            clock.now += seconds
    assert admission.retry_after() == wait
