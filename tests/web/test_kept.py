"""Pictures that are kept: sent once, results by id, gone when their time is over."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import draw_object
from PIL import Image

pytest.importorskip("fastapi")

from serving import TOKEN, Running, detail, difference, file_of, opened, serve

SAMPLE = Path(__file__).parents[2] / "samples" / "astronaut.jpg"
LIMITS = {"bytes": 1 << 20, "pixels": 1_000_000, "kept_pictures": 4, "kept_memory": 1 << 21}


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with serve(limits=LIMITS) as running:
        yield running


def keep(service: Running, data: bytes, name: str = "photo.png") -> dict[str, Any]:
    response = service.post("/api/pictures", files={"file": (name, data)})
    assert response.status_code == 201, response.text
    status: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/api/pictures/{status['id']}"
    return status


def result(service: Running, kept: dict[str, Any], **options: Any) -> Any:
    return service.get(f"/api/pictures/{kept['id']}/result", params=options)


def passes(service: Running) -> float:
    """Return how many passes the network made."""
    lines = service.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if "pass_seconds_count" in line)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"type": "map"},
        {"type": "#102030", "foreground": "estimate"},
        {"type": "blur", "reverse": "true"},
        {"crop": "5%", "format": "webp", "quality": "100"},
    ],
)
def test_a_result_is_that_of_a_picture_that_is_sent_along(service: Running, options: dict[str, str]) -> None:
    data = SAMPLE.read_bytes()
    direct = service.post("/api/remove", files={"file": ("astronaut.jpg", data)}, data=options)
    kept = keep(service, data, "astronaut.jpg")
    for _ in range(2):  # the matte is predicted, then taken from what is kept
        response = result(service, kept, **options)
        for header in ("content-type", "content-disposition", "x-crop-box"):
            assert response.headers.get(header) == direct.headers.get(header)
        for colour in ("black", "white"):  # where a pixel is not seen at all, its colour is of no account
            assert difference(over(colour, opened(response)), over(colour, opened(direct))) <= 1


def over(colour: str, image: Image.Image) -> Image.Image:
    """Return a picture as it is seen over a colour; mattes as they are."""
    if image.mode == "L":
        return image
    ground = Image.new("RGBA", image.size, colour)
    return Image.alpha_composite(ground, image.convert("RGBA"))


def test_a_hard_edge_is_in_another_place_for_hardly_any_pixel(service: Running) -> None:
    data = SAMPLE.read_bytes()
    options = {"type": "map", "threshold": "0.5"}
    direct = opened(service.post("/api/remove", files={"file": ("a.jpg", data)}, data=options))
    cut = opened(result(service, keep(service, data), **options))
    assert np.mean(np.asarray(direct) != np.asarray(cut)) < 1e-4


def test_the_network_runs_for_what_it_sees_only(service: Running) -> None:
    kept = keep(service, file_of())
    before = passes(service)
    for options in ({}, {"type": "white"}, {"threshold": "0.3"}, {"format": "jpg"}, {"largest": "64"}):
        assert result(service, kept, **options).status_code == 200
    assert passes(service) == before + 1
    result(service, kept, resize="static")
    result(service, kept, resize="static", type="map")
    assert passes(service) == before + 2


def test_another_kept_picture_can_be_put_behind(service: Running) -> None:
    meadow = file_of(Image.new("RGB", (8, 8), (20, 200, 60)))
    photo, behind = keep(service, file_of()), keep(service, meadow)
    image = opened(result(service, photo, behind=behind["id"], type="rgba", fit="stretch"))
    form = {"file": ("a.png", file_of()), "background_image": ("b.png", meadow)}
    assert difference(image, opened(service.post("/api/remove", files=form, data={"fit": "stretch"}))) <= 1
    sentence = detail(result(service, photo, behind="nobody"), 404)
    assert sentence.startswith("behind: there is no such picture")


def test_a_smaller_result_shows_the_same(service: Running) -> None:
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[100:300, 300:600] = np.asarray(Image.fromarray(draw_object()).resize((300, 200)))
    kept = keep(service, file_of(Image.fromarray(pixels)))
    whole = result(service, kept, type="map", crop="8")
    small = result(service, kept, type="map", crop="8", largest="200")
    assert opened(result(service, kept, type="map", largest="200")).size == (200, 100)
    assert opened(result(service, kept, type="map", largest="9000")).size == (800, 400)
    boxes = [np.array([int(n) for n in r.headers["x-crop-box"].split(",")]) for r in (whole, small)]
    assert np.abs(boxes[0] - boxes[1]).max() <= 12  # three pixels of the small one
    assert abs(opened(small).width * 4 - opened(whole).width) <= 12


def test_nothing_is_kept_of_what_is_no_picture(service: Running) -> None:
    before = len(service.services.kept)
    response = service.post("/api/pictures", files={"file": ("letter.png", b"Dear Sir")})
    assert "letter.png: is not a picture" in detail(response, 415)
    large = file_of(Image.new("RGB", (1001, 1000)))
    assert "million pixels" in detail(service.post("/api/pictures", files={"file": ("x.png", large)}), 413)
    assert "too large" in detail(service.post("/api/pictures", data=bytes((1 << 20) + 1)), 413)
    assert "send one picture" in detail(service.post("/api/pictures", data={}), 422)
    assert "largest" in detail(result(service, keep(service, file_of()), largest="1"), 422)
    assert len(service.services.kept) <= before + 1


def test_what_was_not_asked_for_the_longest_goes_first(service: Running) -> None:
    kept = [keep(service, file_of()) for _ in range(LIMITS["kept_pictures"])]
    result(service, kept[0])
    keep(service, file_of())
    assert result(service, kept[0]).status_code == 200
    assert detail(result(service, kept[1]), 404) == (
        "there is no such picture, or its time is over; send it again"
    )


def test_the_memory_of_all_is_bounded(service: Running) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (450, 450, 3), np.uint8)
    kept = []
    for _ in range(3):  # more than half of a MiB each, and their mattes
        kept.append(keep(service, file_of(Image.fromarray(noise))))
        assert result(service, kept[-1]).status_code == 200
    assert service.services.kept.memory <= LIMITS["kept_memory"]
    assert service.get(f"/api/pictures/{kept[0]['id']}").status_code == 404
    assert service.get(f"/api/pictures/{kept[2]['id']}").status_code == 200


def test_a_picture_can_be_forgotten(service: Running) -> None:
    one, two, three = (keep(service, file_of()) for _ in range(3))
    assert service.delete(f"/api/pictures/{one['id']}").status_code == 204
    assert service.get(f"/api/pictures/{one['id']}").status_code == 404
    asked = {"ids": [one["id"], two["id"], "nobody"]}
    assert service.post("/api/pictures/forget", json=asked).status_code == 204
    assert service.get(f"/api/pictures/{two['id']}").status_code == 404
    # whoever leaves and comes back finds it again; who does not leaves nothing
    service.post("/api/pictures/forget", json={"ids": [three["id"]], "after": 30})
    assert service.services.kept._pictures[three["id"]].until - three["expires"] < 1e9
    assert service.get(f"/api/pictures/{three['id']}").json()["expires"] > 800
    service.post("/api/pictures/forget", json={"ids": [three["id"]], "after": 1e-9})
    service.services.kept.expire()
    assert three["id"] not in service.services.kept._pictures


def test_ids_cannot_be_guessed_and_a_token_is_needed() -> None:
    with serve(token=TOKEN) as guarded:
        client = {"Authorization": f"Bearer {TOKEN}"}
        response = guarded.post("/api/pictures", files={"file": ("a.png", file_of())}, headers=client)
        ids = {response.json()["id"]}
        assert all(len(id) == 22 for id in ids)  # 128 bits
        path = f"/api/pictures/{ids.pop()}"
        assert guarded.get(f"{path}/result").status_code == 401
        assert guarded.delete(path).status_code == 401
        with Image.open(io.BytesIO(guarded.get(f"{path}/result", headers=client).content)) as image:
            assert image.size == (128, 96)
    assert len(guarded.services.kept) == 0  # nothing is left when the service has ended
