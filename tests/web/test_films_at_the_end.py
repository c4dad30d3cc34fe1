"""Films when the service ends: finished, fetched, or cancelled; nothing is left of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

pytest.importorskip("fastapi")
pytest.importorskip("av")

from film_jobs import long_film_of, short_film, start
from serving import detail, file_of, serve, wait_until

from transparent_background import Remover
from transparent_background.service import films as films_module


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return short_film(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def long_film(tmp_path_factory) -> Path:
    return long_film_of(tmp_path_factory.mktemp("films"))


def test_the_end_of_the_service_finishes_a_film_and_removes_its_files(film) -> None:
    with serve([{"lite": Remover("lite", device="cpu")}]) as service:
        id = start(service, film, type="map").json()["id"]
        films = service.services.films
        folder = films.folder
    assert films.jobs[id].state == "done"
    assert not folder.exists()


def test_a_film_that_is_finished_while_the_service_ends_can_be_fetched(film) -> None:
    """Until then the service is listened to, and takes nothing new."""
    with serve([{"lite": Remover("lite", device="cpu")}]) as service:
        id = start(service, film, type="map").json()["id"]
        films = service.services.films
        service.server.should_exit = True
        wait_until(lambda: films._closing is not None)
        assert service.get("/readyz").status_code == 503
        assert detail(start(service, film), 503) == "the service is being stopped"
        assert service.post("/api/remove", data=file_of()).json()["code"] == "closing"
        wait_until(lambda: service.get(f"/api/jobs/{id}").json()["state"] == "done")
        head = service.client.head(f"{service.address}/api/jobs/{id}/result", timeout=60)
        assert (head.status_code, head.content) == (200, b"")
        answer = service.get(f"/api/jobs/{id}/result")
        assert len(answer.content) == int(head.headers["content-length"])
    assert not films.folder.exists()


def test_a_film_that_nobody_fetches_does_not_hold_up_the_end(film, monkeypatch) -> None:
    monkeypatch.setattr(films_module, "FETCHING", 0.1)
    with serve([{"lite": Remover("lite", device="cpu")}]) as service:
        id = start(service, film, type="map").json()["id"]
        films = service.services.films
    assert films.jobs[id].state == "done"
    assert not films.folder.exists()


def test_a_film_that_waits_is_told_its_place(long_film) -> None:
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"grace": 0.1}) as service:
        ids = [start(service, long_film).json()["id"] for _ in range(3)]
        places = [service.get(f"/api/jobs/{id}").json()["position"] for id in ids]
        assert places == [0, 1, 2]
        assert service.post(f"/api/jobs/{ids[0]}/cancel").json()["position"] is None
        wait_until(lambda: service.get(f"/api/jobs/{ids[2]}").json()["position"] == 1)


def test_who_watches_a_film_does_not_hold_up_the_end(long_film) -> None:
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"grace": 0.3}) as service:
        job = start(service, long_film).json()
        events = requests.get(f"{service.address}/api/jobs/{job['id']}/events", stream=True, timeout=60)
        lines = events.iter_lines()
        assert next(lines)
        films = service.services.films
        started = time.monotonic()
    assert time.monotonic() - started < 15
    assert b"event: end" in list(lines)
    assert films.jobs[job["id"]].state == "cancelled"
    assert not films.folder.exists()


def test_the_end_cancels_a_film_that_takes_too_long(long_film) -> None:
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"grace": 0.2}) as service:
        id = start(service, long_film).json()["id"]
        films = service.services.films
    assert films.jobs[id].state == "cancelled"
    assert not films.folder.exists()


@pytest.mark.parametrize("after", [0.0, 1.0])
def test_where_there_is_no_time_films_are_cut_short(long_film, after, caplog) -> None:
    """Whoever watches is told, and hung up on."""
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"grace": 600}) as service:
        id = start(service, long_film).json()["id"]
        films = service.services.films
        events = requests.get(f"{service.address}/api/jobs/{id}/events", stream=True, timeout=60)
        lines = events.iter_lines()
        assert next(lines)
        service.server.should_exit = True
        started = time.monotonic()
        wait_until(lambda: time.monotonic() - started >= after)
        service.server.force_exit = True  # as a second signal does
    assert time.monotonic() - started < 20
    assert films.jobs[id].state == "cancelled"
    assert b"event: end" in list(lines)
    assert not films.folder.exists()
    assert not [record for record in caplog.records if record.exc_info]
