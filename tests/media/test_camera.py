"""Reading cameras: the newest frame, in right colours; pulled out and back; what is said if there is none."""

from __future__ import annotations

import errno
import logging
import sys
import threading
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from film_makers import make_film, marked, number_of
from mjpeg_server import MjpegServer
from rtsp_server import RtspServer, encode_ts

from transparent_background.errors import MissingExtraError, SourceNotFoundError, UnreadableError
from transparent_background.media import camera_devices
from transparent_background.media.camera import CameraReader, limited
from transparent_background.media.camera_devices import (
    check_source,
    device_error,
    device_options,
    find_device,
    open_feed,
)
from transparent_background.media.camera_feeds import Arrived
from transparent_background.media.video.pixels import ToRgb

PATIENCE = 20  # seconds that a busy machine may take for what takes none


@pytest.fixture
def film(tmp_path) -> Path:
    """Return half a second at 40 frames a second."""
    return make_film(tmp_path / "film.mp4", 20, rate=40, options={"crf": "10"})


def until(condition) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def test_a_film_plays_as_a_camera_in_its_own_time_over_and_over(film) -> None:
    begin = time.monotonic()
    with CameraReader(film) as reader:
        assert reader.rate == 40
        frames = [reader.latest(after, PATIENCE) for after in (0, 5, 44)]  # the last in its third round
    for frame in frames:
        assert frame.picture.rgb.dtype == np.uint8
        assert number_of(frame.picture.rgb) == (frame.number - 1) % 20
        # 40 a second; a busy machine may be late, but none may be early
        assert frame.time >= begin + (frame.number - 1) / 40


def test_who_is_slow_gets_new_frames_and_misses_old_ones(film) -> None:
    with CameraReader(film) as reader:
        last, taken = 0, 0
        for _ in range(4):
            until(lambda: reader.captured >= last + 6)  # noqa: B023
            frame = reader.latest(last, PATIENCE)
            assert frame.number >= last + 6  # never the one after the last
            last, taken = frame.number, taken + 1
        assert reader.dropped >= last - taken - 1


def test_frames_that_are_not_taken_are_not_converted(film, monkeypatch) -> None:
    converted = []
    real = ToRgb.__call__
    monkeypatch.setattr(ToRgb, "__call__", lambda *args: converted.append(1) or real(*args))
    with CameraReader(film) as reader:
        until(lambda: reader.captured > 10)
        assert not converted
        reader.latest(0, PATIENCE)
    assert len(converted) == 1


def test_nothing_new_in_time_is_none_and_closing_ends_a_wait(film) -> None:
    with CameraReader(film) as reader:
        assert reader.latest(10**6, 0.01) is None
        waiting = threading.Thread(target=reader.latest, args=(10**6,))
        waiting.start()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_frames_can_be_had_smaller(film) -> None:
    with CameraReader(film) as reader:
        assert reader.latest(0, PATIENCE, scale=0.5).picture.size == (32, 48)


def test_another_size_covers_the_frame_and_keeps_its_shape(tmp_path) -> None:
    image = np.full((64, 128, 3), (0, 0, 200), np.uint8)
    image[:, 48:80] = (200, 200, 200)  # a quarter of the width, in the middle
    film = make_film(tmp_path / "wide.mp4", [image] * 4)
    with CameraReader(film, size=(128, 128)) as reader:  # twice as high: half of the width is cut off
        rgb = reader.latest(0, PATIENCE).picture.rgb
    assert rgb.shape == (128, 128, 3)
    assert (rgb[64, :, 0] > 100).sum() == pytest.approx(64, abs=2)
    assert rgb[64, 64, 0] > 180


def test_more_than_was_asked_for_is_left_out() -> None:
    arrivals = [Arrived(100 + index / 30, (2, 2), lambda size: None) for index in range(90)]
    taken = [arrived.time for arrived in limited(iter(arrivals), 10.0)]
    assert len(taken) == pytest.approx(30, abs=1)
    assert np.diff(taken).min() > 0.06


