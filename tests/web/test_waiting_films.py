"""Films that wait, and films that nobody waits for any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

pytest.importorskip("fastapi")
pytest.importorskip("av")

from drawing import draw_object
from film_makers import make_film
from serving import Running, detail, serve, wait_until

from transparent_background.service import services


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = tmp_path_factory.mktemp("films") / "long.mp4"
    return make_film(path, [draw_object()] * 300).read_bytes()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(services, "SWEEP", 0.02)
    with serve() as running:
        yield running


def start(service: Running, film: bytes, **fields: object) -> str:
    answer = service.post("/api/jobs", files={"file": ("long.mp4", film)}, data=fields)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["id"]
    return id


def state_of(service: Running, id: str) -> str:
    """Return a film's state without asking, which would count as a question."""
    state: str = service.services.films.jobs[id].state
    return state


def end(service: Running) -> None:
    for id in list(service.services.films.jobs):
        service.delete(f"/api/jobs/{id}")


def test_a_film_says_how_many_come_first(service: Running, long_film: bytes) -> None:
    ids = [start(service, long_film) for _ in range(3)]
    wait_until(lambda: state_of(service, ids[0]) == "running")
    states = [service.get(f"/api/jobs/{id}").json() for id in ids]
    assert [state["position"] for state in states] == [0, 1, 2]
    service.post(f"/api/jobs/{ids[1]}/cancel")
    assert service.get(f"/api/jobs/{ids[2]}").json()["position"] == 1
    end(service)


def test_a_film_goes_on_though_nobody_asks(service: Running, long_film: bytes) -> None:
    id = start(service, long_film)
    service.services.films.jobs[id].attention.asked -= 1e6
    wait_until(lambda: service.services.films.jobs[id].progress is not None)
    assert state_of(service, id) == "running"
    end(service)


def test_a_film_that_nobody_waits_for_frees_its_place(service: Running, long_film: bytes) -> None:
    left, waiting = start(service, long_film, abandon=60), start(service, long_film, abandon=60)
    wait_until(lambda: state_of(service, left) == "running")
    service.services.films.jobs[left].attention.asked -= 61
    wait_until(lambda: state_of(service, left) == "cancelled")
    assert service.get(f"/api/jobs/{left}").json()["error"] == "nobody asked about it for 60 s"
    wait_until(lambda: state_of(service, waiting) == "running")
    end(service)


def test_whoever_follows_a_film_waits_for_it(service: Running, long_film: bytes) -> None:
    id = start(service, long_film, abandon=60)
    film = service.services.films.jobs[id]
    with requests.get(f"{service.address}/api/jobs/{id}/events", stream=True, timeout=60) as events:
        lines = events.iter_lines()
        next(lines)
        film.attention.asked -= 1e6
        done = 0 if film.progress is None else film.progress.frames
        wait_until(lambda: film.progress is not None and film.progress.frames > done + 10)
        assert film.state == "running"
        film.attention.asked -= 1e6
    wait_until(lambda: not film.attention.watching)
    assert film.state == "running"  # the time begins now
    film.attention.asked -= 61
    wait_until(lambda: film.state == "cancelled")


def test_how_long_it_goes_on_can_be_changed(service: Running, long_film: bytes) -> None:
    id = start(service, long_film, abandon=60)
    film = service.services.films.jobs[id]
    assert service.post(f"/api/jobs/{id}/abandon").status_code == 200
    assert film.attention.patience is None
    service.post(f"/api/jobs/{id}/abandon?after=30")
    assert film.attention.patience == 30
    assert "after" in detail(service.post(f"/api/jobs/{id}/abandon?after=0"), 422)
    assert detail(service.post("/api/jobs/nobody/abandon"), 404).startswith("there is no such film")
    end(service)
