"""Films as jobs: uploaded, followed, fetched, cancelled, deleted; what is no film is refused."""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("av")

import av
from drawing import draw_object
from film_jobs import long_film_of, short_film, start
from film_makers import make_film
from PIL import Image
from serving import detail, file_of, serve, wait_until

from transparent_background import Remover
from transparent_background.service import services
from transparent_background.service.services import TemporaryFolder

LIMITS = {"film_bytes": 4 << 20, "film_seconds": 60.0, "film_frames": 400, "pixels": 1_000_000, "films": 3}


@pytest.fixture(scope="module")
def service():
    with serve([{"lite": Remover("lite", device="cpu")}], limits=LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return short_film(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def long_film(tmp_path_factory) -> Path:
    return long_film_of(tmp_path_factory.mktemp("films"))


def finish(service, job: dict) -> dict:
    state: dict = {}

    def ended() -> bool:
        state.update(service.get(f"/api/jobs/{job['id']}").json())
        return state["state"] in ("done", "failed", "cancelled")

    wait_until(ended, 120)
    return state


def folders(service) -> list[Path]:
    return list(service.services.films.folder.iterdir())


def test_a_film_becomes_a_transparent_one(service, film) -> None:
    before = folders(service)
    answer = start(service, film, format="webm")
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/jobs/{answer.json()['id']}"
    job = finish(service, answer.json())
    assert job["error"] is None
    assert (job["state"], job["frames"], job["total"]) == ("done", 12, 12)
    assert job["result"]["name"] == "disc_rgba.webm"
    assert job["result"]["media_type"] == "video/webm"
    assert 0 < job["expires"] <= 3600
    result = service.get(f"/api/jobs/{job['id']}/result")
    assert len(result.content) == job["result"]["bytes"]
    assert "disc_rgba.webm" in result.headers["content-disposition"]
    with av.open(io.BytesIO(result.content)) as container:
        assert container.streams.audio
        codec = av.CodecContext.create("libvpx-vp9", "r")
        packets = (p for p in container.demux(container.streams.video[0]) if p.size)
        image = codec.decode(next(packets))[0].to_ndarray(format="rgba")
    assert image[48, 64, 3] > 240
    assert image[2, 2, 3] < 15
    part = service.get(f"/api/jobs/{job['id']}/result", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, result.content[:10])
    assert service.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert detail(service.get(f"/api/jobs/{job['id']}"), 404)
    assert folders(service) == before


def test_events_follow_it_to_its_end(service, film) -> None:
    job = start(service, film, type="map", sound="false").json()
    response = service.get(f"/api/jobs/{job['id']}/events", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = response.text.strip().split("\n\n")
    kinds = [block.split("\n")[0] for block in blocks]
    states = [json.loads(block.split("data: ")[1]) for block in blocks]
    assert kinds[-1] == "event: end"
    assert set(kinds[:-1]) <= {"event: progress"}
    assert states[-1]["state"] == "done"
    assert states[-1]["result"]["name"] == "disc_map.mp4"
    frames = [state["frames"] for state in states]
    assert frames == sorted(frames)
    service.delete(f"/api/jobs/{job['id']}")


def test_a_picture_behind_and_a_body_as_the_film(service, film) -> None:
    blue = file_of(Image.new("RGB", (64, 64), (0, 0, 255)))
    answer = service.post(
        "/api/jobs",
        files={"file": ("disc.mp4", film.read_bytes()), "background_image": ("sea.png", blue)},
    )
    job = finish(service, answer.json())
    assert job["result"]["name"] == "disc_background.mp4", job
    data = service.get(f"/api/jobs/{job['id']}/result").content
    with av.open(io.BytesIO(data)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert image[4, 4, 2] > 200
    assert image[4, 4, 0] < 60
    body = service.post(
        "/api/jobs?type=white&end=0.2", data=film.read_bytes(), headers={"Content-Type": "video/mp4"}
    )
    short = finish(service, body.json())
    assert short["result"]["name"] == "film_white.mp4"
    assert 0 < short["frames"] < 12


def test_an_animated_picture_is_a_film(service) -> None:
    frames = [Image.fromarray(np.roll(draw_object(), 3 * i, axis=1)) for i in range(4)]
    gif = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    answer = service.post("/api/jobs", files={"file": ("dance.gif", gif)}, data={"format": "apng"})
    job = finish(service, answer.json())
    assert job["state"] == "done", job
    got = Image.open(io.BytesIO(service.get(f"/api/jobs/{job['id']}/result").content))
    assert (got.format, got.n_frames, got.mode) == ("PNG", 4, "RGBA")


def test_cancelling_stops_the_work_and_leaves_nothing(service, long_film) -> None:
    before = len(folders(service))
    job = start(service, long_film).json()
    waiting = start(service, long_film).json()
    wait_until(lambda: service.get(f"/api/jobs/{job['id']}").json()["frames"] > 0)
    assert service.get(f"/api/jobs/{waiting['id']}").json()["state"] == "queued"
    assert service.post(f"/api/jobs/{waiting['id']}/cancel").json()["state"] == "cancelled"
    stopped = service.post(f"/api/jobs/{job['id']}/cancel").json()
    assert stopped["state"] == "cancelled"
    assert stopped["frames"] < 300
    assert len(folders(service)) == before
    assert "cancelled" in detail(service.get(f"/api/jobs/{job['id']}/result"), 409)


def test_a_result_that_is_not_there_yet(service, long_film) -> None:
    job = start(service, long_film).json()
    assert "not done yet" in detail(service.get(f"/api/jobs/{job['id']}/result"), 409)
    assert service.delete(f"/api/jobs/{job['id']}").status_code == 204


def test_too_many_films_are_refused_and_one_client_leaves_room_for_others(service, long_film) -> None:
    def from_elsewhere() -> tuple[int, dict]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", service.port, 60, source_address=("127.0.0.2", 0)
        )
        with closing(connection) as elsewhere:
            elsewhere.request("POST", "/api/jobs", long_film.read_bytes(), {"Content-Type": "video/mp4"})
            with elsewhere.getresponse() as answer:
                return answer.status, json.loads(answer.read())

    jobs = [start(service, long_film).json() for _ in range(2)]
    refused = start(service, long_film)
    assert "2 of your films are worked on" in detail(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    status, job = from_elsewhere()
    assert status == 202
    status, problem = from_elsewhere()
    assert (status, problem["code"]) == (503, "queue-full")
    assert "3 films are worked on" in problem["detail"]
    for one in (*jobs, job):
        service.delete(f"/api/jobs/{one['id']}")


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.mp4", b"no film"),
        ("a.mp4", PLAYLIST),
        ("a.m3u8", PLAYLIST),
        ("a.ts", PLAYLIST),
        ("a.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("a.mp4", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 5004 RTP/AVP 96\r\n"),
        ("../../a.gif", b"GIF89a"),
        ("one.png", None),
        ("frame_%04d.png", None),
    ],
)
def test_what_is_no_film_is_refused_and_not_kept(service, name, data) -> None:
    """Play lists would name files of the server, or addresses."""
    before = folders(service)
    data = file_of() if data is None else data
    sentence = detail(service.post("/api/jobs", files={"file": (name, data)}), 415)
    assert str(service.services.films.folder) not in sentence
    assert folders(service) == before


def test_too_long_too_large_and_too_many_frames(service, tmp_path) -> None:
    before = folders(service)
    long = make_film(tmp_path / "long.mp4", [draw_object(32, 32)] * 70, rate=1)
    assert "at most 60 s" in detail(start(service, long), 413)
    many = make_film(tmp_path / "many.mp4", [draw_object(32, 32)] * 420, rate=30)
    assert "420 frames" in detail(start(service, many), 413)
    wide = make_film(tmp_path / "wide.mp4", [np.zeros((1024, 1024, 3), np.uint8)], rate=1)
    assert "million pixels" in detail(start(service, wide), 413)
    heavy = service.post("/api/jobs", files={"file": ("a.mp4", bytes(5 << 20))})
    assert detail(heavy, 413)
    assert folders(service) == before
    part = start(service, long, end="2")
    assert finish(service, part.json())["frames"] == 2


def test_a_scale_is_held_to_the_limit_too(service, film) -> None:
    assert "at most 1 million" in detail(start(service, film, scale="16384x16384"), 413)
    assert "at most 1 million" in detail(start(service, film, scale="1200x1200"), 413)


def test_a_name_that_looks_like_numbered_pictures_is_none(service, film) -> None:
    answer = service.post(
        "/api/jobs", files={"file": ("clip%04d.mp4", film.read_bytes())}, data={"format": "gif", "end": "0.2"}
    )
    job = finish(service, answer.json())
    assert job["result"]["name"] == "clip_04d_rgba.gif"
    assert service.get(f"/api/jobs/{job['id']}/result").content[:4] == b"GIF8"


@pytest.mark.slow
def test_the_oldest_results_make_room_for_new_ones(film) -> None:
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"kept_bytes": 1}) as service:
        jobs = [finish(service, start(service, film, type="map").json()) for _ in range(2)]
        wait_until(lambda: len(folders(service)) == 1)
        assert detail(service.get(f"/api/jobs/{jobs[0]['id']}"), 404)
        assert service.get(f"/api/jobs/{jobs[1]['id']}/result").status_code == 200


