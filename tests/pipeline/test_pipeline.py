"""Plans never overwrite a source; runs end with every source accounted for and nothing half-written."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from drawing import draw_object
from PIL import Image

from transparent_background.checkpoints import Checkpoint
from transparent_background.engine import choose_plan
from transparent_background.errors import OutputError, UsageError
from transparent_background.media.sources import find_sources
from transparent_background.options.result_types import parse_type
from transparent_background.options.settings import Settings
from transparent_background.pipeline import make_plan, run


class FakePredictor:
    """Takes the green channel for the matte; counts what is in flight."""

    device = torch.device("cpu")

    def __init__(self, head: str = "published") -> None:
        self.calls: list[int] = []
        self.threads: set[int] = set()
        self.checkpoint = Checkpoint(name="fake", file_name="fake", head=head)
        self.plan = choose_plan(head, self.device)

    def predictions(self, pictures):
        self.calls.append(len(pictures))
        self.threads.add(torch.get_num_threads())
        return [
            torch.from_numpy(picture.rgb[..., 1].astype(np.float32) / 255)[None, None] for picture in pictures
        ]


def settings(type: str = "rgba", **options: object) -> Settings:
    return Settings(type=parse_type(type), **options)


def save(path: Path, height: int = 20, width: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_object(height, width)).save(path)
    return path


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan_of(arguments, dest=None, recursive=False, **options):
    return make_plan(
        find_sources([str(a) for a in arguments], recursive=recursive), settings(**options), dest
    )


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


def test_two_sources_with_one_result_name_are_told_apart() -> None:
    save(Path("a.jpg"))
    save(Path("a.png"))
    save(Path("c.png"))
    plan = plan_of(["a.jpg", "a.png", "c.png"])
    assert destinations(plan) == ["a_rgba.png", "c_rgba.png"]
    ((source, reason),) = plan.refused
    assert source == "a.png"
    assert "would have the name of that of a.jpg" in reason


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
    plan = plan_of(["photos/clip.mp4", "0"])
    assert "name it alone" in plan.refused[0][1]


def test_a_run_accounts_for_every_source() -> None:
    for name in "abc":
        save(Path(f"photos/{name}.jpg"))
    Path("photos/broken.jpg").write_bytes(b"text")
    seen: list[str] = []
    remover = FakePredictor()
    summary = run(plan_of(["photos"]), remover, settings(), on_outcome=lambda o: seen.append(o.source))
    assert summary.count("done") == 3
    (failed,) = [o for o in summary.outcomes if o.status == "failed"]
    assert "broken.jpg: is not a picture" in failed.error
    assert len(seen) == 4
    with Image.open("photos/a_rgba.png") as image:
        assert (image.mode, image.size) == ("RGBA", (30, 20))


def test_batches_share_a_call() -> None:
    for index in range(5):
        save(Path(f"photos/{index}.jpg"))
    remover = FakePredictor()
    summary = run(plan_of(["photos"]), remover, settings(), batch_size=2)
    assert remover.calls == [2, 2, 1]
    assert [Path(o.source).stem for o in summary.outcomes] == list("01234")


@pytest.mark.parametrize(("count", "together"), [(3, False), (6, True)])
def test_a_small_network_does_many_pictures_side_by_side(count, together) -> None:
    """Each in a thread of its own with one thread of the library's, which gets its threads back."""
    for index in range(count):
        save(Path(f"photos/{index}.jpg"))
    remover, before = FakePredictor("light"), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        summary = run(plan_of(["photos"]), remover, settings(), batch_size=3)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert remover.threads == ({1} if together else {3})
    assert remover.calls == ([1] * count if together else [3])
    assert [Path(o.source).stem for o in summary.outcomes] == [str(i) for i in range(count)]


def test_a_picture_that_fails_side_by_side_is_one_failure() -> None:
    for index in range(6):
        save(Path(f"photos/{index}.jpg"))
    remover = FakePredictor("light")
    predictions, lock, seen = remover.predictions, threading.Lock(), []

    def fail_once(pictures):
        with lock:
            seen.append(1)
            if len(seen) == 3:
                raise OutputError("no more")
        return predictions(pictures)

    remover.predictions = fail_once
    torch.set_num_threads(2)
    summary = run(plan_of(["photos"]), remover, settings())
    assert summary.count("failed") == 1
    assert summary.count("done") == 5


