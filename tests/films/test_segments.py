"""Films that are written in segments, stopped, and gone on with."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_makers import LEFT, counted, files, frames_of, make_film, number_of, numbers, samples_of, times_of

from transparent_background.errors import UsageError
from transparent_background.media.video.readers import open_film


def test_resuming_goes_on_after_the_last_whole_segment(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 55, sound="aac", options={"crf": "5"})
    whole = remover.process_video("a.mp4", "whole.mp4", "white", matte=True)
    remover.after = len(remover.seen) + 37
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    assert not Path("b.mp4").exists()
    remover.after, remover.seen = None, []
    report = remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    assert remover.seen[0] == 30 - 12, "12 frames to warm up, before the frames that are missing"
    assert remover.seen[-1] == 54
    assert report.frames == 55
    for done in ("b.mp4", "b_matte.mp4"):
        assert times_of(done) == times_of("whole.mp4" if done == "b.mp4" else whole.matte)
    assert numbers("b.mp4") == counted(55)
    assert np.array_equal(samples_of("b.mp4"), samples_of("a.mp4"))
    assert files() == ["a.mp4", "b.mp4", "b_matte.mp4", "whole.mp4", "whole_matte.mp4"]


def test_a_second_stop_costs_no_more_than_the_first(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 55)
    remover.after = 37
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    record = Path(".b_matte.mp4.parts/job.json")
    job = json.loads(record.read_text())
    job["parts"].pop()  # the matte's last segment was not whole yet: the picture's is given up too
    record.write_text(json.dumps(job))
    remover.after = len(remover.seen) + 1
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    remover.after = None
    report = remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    assert report.resumed == sum(part["frames"] for part in job["parts"]) > 0
    assert numbers("b.mp4") == counted(55)


@pytest.mark.parametrize("suffix", ["mov", "webm", "mkv"])
def test_segments_join_without_a_seam(remover, monkeypatch, suffix) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mkv"), 25, sound="libopus")
    remover.process_video("a.mkv", f"b.{suffix}", resume=True)
    frames = list(open_film(f"b.{suffix}"))
    assert len(frames) == 25
    assert np.allclose(np.diff([float(frame.time) for frame in frames]), 0.04, atol=0.0011)
    errors = [np.abs(frame.picture.alpha - LEFT) for frame in frames]
    assert max(error[:, :40].max() for error in errors) < 0.02
    assert max(error[:, 56:].max() for error in errors) < 0.02
    assert [number_of(f.picture.rgb) & 15 for f in frames] == [n & 15 for n in range(25)]


@pytest.mark.parametrize("name", ["b.mkv", "b.mp4", "b.mov", "b.webm"])
@pytest.mark.parametrize("frames", [1, 25])
def test_segments_whose_frames_are_stored_in_another_order_join(remover, monkeypatch, name, frames) -> None:
    """Matroska names no decoding time for the first of them."""
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), frames)
    remover.process_video("a.mp4", name, "white", resume=True)
    assert numbers(name) == counted(frames)
    assert times_of(name) == times_of("a.mp4")


def test_resuming_with_repeated_frames(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 30)
    remover.after = 18
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True, fps=60)
    remover.after = None
    report = remover.process_video("a.mp4", "b.mp4", "white", resume=True, fps=60)
    assert len(frames_of("b.mp4")) == report.frames == 72
    assert 0 < report.resumed < 72


def test_segments_of_a_variable_rate_join(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(1))
    times = [Fraction(i, 25) for i in range(50)] + [2 + Fraction(i) for i in range(6)]
    make_film(Path("a.mp4"), 56, times=times)
    remover.process_video("a.mp4", "b.mp4", "white", resume=True)
    assert [round(float(t), 2) for t in times_of("b.mp4")] == [float(t) for t in times]


def test_segments_of_other_settings_are_not_used(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 30)
    remover.after = 25
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True)
    remover.after, remover.seen = None, []
    remover.process_video("a.mp4", "b.mp4", "green", resume=True)
    assert remover.seen == list(range(30))
    with pytest.raises(UsageError, match="cannot be put together"):
        remover.process_video("a.mp4", "b.gif", "white", resume=True)