def test_work_that_takes_too_long_is_ended(long_film) -> None:
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"film_work": 0.3}) as service:
        job = finish(service, start(service, long_film).json())
        assert job["state"] == "failed"
        assert "took longer" in job["error"]
        assert folders(service) == []


def test_wrong_options_are_named(service, film) -> None:
    before = folders(service)
    for fields, said in (
        ({"start": "yesterday"}, "start 'yesterday'"),
        ({"start": "5", "end": "2"}, "must come after"),
        ({"format": "avi"}, "format"),
        ({"type": "/etc/passwd"}, "is unknown"),
        ({"scale": "huge"}, "huge"),
        ({"crop": "5"}, "there is no such option"),
    ):
        assert said in detail(start(service, film, **fields), 422)
    assert "send a film" in detail(service.post("/api/jobs"), 422)
    assert folders(service) == before


def test_what_ended_long_ago_is_forgotten(film, monkeypatch) -> None:
    monkeypatch.setattr(services, "SWEEP", 0.05)
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"keep": 0.05}) as service:
        job = finish(service, start(service, film, type="map").json())
        wait_until(lambda: service.get(f"/api/jobs/{job['id']}").status_code == 404)
        assert detail(service.get(f"/api/jobs/{job['id']}"), 404)
        assert folders(service) == []


def test_what_a_killed_service_left_is_removed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = (
        "import os; from transparent_background.service.services import TemporaryFolder as F;"
        "f = F(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (left,) = tmp_path.iterdir()
    running = TemporaryFolder()
    assert not left.exists()
    other = TemporaryFolder()
    assert running.path.exists()  # it is in use, and stays
    running.remove()
    other.remove()
    assert list(tmp_path.iterdir()) == []