def test_reading_goes_ahead_only_so_far(monkeypatch) -> None:
    for index in range(30):
        save(Path(f"photos/{index}.jpg"))
    waiting, most = 0, 0
    lock = threading.Lock()
    from transparent_background.pipeline import work as module

    real_load = module._load

    def load(task):
        nonlocal waiting, most
        with lock:
            waiting += 1
            most = max(most, waiting)
        return real_load(task)

    class Slow(FakePredictor):
        def predictions(self, pictures):
            nonlocal waiting
            with lock:
                waiting -= len(pictures)
            return super().predictions(pictures)

    monkeypatch.setattr(module, "_load", load)
    summary = module.run(plan_of(["photos"]), Slow(), settings(), workers=2)
    assert summary.count("done") == 30
    assert most <= 6


def test_a_full_disk_stops_the_run(monkeypatch) -> None:
    for index in range(20):
        save(Path(f"photos/{index}.jpg"))

    def no_space(*args: object, **kwargs: object) -> None:
        error = OutputError("x.png: cannot be written: the disk is full")
        error.errno = errno.ENOSPC
        raise error

    monkeypatch.setattr("transparent_background.pipeline.results.write", no_space)
    summary = run(plan_of(["photos"]), FakePredictor(), settings(), workers=1)
    assert summary.stopped == "the disk is full"
    assert 0 < summary.count("failed") < 20


def test_an_interrupt_leaves_only_whole_files() -> None:
    for index in range(10):
        save(Path(f"photos/{index}.jpg"))

    class Interrupted(FakePredictor):
        def predictions(self, pictures):
            if len(self.calls) == 4:
                raise KeyboardInterrupt
            return super().predictions(pictures)

    with pytest.raises(KeyboardInterrupt):
        run(plan_of(["photos"], "out"), Interrupted(), settings())
    files = list(Path("out").iterdir())
    assert files
    for path in files:
        assert path.suffix == ".png"
        with Image.open(path) as image:
            image.load()


def test_cropping_keeps_the_object_and_its_padding() -> None:
    image = np.zeros((50, 60, 3), np.uint8)
    image[20:30, 25:45] = 255
    Image.fromarray(image).save("a.png")
    sizes = {}
    for pad in ("0", "3", "10%", "500"):
        run(plan_of(["a.png"]), FakePredictor(), settings(crop=pad))
        with Image.open("a_rgba.png") as result:
            sizes[pad] = result.size
    assert sizes == {"0": (20, 10), "3": (26, 16), "10%": (24, 14), "500": (60, 50)}


def test_a_picture_without_object_is_not_cropped_to_nothing() -> None:
    Image.new("RGB", (9, 7)).save("a.png")
    run(plan_of(["a.png"]), FakePredictor(), settings(crop="0"))
    with Image.open("a_rgba.png") as result:
        assert result.size == (9, 7)


def test_jpeg_goes_over_the_background_colour() -> None:
    Image.new("RGB", (8, 8), (200, 0, 0)).save("a.png")  # no green: all background
    run(plan_of(["a.png"], format="jpg"), FakePredictor(), settings(format="jpg", background=(0, 0, 255)))
    with Image.open("a_rgba.jpg") as result:
        assert result.mode == "RGB"
        assert np.abs(np.asarray(result).astype(int) - (0, 0, 255)).max() < 4


def test_sixteen_bit_sources_give_sixteen_bit_cut_outs() -> None:
    from transparent_background.media.reading import read

    grey = (np.arange(20 * 30, dtype=np.uint16) * 109).reshape(20, 30)
    Image.fromarray(grey).save("a.png")
    run(plan_of(["a.png"]), FakePredictor(), settings(foreground="original"))
    np.testing.assert_array_equal(read("a_rgba.png").rgb[..., 0], grey)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animations_stay_animated(suffix) -> None:
    frames = [Image.fromarray(np.roll(draw_object(20, 30), 9 * index, axis=1)) for index in range(3)]
    frames[0].save(f"m.{suffix}", save_all=True, append_images=frames[1:], duration=[40, 80, 120])
    summary = run(plan_of([f"m.{suffix}"]), FakePredictor(), settings())
    assert [o.error for o in summary.outcomes] == [None]
    from transparent_background.media.reading import read_frames

    assert [frame.duration for frame in read_frames("m_rgba.png")] == [40, 80, 120]
