"""Options, recipes and counters over HTTP."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("fastapi")

from serving import detail, file_of, opened, serve

from transparent_background import Remover
from transparent_background.options.recipe import Recipe


@pytest.fixture(scope="module")
def service():
    with serve([{"lite": Remover("lite", device="cpu")}]) as running:
        yield running


def post(service, text, **options):
    return service.post("/api/recipe", data=text, **options)


def test_options_come_with_their_words_and_bounds(service) -> None:
    options = {entry["name"]: entry for entry in service.get("/api/options").json()}
    threshold = options["threshold"]
    assert threshold["kind"] == "number"
    assert threshold["default"] is None
    assert (threshold["least"], threshold["most"]) == (0, 1)
    assert threshold["label"] == "Hard edge"
    assert threshold["section"] == "Cut-out"
    assert options["resize"]["choices"] == ["static", "dynamic", "blend"]
    assert options["sound"]["subjects"] == ["film"]
    assert "device" not in options  # the business of who owns the machine


def test_every_option_is_taken_where_it_is_said_to_apply(service) -> None:
    document = service.get("/openapi.json").json()["paths"]
    paths = {"picture": "/api/remove", "film": "/api/jobs"}
    for entry in service.get("/api/options").json():
        assert entry["subjects"], entry["name"]
        for subject, path in paths.items():
            form = document[path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
            assert (subject in entry["subjects"]) <= (entry["name"] in form["properties"])


@pytest.mark.parametrize(
    "text", ["type: white\ncrop: 5%\nquality: 90\n", '{"type": "white", "crop": "5%", "quality": 90}']
)
def test_a_recipe_is_answered_as_json(service, text) -> None:
    answer = post(service, text)
    assert answer.status_code == 200
    assert answer.json() == {"type": "white", "crop": "5%", "quality": 90} == Recipe.parse(text)


def test_what_is_not_served_is_passed_on(service) -> None:
    text = "background_fit: tile\ncodec: h264\nckpt: ~/mine.pth\ntype: beach.jpg\n"
    assert post(service, text).json() == {
        "fit": "tile",
        "codec": "h264",
        "ckpt": "~/mine.pth",
        "type": "beach.jpg",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("threshold: 7", "recipe: threshold must be a number from 0 to 1, not 7"),
        ("tresh: 1", "threshold is meant?"),
        ("type: wite", "type 'wite' is unknown"),
        ("type: " + "x" * 200, "type is too long"),
        ("- white", "a recipe is a list of options"),
        ("0", "a recipe is a list of options"),
        ("type: [white", "neither YAML nor JSON"),
        ("end: 2001-99-99", "neither YAML nor JSON"),
        ("mode: .inf", "a recipe is a list of options"),
        ("a: &a [1]\nb: *a", "a recipe is a list of options"),  # a few lines could mean gigabytes
        ("[" * 9000, "recipe: "),
        ('{"mode": "\\ud800"}', "a recipe is a list of options"),
        ("fps: 1e999999999", "frame rate '1e999999999' is not understood"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_in_a_sentence(service, text, words) -> None:
    assert words in detail(post(service, text), 422)


def test_recipes_are_short_texts(service) -> None:
    assert "at most 10000 characters" in detail(post(service, "#" * 10_001), 413)
    assert detail(post(service, b"type: \xff"), 400)


def test_nobody_learns_which_files_the_server_has(service, tmp_path) -> None:
    for name in ("here", "here.png"):
        (tmp_path / name).write_bytes(file_of())
    for suffix in ("", ".png"):
        answers = [
            post(
                service,
                json.dumps({"type": str(tmp_path / f"{name}{suffix}")}),
                headers={"X-Request-ID": "1"},
            )
            for name in ("here", "gone")
        ]
        texts = [answer.text.replace("gone", "here") for answer in answers]
        assert texts[0] == texts[1]
        assert answers[0].status_code == answers[1].status_code


def test_a_picture_takes_a_recipe_and_its_own_options_count_more(service) -> None:
    options = {"recipe": "type: white\nformat: jpg\nmode: lite\ncodec: h264\n", "format": "png"}
    result = opened(service.post("/api/remove", files={"file": file_of()}, data=options))
    assert result.format == "PNG"
    assert result.mode == "RGB"
    answer = service.post("/api/remove", files={"file": file_of()}, data={"recipe": "quality: 0"})
    assert "recipe: quality must be a whole number from 1 to 100" in detail(answer, 422)


def test_what_was_done_and_what_waits_is_counted(service) -> None:
    name = "transparent_background_"
    before = service.get("/metrics").text
    assert service.post("/api/remove", data=file_of()).status_code == 200
    after = service.get("/metrics").text
    for series in (f'{name}pictures_total{{mode="lite"}}', f'{name}stage_seconds_count{{stage="network"}}'):
        assert value(after, series) == value(before, series) + 1
    for gauge in ("pictures_taken", "pictures_waiting", "network_waiting", "films_unfinished"):
        assert value(after, name + gauge) == 0


def value(metrics: str, series: str) -> float:
    """Return the value of a series; 0 for one that has not begun."""
    lines = [line for line in metrics.splitlines() if line.startswith(f"{series} ")]
    return float(lines[0].rpartition(" ")[2]) if lines else 0
