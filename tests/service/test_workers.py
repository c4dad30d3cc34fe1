"""The queue before the networks: what shares a pass, and who leaves."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest
from serving import wait_until
from slow_network import SlowNetwork, hold, numbered

from transparent_background.service.workers import ModelWorkers


def test_what_waits_together_shares_a_pass_up_to_the_batch_size(network, workers) -> None:
    first = hold(network, workers)
    futures = [workers.networks["slow"].submit([numbered(i)]) for i in range(1, 6)]
    assert workers.waiting == 5
    network.go.set()
    for number, future in enumerate([first, *futures]):
        (prediction,) = future.result(10).predictions
        assert float(prediction.mean()) == pytest.approx(number / 255)
    assert network.passes == [[0], [1, 2, 3], [4, 5]]


def test_only_pictures_of_one_size_and_way_share_a_pass(network, workers) -> None:
    hold(network, workers)
    futures = [
        workers.networks["slow"].submit([numbered(1)]),
        workers.networks["slow"].submit([numbered(2, (16, 16))]),
        workers.networks["slow"].submit([numbered(3)], resize="dynamic"),
        workers.networks["slow"].submit([numbered(4)]),
    ]
    network.go.set()
    for future in futures:
        future.result(10)
    assert network.passes[1:] == [[1, 4], [2], [3]]


def test_who_is_cancelled_leaves_the_queue(network, workers) -> None:
    hold(network, workers)
    future = workers.networks["slow"].submit([numbered(1)])
    kept = workers.networks["slow"].submit([numbered(2)])
    assert future.cancel()
    assert workers.waiting == 1
    network.go.set()
    kept.result(10)
    assert network.passes == [[0], [2]]
    with pytest.raises(CancelledError):
        future.result(0)


def test_one_bad_picture_does_not_spoil_its_batch(network, workers) -> None:
    hold(network, workers)
    network.bad = 2
    futures = [workers.networks["slow"].submit([numbered(i)]) for i in (1, 2, 3)]
    network.go.set()
    assert futures[0].result(10).predictions
    assert futures[2].result(10).predictions
    with pytest.raises(ValueError, match="a bad picture"):
        futures[1].result(10)


def test_stopping_finishes_what_was_taken(network) -> None:
    workers = ModelWorkers([{"slow": network}], batch_size=1)
    workers.start()
    hold(network, workers)
    futures = [workers.networks["slow"].submit([numbered(i)]) for i in (1, 2)]
    stopping = threading.Thread(target=workers.stop)
    stopping.start()
    network.go.set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="stopped"):
        workers.networks["slow"].submit([numbered(3)])


def test_devices_share_the_work() -> None:
    networks = [SlowNetwork(), SlowNetwork()]
    workers = ModelWorkers([{"slow": network} for network in networks], batch_size=1)
    workers.start()
    for network in networks:
        network.go.clear()
    futures = [workers.networks["slow"].submit([numbered(i)]) for i in (1, 2)]
    wait_until(lambda: all(network.busy.is_set() for network in networks))
    for network in networks:
        network.go.set()
    for future in futures:
        future.result(10)
    assert [len(network.passes) for network in networks] == [1, 1]
    workers.stop()
    workers.restore_threads()


def test_a_films_passes_go_through_the_queue(network, workers) -> None:
    shared = workers.networks["slow"]
    assert shared.checkpoint is network.checkpoint
    (prediction,) = shared.predictions([numbered(7)])
    assert float(prediction.mean()) == pytest.approx(7 / 255)
    assert shared.predictions([]) == []
