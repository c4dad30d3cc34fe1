"""Runs end with every source accounted for and nothing half-written."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from drawing import draw_object
from left_threads import no_thread_is_left
from PIL import Image
from runs import FakePredictor, plan_of, save, settings

from transparent_background.errors import MemoryShortageError, OutputError
from transparent_background.pipeline.work import run


@pytest.fixture
def three_threads() -> Iterator[None]:
    """Give PyTorch three threads, and it its own number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_a_run_accounts_for_every_source() -> None:
    for name in "abc":
        save(Path(f"photos/{name}.jpg"))
    Path("photos/broken.jpg").write_bytes(b"text")
    seen: list[str] = []
    predictor = FakePredictor()
    summary = run(plan_of(["photos"]), predictor, settings(), on_outcome=lambda o: seen.append(o.source))
    assert summary.count("done") == 3
    (failed,) = [o for o in summary.outcomes if o.status == "failed"]
    assert "broken.jpg: is not a picture" in failed.error
    assert len(seen) == 4
    with Image.open("photos/a_rgba.png") as image:
        assert (image.mode, image.size) == ("RGBA", (30, 20))


def test_batches_share_a_call() -> None:
    for index in range(5):
        save(Path(f"photos/{index}.jpg"))
    predictor = FakePredictor()
    summary = run(plan_of(["photos"]), predictor, settings(), batch_size=2)
    assert predictor.calls == [2, 2, 1]
    assert [Path(o.source).stem for o in summary.outcomes] == list("01234")


class Crowded(FakePredictor):
    """Has memory for one picture at a time, and for those named never."""

    def __init__(self, *never: int) -> None:
        super().__init__()
        self.never = never

    def predictions(self, pictures):
        if len(pictures) > 1 or pictures[0].size[1] in self.never:
            self.calls.append(len(pictures))
            raise MemoryShortageError("a picture needs more memory than is free; make it smaller first")
        return super().predictions(pictures)


def test_pictures_for_which_there_is_too_little_memory_beside_others_are_done_by_themselves() -> None:
    for width in (20, 21, 22):
        save(Path(f"photos/{width}.png"), width=width)
    predictor = Crowded(21)
    summary = run(plan_of(["photos"]), predictor, settings(), batch_size=3)
    assert predictor.calls == [3, 1, 1, 1]
    told = {Path(one.source).stem: (one.status, one.error) for one in summary.outcomes}
    assert told["20"] == told["22"] == ("done", None)
    status, error = told["21"]
    assert status == "failed"
    assert error.endswith("21.png: a picture needs more memory than is free; make it smaller first")


@pytest.mark.parametrize(("count", "together"), [(3, False), (6, True)])
def test_a_small_network_does_many_pictures_side_by_side(three_threads, count, together) -> None:
    """Each in a thread of its own with one thread of the library's, which gets its threads back."""
    for index in range(count):
        save(Path(f"photos/{index}.jpg"))
    predictor = FakePredictor("light")
    with no_thread_is_left():
        summary = run(plan_of(["photos"]), predictor, settings(), batch_size=3)
    assert torch.get_num_threads() == 3
    assert predictor.threads == ({1} if together else {3})
    assert predictor.calls == ([1] * count if together else [3])
    assert [Path(o.source).stem for o in summary.outcomes] == [str(i) for i in range(count)]


def test_a_picture_that_fails_side_by_side_is_one_failure(three_threads) -> None:
    for index in range(6):
        save(Path(f"photos/{index}.jpg"))
    predictor = FakePredictor("light")
    predictions, lock, seen = predictor.predictions, threading.Lock(), []

    def fail_once(pictures):
        with lock:
            seen.append(1)
            if len(seen) == 3:
                raise OutputError("no more")
        return predictions(pictures)

    predictor.predictions = fail_once
    with no_thread_is_left():
        summary = run(plan_of(["photos"]), predictor, settings())
    assert torch.get_num_threads() == 3
    assert summary.count("failed") == 1
    assert summary.count("done") == 5


def test_reading_goes_ahead_only_so_far(monkeypatch) -> None:
    for index in range(30):
        save(Path(f"photos/{index}.jpg"))
    waiting, most = 0, 0
    lock = threading.Lock()
    from transparent_background.pipeline import worker as module

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
    summary = run(plan_of(["photos"]), Slow(), settings(), workers=2)
    assert summary.count("done") == 30
    assert most <= 6


def test_a_full_disk_stops_the_run(monkeypatch) -> None:
    for index in range(20):
        save(Path(f"photos/{index}.jpg"))

    def no_space(*args: object, **kwargs: object) -> None:
        error = OutputError("x.png: cannot be written: the disk is full")
        error.errno = errno.ENOSPC
        raise error

    monkeypatch.setattr("transparent_background.pipeline.worker.write", no_space)
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

    with no_thread_is_left(), pytest.raises(KeyboardInterrupt):
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
