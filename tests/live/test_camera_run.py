"""A camera that runs: outputs, keys, pauses, recordings, and clean ends."""

from __future__ import annotations

import threading

import pytest
from cameras import HalfPredictor, Screen
from film_makers import frames_of, marked
from mjpeg_server import MjpegServer

from transparent_background.errors import UnreadableError
from transparent_background.live.camera import Camera
from transparent_background.live.outputs import Status


def test_outputs_get_results_until_one_wants_to_quit(camera) -> None:
    screens = [Screen([None] * 5), Screen([None] * 50)]
    camera.run(screens)
    assert len(screens[0].shown) == len(screens[1].shown) >= 5
    assert screens[0].shown[-1][1].fps > 0
    assert not screens[0].shown[-1][1].recording


def test_keys_steer_the_camera(film) -> None:
    screen = Screen(["next", "mirror", "pause", None, "pause", None])
    with Camera(film, HalfPredictor(), type="white", backgrounds=["map"], temporal=False) as camera:
        camera.run([screen])
    statuses = [status for _, status in screen.shown]
    assert [statuses[index].background for index in (0, 1)] == ["white", "map"]
    assert camera.mirror
    assert [status.paused for status in statuses].count(True) == 2
    assert not statuses[-1].paused


def test_nothing_is_worked_on_while_paused_but_the_background_can_be_changed(film) -> None:
    remover = HalfPredictor()
    with Camera(film, remover, type="white", backgrounds=["map"], temporal=False) as camera:
        screen = Screen(["pause", None, "next", None])
        camera.run([screen])
    assert remover.calls == 1
    assert screen.shown[0][0].rgb is not None
    assert screen.shown[-1][0].grey is not None


def test_nothing_is_worked_on_while_nobody_looks(film) -> None:
    remover = HalfPredictor()
    with Camera(film, remover, temporal=False) as camera:
        screen = Screen([None], watched=False)
        turns: list[Status] = []

        def progress(status: Status) -> None:
            turns.append(status)
            if len(turns) == 4:
                assert remover.calls == 0
                screen.watched = True

        camera.run([screen], progress)
        assert remover.calls >= 1
        assert len(turns) >= 5
        assert camera.dropped > 0  # the camera was drained all the same


def test_a_recording_goes_on_while_nobody_looks(film, tmp_path) -> None:
    with Camera(film, HalfPredictor(), temporal=False) as camera:
        camera.start_recording(tmp_path / "out.mp4")
        camera.run([Screen([None] * 4, watched=False)])
        assert camera.recorded == tmp_path / "out.mp4"  # a run ends its film, before the camera is closed
    assert len(frames_of(tmp_path / "out.mp4")) >= 4


def test_a_camera_that_is_gone_ends_the_run_with_a_whole_recording(tmp_path) -> None:
    with MjpegServer(marked) as server:
        with Camera(server.url, HalfPredictor(), type="white", temporal=False, give_up=0.1) as camera:
            camera.start_recording(tmp_path / "out.mp4")

            def progress(status: Status) -> None:
                if camera.processed == 5 and not server.pulled.is_set():
                    server.pull_out()

            screen = Screen([None] * 10_000)
            with pytest.raises(UnreadableError, match="given up"):
                camera.run([screen], progress)
        assert not screen.shown[-1][1].connected
    assert len(frames_of(tmp_path / "out.mp4")) >= 5


def test_stop_ends_a_run_from_another_thread(camera) -> None:
    timer = threading.Timer(0.1, camera.stop)
    timer.start()
    camera.run()
    timer.join()
