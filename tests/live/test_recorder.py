"""Recordings of what is shown, and stills."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from cameras import Screen
from film_makers import frames_of, marked, number_of, probe, times_of
from PIL import Image

from transparent_background.errors import UsageError
from transparent_background.images.result import Result
from transparent_background.live.recorder import Recorder


def test_a_recording_shows_each_frame_when_it_came(tmp_path) -> None:
    recorder = Recorder(tmp_path / "out.mp4", 25)
    moments = [100.0, 100.25, 100.3, 101.5]
    for index, moment in enumerate(moments):
        recorder.add(Result(marked(index)), moment)
    assert recorder.finish() == tmp_path / "out.mp4"
    assert [number_of(frame) for frame in frames_of(tmp_path / "out.mp4")] == [0, 1, 2, 3]
    assert [float(t) for t in times_of(tmp_path / "out.mp4")] == pytest.approx([0, 0.25, 0.3, 1.5], abs=1e-3)


def test_a_recording_never_takes_the_place_of_a_file(tmp_path) -> None:
    for _ in range(3):
        recorder = Recorder(tmp_path / "out.mp4")
        recorder.add(Result(marked(1)), 0.0)
        recorder.finish()
    assert sorted(path.name for path in tmp_path.glob("*")) == ["out.mp4", "out_2.mp4", "out_3.mp4"]


def test_what_is_transparent_is_recorded_so_by_day_and_time(tmp_path) -> None:
    recorder = Recorder()
    alpha = np.zeros((64, 96), np.float32)
    alpha[:, :48] = 1
    recorder.add(Result(marked(1), alpha), 0.0)
    recorder.add(Result(marked(2, (32, 48))), 0.1)  # smaller, and opaque: fitted to what the film began with
    path = recorder.finish()
    assert path.suffix == ".mov"
    assert path.name.startswith("camera_2")
    assert probe(path)["pix_fmt"].startswith("yuva444p")
    first, second = frames_of(path, "rgba")
    assert (first[:, 60:, 3] == 0).all()
    assert (second[..., 3] == 255).all()


def test_mp4_holds_no_transparency_and_that_is_said(tmp_path, caplog) -> None:
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.add(Result(marked(1), np.zeros((64, 96), np.float32)), 0.0)
    recorder.finish()
    assert frames_of(tmp_path / "out.mp4")[0].min() > 250
    assert "holds no transparency" in caplog.text


def test_a_recording_without_a_frame_leaves_nothing(tmp_path) -> None:
    assert Recorder(tmp_path / "out.mp4").finish() is None
    assert not list(tmp_path.glob("*"))
    with pytest.raises(UsageError, match=r"out\.jpg: recordings are films"):
        Recorder(tmp_path / "out.jpg")


def test_a_recording_that_fails_does_not_end_the_call(camera, tmp_path, caplog) -> None:
    camera.start_recording(tmp_path / "no such folder" / "out.mp4")
    screen = Screen([None] * 30)
    camera.run([screen])
    assert not screen.shown[-1][1].recording
    assert "the folder does not exist" in caplog.text
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_record_and_still_keys_write_files_in_the_current_folder(camera, here) -> None:
    screen = Screen([None, "record", None, None, None, "record", "still", None])
    camera.run([screen])
    assert [path.suffix for path in sorted(here.glob("camera_*"))] in ([".mp4", ".png"], [".png", ".mp4"])
    assert any(status.recording for _, status in screen.shown)
    assert any("saved camera_" in (status.message or "") for _, status in screen.shown)
    (still,) = here.glob("camera_*.png")
    with Image.open(still) as image:
        assert image.size == (96, 64)
    assert camera.recorded == Path(next(here.glob("camera_*.mp4")).name)