def test_mjpeg_over_http_comes_in_right_colours() -> None:
    with MjpegServer(marked) as server, CameraReader(server.url) as reader:
        frame = reader.latest(0, PATIENCE)
        later = reader.latest(frame.number + 3, PATIENCE)
        dropped = reader.dropped
    assert np.abs(frame.picture.rgb[40, 30].astype(int) - (210, 180, 60)).max() <= 4
    assert number_of(later.picture.rgb) > number_of(frame.picture.rgb)
    assert dropped >= 2


def test_rtsp_plays_and_time_goes_on() -> None:
    chunks = encode_ts([marked(index) for index in range(25)], 25)
    with RtspServer(chunks, 25) as server, CameraReader(server.url) as reader:
        assert reader.rate == 25
        frame = reader.latest(0, PATIENCE)
        later = reader.latest(frame.number + 4, PATIENCE)
    first, second = number_of(frame.picture.rgb), number_of(later.picture.rgb)
    assert (second - first) % 25 == (later.number - frame.number) % 25
    assert np.abs(frame.picture.rgb[40, 30].astype(int) - (210, 180, 60)).max() <= 6


def test_a_camera_that_was_pulled_out_is_found_again(caplog) -> None:
    caplog.set_level(logging.INFO, "transparent_background")
    with MjpegServer(marked) as server, CameraReader(server.url) as reader:
        assert reader.latest(0, PATIENCE) is not None
        assert reader.connected
        server.pull_out()
        until(lambda: not reader.connected)
        seen = reader.captured
        assert reader.latest(seen, 0.01) is None
        with MjpegServer(marked, server.port):
            frame = reader.latest(seen, PATIENCE)
            assert frame.number > seen
            assert reader.connected
            until(lambda: any("is back" in record.message for record in caplog.records))
            lost = [record for record in caplog.records if record.levelname == "WARNING"]
            assert len(lost) == 1
            assert "trying to reconnect" in lost[0].message


def test_a_camera_that_does_not_come_back_is_given_up() -> None:
    with MjpegServer(marked) as server, CameraReader(server.url, give_up=0.2) as reader:
        reader.latest(0, PATIENCE)
        server.pull_out()
        with pytest.raises(UnreadableError, match="given up after"):
            for _ in range(1000):
                reader.latest(10**6, PATIENCE)


def test_the_password_of_an_address_is_not_shown() -> None:
    with pytest.raises(UnreadableError) as error:
        CameraReader("rtsp://me:secret@127.0.0.1:9/live")
    assert "secret" not in str(error.value)
    assert "rtsp://127.0.0.1:9/live" in str(error.value)


@pytest.mark.parametrize("source", ["0", "97", "/dev/video98"])
@pytest.mark.skipif(sys.platform != "linux", reason="names of devices differ")
def test_a_camera_that_is_not_there_is_said_with_those_that_are(source, monkeypatch) -> None:
    monkeypatch.setattr(camera_devices, "list_devices", lambda: [("/dev/video99", "Webcam")])
    monkeypatch.setattr(Path, "exists", lambda self: False)
    for look in (check_source, find_device, CameraReader):
        with pytest.raises(SourceNotFoundError, match=r"there are: /dev/video99 \(Webcam\)"):
            look(source)


def test_what_is_no_camera_and_no_film_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(camera_devices, "list_devices", list)
    with pytest.raises(SourceNotFoundError, match="no such camera and no such film; no camera is connected"):
        check_source("clip.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    with pytest.raises(UnreadableError, match="is no film"):
        CameraReader(text)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENODEV, SourceNotFoundError, "no such device"),
        (errno.EBUSY, UnreadableError, "another program uses it"),
        (errno.EACCES, UnreadableError, "permission denied"),
        (errno.ENOTTY, UnreadableError, "is no camera"),
        (errno.EIO, UnreadableError, "cannot be opened: Input/output error"),
    ],
)
def test_what_is_wrong_with_a_device_is_one_sentence(code, kind, words, monkeypatch) -> None:
    monkeypatch.setattr(camera_devices, "list_devices", list)
    error = device_error("camera 0", "/dev/video0", OSError(code, "Input/output error"))
    assert type(error) is kind
    assert str(error).startswith("camera 0: ")
    assert words in str(error)
    assert "\n" not in str(error)
    if code == errno.EACCES and sys.platform == "linux":
        assert "usermod -aG video" in str(error)


