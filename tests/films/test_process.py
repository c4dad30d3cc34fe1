"""A film from file to file: what a user asks for lies there at the end, whatever happens between."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_makers import (
    LEFT,
    SIZE,
    counted,
    files,
    frames_of,
    make_film,
    marked,
    numbers,
    probe,
    samples_of,
    times_of,
)
from left_threads import no_thread_is_left

from transparent_background.errors import (
    InputError,
    MissingExtraError,
    OutputConflictError,
    OutputError,
    UsageError,
)
from transparent_background.media.video.readers import open_film


def test_frame_n_of_the_result_is_frame_n_of_the_source_to_the_pixel(remover) -> None:
    make_film(Path("a.mkv"), 30, codec="ffv1", pix_fmt="bgr0")
    report = remover.process_video("a.mkv", "b.mkv", (10, 20, 30), codec="ffv1", temporal=False)
    assert (report.frames, report.size, report.result) == (30, SIZE, Path("b.mkv"))
    for index, frame in enumerate(frames_of("b.mkv")):
        assert np.array_equal(frame[:, : SIZE[1] // 2], marked(index)[:, : SIZE[1] // 2]), index
        assert (frame[:, SIZE[1] // 2 :] == (10, 20, 30)).all()
    assert remover.seen == list(range(30))


def test_a_transparent_film_keeps_its_sound_and_its_times(remover) -> None:
    times = [Fraction(n, 100) for n in (0, 4, 5, 25, 60, 61)]
    make_film(Path("a.mp4"), 6, times=times, sound="aac")
    report = remover.process_video("a.mp4")
    assert report.result == Path("a_rgba.mov")
    assert [t - times_of(report.result)[0] for t in times_of(report.result)] == times
    assert np.array_equal(samples_of("a.mp4"), samples_of(report.result))
    assert probe(report.result)["streams"] == [("video", "prores"), ("audio", "aac")]
    for frame in open_film(report.result):
        assert np.abs(frame.picture.alpha - LEFT)[:, :40].max() == 0
        assert np.abs(frame.picture.alpha - LEFT)[:, 56:].max() == 0


def test_a_higher_rate_predicts_each_frame_once(remover) -> None:
    make_film(Path("a.mp4"), 5)
    report = remover.process_video("a.mp4", "b.mp4", "map", fps=50, sound=False)
    assert report.frames == 10
    assert remover.seen == list(range(5))


def test_batches_change_nothing(remover) -> None:
    make_film(Path("a.mkv"), 10, codec="ffv1", pix_fmt="bgr0")
    for size in (1, 4):
        remover.process_video("a.mkv", f"{size}.mkv", "white", codec="ffv1", batch_size=size)
    assert remover.batches == [1] * 10 + [4, 4, 2]
    assert all(np.array_equal(a, b) for a, b in zip(frames_of("1.mkv"), frames_of("4.mkv"), strict=True))


def test_one_pass_is_the_default_for_films(remover) -> None:
    make_film(Path("a.mp4"), 1)
    remover.process_video("a.mp4", "b.mp4", "white")
    remover.process_video("a.mp4", "c.mp4", "white", resize="blend")
    remover.asked_resize = "dynamic"
    remover.process_video("a.mp4", "d.mp4", "white")
    assert remover.resizes == ["static", "blend", "dynamic"]


def test_threshold_reverse_and_own_transparency(remover) -> None:
    rgba = np.dstack([marked(3), np.full(SIZE, 128, np.uint8)])
    make_film(Path("a.mkv"), [rgba] * 2, codec="ffv1", pix_fmt="bgra")
    remover.process_video("a.mkv", "b.mkv", codec="ffv1", reverse=True)
    alpha = next(iter(open_film("b.mkv"))).picture.alpha
    assert alpha[:, :48].max() == 0
    assert alpha[:, 48:] == pytest.approx(128 / 255, abs=0.01)


def test_ctrl_c_leaves_a_playable_film(remover, caplog) -> None:
    make_film(Path("a.mp4"), 40, sound="aac")
    remover.after = 20
    with no_thread_is_left(), pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", matte=True)
    assert files() == ["a.mp4", "b.partial.mp4", "b_matte.partial.mp4"]
    found = numbers("b.partial.mp4")
    assert found == counted(len(found))
    assert 10 < len(found) <= 20
    assert samples_of("b.partial.mp4").shape[1] > 0
    assert "b.partial.mp4 holds what was done" in caplog.text


def test_a_result_that_fails_leaves_nothing(remover, monkeypatch) -> None:
    make_film(Path("a.mp4"), 10)

    def fail(self, result, time, duration):
        raise OutputError("b.mp4: cannot be written: the disk is full")

    monkeypatch.setattr("transparent_background.media.video.writing.FilmWriter.write", fail)
    with no_thread_is_left(), pytest.raises(OutputError, match="full"):
        remover.process_video("a.mp4", "b.mp4", "white")
    assert files() == ["a.mp4"]


def test_a_damaged_film_is_done_as_far_as_it_goes(remover, caplog) -> None:
    make_film(Path("a.mkv"), 100)
    Path("cut.mkv").write_bytes(Path("a.mkv").read_bytes()[: Path("a.mkv").stat().st_size // 2])
    report = remover.process_video("cut.mkv", "b.mp4", "white")
    assert report.frames == len(frames_of("b.mp4")) > 10
    assert report.losses
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("cut.mkv: ")


def test_errors_before_anything_is_made(remover, monkeypatch) -> None:
    make_film(Path("a.mp4"), 2)
    for arguments, kind in (
        (("a.mp4", "a.mp4"), OutputConflictError),
        (("a.mp4", "b.png"), UsageError),
        (("a.mp4", "b.xyz"), UsageError),
        (("none.mp4", "b.mp4", "white"), InputError),
        (("a.mp4", "b.mp4", "nonsense"), UsageError),
    ):
        with pytest.raises(kind) as caught:
            remover.process_video(*arguments)
        assert "\n" not in str(caught.value)
    for options in (
        {"start": "soon"}, {"fit": "foo"}, {"batch_size": 0}, {"background_play": "foo"}, {"quality": 500},
        {"every": 1.5}, {"background": (300, 0, 0)}, {"crf": "x"}, {"resize": "foo"},
    ):  # fmt: skip
        with pytest.raises(UsageError, match=next(iter(options))):
            remover.process_video("a.mp4", **options)
    with Path("a.mp4").open("rb") as file, pytest.raises(UsageError, match="--resume"):
        remover.process_video(file, "b.mp4", "white", resume=True)
    with pytest.raises(InputError, match="no frame lies"):
        remover.process_video("a.mp4", "b.mp4", "white", start=60)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"transparent-background\[video\]"):
        remover.process_video("a.mp4", "b.mp4", "white")
    assert files() == ["a.mp4"]


def test_memory_does_not_grow_with_the_film(remover) -> None:
    import tracemalloc

    peaks = []
    for count in (40, 160):
        make_film(Path(f"{count}.mp4"), [marked(i, (240, 320)) for i in range(count)])
        tracemalloc.start()
        remover.process_video(f"{count}.mp4", f"out{count}.mp4", "white", temporal=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0], peaks


def test_progress_counts_up_to_the_end(remover) -> None:
    make_film(Path("a.mp4"), 12)
    seen = []
    remover.process_video("a.mp4", "b.mp4", "white", progress=seen.append)
    counts = [progress.frames for progress in seen]
    assert counts == sorted(counts)
    assert (counts[-1], seen[-1].total, seen[-1].remaining) == (12, 12, 0)
    assert seen[-1].fps > 0
    assert seen[len(seen) // 2].remaining > 0
