"""Plans never overwrite a source."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import plan_of, save, settings

from transparent_background.errors import UsageError
from transparent_background.media.atomic import file_key
from transparent_background.media.sources import find_sources
from transparent_background.pipeline.plan import make_plan


def destinations(plan) -> list[str]:
    return [str(task.destination) for task in plan.tasks]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "a_rgba.png"),
        ({"reverse": True}, "a_rgba_reverse.png"),
        ({"type": "map"}, "a_map.jpg"),
        ({"type": "[255, 0, 0]"}, "a_[255, 0, 0].jpg"),
        ({"type": "green", "format": "webp"}, "a_green.webp"),
        ({"format": "jpg"}, "a_rgba.jpg"),
        ({"type": "beach.png"}, "a_beach.jpg"),
    ],
)
def test_results_are_named_as_in_1_3_4(options, name) -> None:
    save(Path("in/a.jpg"))
    save(Path("beach.png"))
    assert destinations(plan_of(["in/a.jpg"], **options)) == [name]


def test_a_suffix_that_cannot_be_written_becomes_png() -> None:
    Path("a.psd").touch()
    assert destinations(plan_of(["a.psd"], type="white")) == ["a_white.png"]


def test_a_folders_results_go_to_a_folder_of_its_name(here) -> None:
    save(Path("photos/sub/a.jpg"))
    save(Path("photos/b.jpg"))
    (here / "elsewhere").mkdir()
    assert destinations(plan_of(["photos"], "out")) == ["out/b_rgba.png"]
    assert set(destinations(plan_of(["photos"], recursive=True))) == {
        "photos/b_rgba.png",
        "photos/sub/a_rgba.png",
    }
    assert set(destinations(plan_of(["photos"], "out", recursive=True))) == {
        "out/b_rgba.png",
        "out/sub/a_rgba.png",
    }


def test_dest_may_be_a_file_for_one_source() -> None:
    save(Path("a.jpg"))
    save(Path("b.jpg"))
    (task,) = plan_of(["a.jpg"], "cut/mine.webp").tasks
    assert (str(task.destination), task.format) == ("cut/mine.webp", "WEBP")
    with pytest.raises(UsageError, match="several sources"):
        plan_of(["a.jpg", "b.jpg"], "mine.webp")


def test_a_source_is_never_overwritten() -> None:
    save(Path("a.png"))
    save(Path("b.png"))
    plan = plan_of(["a.png", "b.png"], type="white")
    assert plan.refused == []
    plan = plan_of(["a.png"], "a.png")
    assert plan.tasks == []
    assert "would overwrite a source" in plan.refused[0][1]
    save(Path("x/a_white.png"))
    plan = plan_of(["a.png", "x/a_white.png"], "x", type="white")
    assert [source for source, _ in plan.refused] == ["a.png"]


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_not_through_a_link_either(link) -> None:
    save(Path("a.png"))
    getattr(Path("other.png"), link)(Path("a.png").absolute())
    plan = plan_of(["a.png"], "other.png")
    assert plan.tasks == []
    assert "would overwrite a source" in plan.refused[0][1]


@pytest.mark.parametrize(
    "order", [["a.jpg", "a.PNG", "a.webp", "c.png"], ["a.webp", "c.png", "a.PNG", "a.jpg"]]
)
def test_sources_that_differ_in_their_suffix_have_results_of_their_own(order) -> None:
    for name in order:
        save(Path(name))
    plan = plan_of(order)
    assert {task.source.name: str(task.destination) for task in plan.tasks} == {
        "a.jpg": "a_rgba.png",
        "a.PNG": "a_png_rgba.png",
        "a.webp": "a_webp_rgba.png",
        "c.png": "c_rgba.png",
    }
    assert plan.refused == []


def test_films_that_differ_in_their_suffix_have_results_of_their_own() -> None:
    for name in ("clip.mp4", "clip.avi"):
        Path(name).touch()
    assert destinations(plan_of(["clip.mp4", "clip.avi"])) == ["clip_mp4_rgba.mov", "clip_rgba.mov"]


def test_a_name_that_an_earlier_plan_took_stays_with_its_source() -> None:
    for name in ("a.jpg", "a.png"):
        save(Path(name))
    taken = {file_key(Path("a_rgba.png")): "a.png"}
    both = {"a.png": "a_rgba.png", "a.jpg": "a_jpg_rgba.png"}
    for names in (["a.jpg"], ["a.png"], ["a.jpg", "a.png"]):
        plan = make_plan(find_sources(names), settings(), None, taken=taken)
        assert {task.source.name: str(task.destination) for task in plan.tasks} == {n: both[n] for n in names}


def test_two_sources_with_one_result_name_are_told_apart() -> None:
    save(Path("x/a.png"))
    save(Path("y/a.png"))
    save(Path("c.png"))
    plan = plan_of(["x/a.png", "y/a.png", "c.png"])
    assert destinations(plan) == ["a_rgba.png", "c_rgba.png"]
    ((source, reason),) = plan.refused
    assert source == "y/a.png"
    assert "would have the name of that of x/a.png" in reason


def test_results_of_an_earlier_run_are_no_sources_of_the_next() -> None:
    save(Path("photos/a.jpg"))
    save(Path("photos/a_rgba.png"))
    plan = plan_of(["photos"])
    assert destinations(plan) == ["photos/a_rgba.png"]
    assert "result of photos/a.jpg" in plan.left_out[0].reason


def test_existing_results_are_skipped_only_if_newer() -> None:
    import os

    save(Path("a.jpg"))
    save(Path("a_rgba.png"))
    os.utime("a.jpg", (1000, 1000))
    assert len(plan_of(["a.jpg"], skip_existing=True).skipped) == 1
    os.utime("a_rgba.png", (999, 999))
    assert len(plan_of(["a.jpg"], skip_existing=True).tasks) == 1


def test_films_are_named_by_what_they_become() -> None:
    save(Path("photos/a.jpg"))
    Path("photos/clip.mp4").touch()
    assert destinations(plan_of(["photos"])) == ["photos/a_rgba.png", "photos/clip_rgba.mov"]
    assert destinations(plan_of(["photos/clip.mp4"], type="green", reverse=True)) == [
        "clip_green_reverse.mp4"
    ]
    assert destinations(plan_of(["photos/clip.mp4"], format="webm")) == ["clip_rgba.webm"]
    assert destinations(plan_of(["photos/clip.mp4"], format="png")) == ["clip_rgba/%05d.png"]
    assert destinations(plan_of(["photos/clip.mp4"], "cut/b.apng")) == ["cut/b.apng"]
    assert destinations(plan_of(["photos/f_%03d.png", "https://example.org/a/film.m3u8?x=1"])) == [
        "f_rgba.mov",
        "film_rgba.mov",
    ]