def test_a_missing_pyav_is_said(film, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for source in ("0", str(film), "rtsp://127.0.0.1/live"):
        with pytest.raises(MissingExtraError, match=r"transparent-background\[video\]"):
            CameraReader(source)


def test_high_resolutions_are_asked_for_as_mjpeg() -> None:
    first, *_, last = device_options("v4l2", (1080, 1920), 30)
    assert first == {"video_size": "1920x1080", "framerate": "30", "input_format": "mjpeg"}
    assert last == {}
    assert next(device_options("dshow", None, None))["vcodec"] == "mjpeg"
    assert "input_format" not in next(device_options("v4l2", (480, 640), None))
    assert "input_format" not in next(device_options("avfoundation", (1080, 1920), None))


class Devices:
    """Stands in for ``av.open``: a device that plays a film, and refuses some options."""

    def __init__(self, film: Path, refusals: list[Exception]) -> None:
        self.film, self.refusals, self.asked = film, refusals, []
        self.real = av.open

    def __call__(self, target, *, format, options, timeout):
        self.asked.append(options)
        if self.refusals:
            raise self.refusals.pop(0)
        return self.real(str(self.film))


@pytest.fixture
def device(monkeypatch) -> str:
    monkeypatch.setattr(camera_devices, "find_device", lambda source: "/dev/video0")
    return "0"


def test_a_device_that_refuses_is_asked_for_less(film, device, monkeypatch) -> None:
    refusals = [av.error.InvalidDataError(errno.EINVAL, "no"), OSError(errno.EIO, "no")]
    devices = Devices(film, refusals)
    monkeypatch.setattr(av, "open", devices)
    feed = open_feed(device, (720, 1280), 30)
    feed.close()
    assert devices.asked[0]["input_format"] == "mjpeg"
    assert devices.asked[-1] == {"video_size": "1280x720"}


def test_a_busy_device_is_not_asked_again(film, device, monkeypatch) -> None:
    devices = Devices(film, [OSError(errno.EBUSY, "busy")])
    monkeypatch.setattr(av, "open", devices)
    with pytest.raises(UnreadableError, match="another program uses it"):
        open_feed(device, None, None)
    assert len(devices.asked) == 1


def test_opencv_reads_what_pyav_was_not_built_for(film, device, monkeypatch) -> None:
    monkeypatch.setattr(av, "open", Devices(film, [ValueError("no container format 'v4l2'")]))
    real = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: real(str(film)))
    with CameraReader(device, size=(32, 96)) as reader:
        frame = reader.latest(0, PATIENCE)
    assert frame.picture.size == (32, 96)
    # the middle half of the height
    assert np.abs(frame.picture.rgb[24, 30].astype(int) - (210, 180, 60)).max() <= 12


def test_a_device_that_nothing_opens_is_said(film, device, monkeypatch) -> None:
    monkeypatch.setattr(av, "open", Devices(film, [ValueError("no container format 'v4l2'")]))
    monkeypatch.setattr(camera_devices, "_open_with_opencv", lambda *arguments: None)
    with pytest.raises(UnreadableError, match="camera 0: cannot be opened"):
        CameraReader(device)


def test_a_phone_held_upright_gives_upright_frames(tmp_path) -> None:
    def turn(container, stream) -> None:
        stream.set_display_rotation(90)

    turned = make_film(tmp_path / "turned.mp4", 4, set_up=turn)
    with CameraReader(turned) as reader:
        assert reader.latest(0, PATIENCE).picture.size == (96, 64)


def test_times_of_the_film_are_kept(tmp_path) -> None:
    times = [Fraction(0), Fraction(1, 20), Fraction(1, 2), Fraction(11, 20)]
    film = make_film(tmp_path / "uneven.mp4", 4, times=times, rate=20)
    feed = open_feed(str(film), None, None)
    begin = time.monotonic()
    arrived = [item.time for item in islice(feed.frames(threading.Event()), 4)]
    feed.close()
    assert all(when >= begin + float(wanted) for when, wanted in zip(arrived, times, strict=True))
