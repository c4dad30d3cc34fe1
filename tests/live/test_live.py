"""Cameras without their background: latency, rate, switching, outputs, recordings, and clean ends."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from film_makers import frames_of, make_film, marked, number_of, probe, times_of
from mjpeg_server import MjpegServer
from PIL import Image

from transparent_background import Remover
from transparent_background.cli import live, loading
from transparent_background.engine import ExecutionPlan
from transparent_background.errors import (
    DeviceError,
    MissingExtraError,
    OutputError,
    UnknownTypeError,
    UnreadableError,
    UsageError,
)
from transparent_background.images.result import Result
from transparent_background.live.camera import Camera
from transparent_background.live.outputs import Status, VirtualCamera
from transparent_background.live.rate import LONGEST_PATIENCE, PATIENCE, Pace, Step, make_ladder
from transparent_background.live.recorder import Recorder
from transparent_background.live.watchers import is_open_elsewhere
from transparent_background.live.window import PreviewWindow
from transparent_background.options.result_types import parse_type
from transparent_background.pipeline.plan import Settings

WAIT = 20  # seconds that a busy machine may take for what takes none
STATUS = Status(25.0, 0.05, 3, (320, 320), 1.0, "blur", False, False, True)


class HalfRemover:
    """Stands in for a remover: the object is the left half of every frame."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.checkpoint = SimpleNamespace(base_size=(64, 64))
        self.asked_resize = None
        self.device = torch.device("cpu")
        self.plan = ExecutionPlan("torch", "plain", torch.float32)
        self.seconds, self.calls = seconds, 0
        self.sizes: list[tuple[int, int]] = []

    def predictions(self, pictures, *, resize=None, base_size=None):
        self.calls += 1
        self.sizes.append(base_size)
        time.sleep(self.seconds)  # this is what a network takes, and not a wait for anything
        height, width = base_size or self.checkpoint.base_size
        matte = torch.zeros(1, 1, height, width)
        matte[..., : width // 2] = 1
        return [matte for _ in pictures]


class Screen:
    """Stands in for an output: keeps what is shown, and acts as it is told."""

    def __init__(self, script=(), watched: bool = True) -> None:
        self.script, self.watched = list(script), watched
        self.shown: list[tuple[Result, Status]] = []

    def show(self, result, time, status) -> None:
        self.shown.append((result, status))

    def poll(self):
        """After each turn that showed something, the next action of the script; None does nothing."""
        if not self.script:
            return ("quit",)
        if len(self.shown) == 0:
            return ()
        action = self.script.pop(0)
        return () if action is None else (action,)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def film(tmp_path) -> Path:
    return make_film(tmp_path / "film.mp4", 20, rate=40, options={"crf": "10"})


@pytest.fixture
def camera(film) -> Iterator[Camera]:
    with Camera(film, HalfRemover(), type="[255, 0, 0]", temporal=False) as made:
        yield made


# The rate


def feed(pace: Pace, seconds: float, times: int) -> list[Step]:
    return [pace.feed(seconds) for _ in range(times)]


def test_the_ladder_lowers_the_network_first_then_large_frames() -> None:
    ladder = make_ladder((320, 320), (720, 1280))
    assert [step.base_size[0] for step in ladder] == [320, 288, 256, 224, 192, 160, 160, 160]
    assert [step.scale for step in ladder] == [1, 1, 1, 1, 1, 1, 0.75, 0.5]
    assert make_ladder((384, 384), (360, 640))[-1] == Step((192, 192))  # small frames stay as they are
    assert make_ladder((320, 320), (1080, 1920), flexible=False) == [
        Step(None, scale) for scale in (1, 0.75, 0.5)
    ]
    for step in make_ladder((1024, 1024), (360, 640)):
        assert step.base_size[0] % 32 == 0


def test_a_fast_machine_stays_at_the_best() -> None:
    pace = Pace(make_ladder((320, 320), (720, 1280)), fps=20)
    assert {step.base_size for step in feed(pace, 0.049, 500)} == {(320, 320)}


def test_a_slow_machine_goes_down_until_the_rate_is_held() -> None:
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    seconds = 0.0
    for _ in range(200):
        size = pace.step.base_size[0]
        seconds = 0.02 + 0.06 * size**2 / 320**2  # 80 ms at the best
        pace.feed(seconds)
    assert pace.step.base_size == (224, 224)  # 49 ms
    assert seconds <= 1 / 20


def test_it_goes_up_again_when_the_machine_is_free_and_stays_there() -> None:
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    feed(pace, 0.2, 100)
    assert pace.index == 5
    steps = feed(pace, 0.01, 600)
    assert steps[-1].base_size == (320, 320)
    sizes = [step.base_size[0] for step in steps]
    assert sizes == sorted(sizes)


def test_one_slow_frame_changes_nothing() -> None:
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    for _ in range(30):
        feed(pace, 0.03, 10)
        pace.feed(0.5)
    assert pace.index == 0


def test_it_does_not_swing_between_two_steps() -> None:
    """A step up that looked possible and was not is tried more and more rarely."""
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    changes, last = [], 0
    for frame in range(4000):
        pace.feed(0.055 if pace.index == 0 else 0.03)
        if pace.index != last:
            changes.append(frame)
            last = pace.index
    assert len(changes) < 30
    assert changes[-1] - changes[-2] >= LONGEST_PATIENCE or changes[-2] - changes[-3] >= LONGEST_PATIENCE
    assert changes[1] - changes[0] >= PATIENCE


# The camera


def test_results_come_with_their_mattes(camera) -> None:
    frame = next(iter(camera))
    assert frame.rgb.shape == (64, 96, 3)
    assert frame.alpha.dtype == np.float32
    assert frame.alpha[:, :40].min() == 1
    assert frame.alpha[:, -40:].max() == 0
    assert (frame.result.rgb[:, -40:] == (255, 0, 0)).all()
    assert (frame.result.rgb[:, :40] == frame.rgb[:, :40]).all()


def test_a_slow_network_leaves_frames_out_and_latency_does_not_grow(film) -> None:
    with Camera(film, HalfRemover(0.1), temporal=False, realtime=False) as camera:
        frames = list(itertools.islice(camera, 12))
        assert camera.dropped >= 20
        assert 0 < camera.fps < 11
    for earlier, later in itertools.pairwise(frames):
        assert later.number >= earlier.number + 3  # 40 a second against 10
    # each is taken when it is new: its latency is one turn and the wait for the next frame, from the first on
    assert np.median([frame.latency for frame in frames]) < 0.1 + 1 / 40 + 0.1
    for frame in frames:
        assert number_of(frame.rgb) == (frame.number - 1) % 20


def test_a_slow_network_sees_smaller_pictures(film) -> None:
    remover = HalfRemover(0.06)
    remover.checkpoint.base_size = (320, 320)
    with Camera(film, remover, temporal=False, fps=20) as camera:
        for _ in itertools.islice(camera, 40):
            if remover.sizes[-1] == (160, 160):
                break
        assert camera.status.network == (160, 160)
    heights = [size[0] for size in remover.sizes]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == 320


def test_without_realtime_the_network_sees_what_it_was_made_for(film) -> None:
    remover = HalfRemover(0.06)
    remover.checkpoint.base_size = (320, 320)
    with Camera(film, remover, temporal=False, fps=20, realtime=False) as camera:
        list(itertools.islice(camera, 12))
    assert set(remover.sizes) == {(320, 320)}


def test_mirroring_exchanges_left_and_right(camera) -> None:
    frames = iter(camera)
    plain = next(frames)
    camera.mirror = True
    mirrored = next(frames)
    assert np.abs(plain.rgb[40, 12].astype(int) - (210, 180, 60)).max() < 16
    assert np.abs(mirrored.rgb[40, -13].astype(int) - (210, 180, 60)).max() < 16


def test_backgrounds_are_switched_around(film, tmp_path) -> None:
    Image.new("RGB", (10, 10), (0, 200, 0)).save(tmp_path / "meadow.png")
    backgrounds = ["map", tmp_path / "meadow.png"]
    with Camera(film, HalfRemover(), type="white", backgrounds=backgrounds, temporal=False) as camera:
        frames = iter(camera)
        names = [camera.background]
        results = [next(frames).result]
        for _ in range(3):
            names.append(camera.next_background())
            results.append(next(frames).result)
        assert camera.next_background(-1) == "meadow.png"
    assert names == ["white", "map", "meadow.png", "white"]
    assert (results[0].rgb[:, -40:] == 255).all()
    assert results[1].grey is not None
    assert (results[2].rgb[:, -40:] == (0, 200, 0)).all()


def test_a_film_behind_goes_on(film, tmp_path) -> None:
    behind = make_film(
        tmp_path / "behind.mp4", [np.full((32, 48, 3), v, np.uint8) for v in (20, 120, 220)] * 4
    )
    with Camera(film, HalfRemover(), type=behind, backgrounds=["white"], temporal=False) as camera:
        seen = set()
        for frame in itertools.islice(camera, 200):
            seen.add(int(frame.result.rgb[32, -20, 0]) // 50)
            if len(seen) >= 3:
                break
        camera.next_background()
        assert (next(iter(camera)).result.rgb[:, -40:] == 255).all()
    assert seen == {0, 2, 4}


def test_what_cannot_be_used_is_said_at_once(film) -> None:
    with pytest.raises(UnknownTypeError):
        Camera(film, HalfRemover(), backgrounds=["no such type"])
    Path("broken.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableError):
        Camera(film, HalfRemover(), type="broken.png")
    with pytest.raises(UsageError, match="fps"):
        Camera(film, HalfRemover(), fps=0)
    with pytest.raises(UsageError, match="size"):
        Camera(film, HalfRemover(), size=(0, 100))


def test_the_bundled_network_works_on_a_camera(film) -> None:
    with Camera(film, Remover("lite", device="cpu"), type="rgba") as camera:
        assert camera.size == (64, 96)
        frames = list(itertools.islice(camera, 2))
    assert frames[1].result.alpha.shape == (64, 96)
    assert frames[1].number > frames[0].number


# Outputs


def test_outputs_get_results_until_one_wants_to_quit(camera) -> None:
    screens = [Screen([None] * 5), Screen([None] * 50)]
    camera.run(screens)
    assert len(screens[0].shown) == len(screens[1].shown) >= 5
    assert screens[0].shown[-1][1].fps > 0
    assert not screens[0].shown[-1][1].recording


def test_keys_steer_the_camera(film) -> None:
    screen = Screen(["next", "mirror", "pause", None, "pause", None])
    with Camera(film, HalfRemover(), type="white", backgrounds=["map"], temporal=False) as camera:
        camera.run([screen])
    statuses = [status for _, status in screen.shown]
    assert [statuses[index].background for index in (0, 1)] == ["white", "map"]
    assert camera.mirror
    assert [status.paused for status in statuses].count(True) == 2
    assert not statuses[-1].paused


def test_nothing_is_worked_on_while_paused_but_the_background_can_be_changed(film) -> None:
    remover = HalfRemover()
    with Camera(film, remover, type="white", backgrounds=["map"], temporal=False) as camera:
        screen = Screen(["pause", None, "next", None])
        camera.run([screen])
    assert remover.calls == 1
    assert screen.shown[0][0].rgb is not None
    assert screen.shown[-1][0].grey is not None


def test_nothing_is_worked_on_while_nobody_looks(film) -> None:
    remover = HalfRemover()
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
    with Camera(film, HalfRemover(), temporal=False) as camera:
        camera.start_recording(tmp_path / "out.mp4")
        camera.run([Screen([None] * 4, watched=False)])
        assert camera.recorded == tmp_path / "out.mp4"  # a run ends its film, before the camera is closed
    assert len(frames_of(tmp_path / "out.mp4")) >= 4


def test_a_camera_that_is_gone_ends_the_run_with_a_whole_recording(tmp_path) -> None:
    with MjpegServer(marked) as server:
        with Camera(server.url, HalfRemover(), type="white", temporal=False, give_up=0.1) as camera:
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


class Backend:
    """A virtual camera that pyvirtualcam takes for one of its own."""

    made: ClassVar[list[Backend]] = []
    fails = False

    def __init__(self, *, width, height, fps, fourcc, device, **options) -> None:
        if device == "missing":
            raise RuntimeError("device missing does not exist")
        self.size, self.fps, self.name = (height, width), fps, device or "fake"
        self.frames: list[np.ndarray] = []
        self.closed = False
        Backend.made.append(self)

    def close(self) -> None:
        self.closed = True

    def send(self, frame) -> None:
        if Backend.fails:
            raise RuntimeError("pulled out")
        self.frames.append(frame.reshape(*self.size, 3).copy())

    def device(self) -> str:
        return self.name

    def native_fourcc(self) -> None:
        return None


@pytest.fixture
def backend(monkeypatch) -> type[Backend]:
    pyvirtualcam = pytest.importorskip("pyvirtualcam")
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    monkeypatch.setattr(Backend, "made", [])
    monkeypatch.setattr(Backend, "fails", False)
    pyvirtualcam.register_backend("fake", Backend)
    return Backend


def test_the_virtual_camera_gets_what_is_shown(camera, backend) -> None:
    output = VirtualCamera(camera.size, camera.rate)
    camera.run([output, Screen([None] * 3)])
    output.close()
    (made,) = backend.made
    assert (made.size, made.fps, made.closed) == ((64, 96), 40, True)
    assert len(made.frames) >= 3
    assert (made.frames[0][:, -40:] == (255, 0, 0)).all()
    assert np.abs(made.frames[0][40, 12].astype(int) - (210, 180, 60)).max() < 16


def test_the_virtual_camera_keeps_its_size_and_shows_what_is_transparent_on_green(backend) -> None:
    output = VirtualCamera((101, 151), 25, "fake:somewhere")
    rgb = np.full((30, 45, 3), 90, np.uint8)
    alpha = np.zeros((30, 45), np.float32)
    alpha[:, :20] = 1
    output.show(Result(rgb, alpha), 0.0, STATUS)
    output.show(Result(grey=alpha), 0.0, STATUS)
    output.close()
    (made,) = backend.made
    assert (made.size, made.name) == ((100, 150), "somewhere")
    assert tuple(made.frames[0][50, 140]) == (120, 255, 155)
    assert tuple(made.frames[0][50, 10]) == (90, 90, 90)
    assert tuple(made.frames[1][50, 10]) == (255, 255, 255)


def test_a_missing_virtual_camera_is_said_with_the_way_to_one(backend, monkeypatch) -> None:
    with pytest.raises(DeviceError) as error:
        VirtualCamera((64, 96), 25, "missing")
    assert "device missing does not exist" in str(error.value)
    with pytest.raises(UsageError, match="unitycapture is not for this system"):
        VirtualCamera((64, 96), 25, "unitycapture:Unity Video Capture")
    ways = {"linux": "modprobe v4l2loopback", "darwin": "OBS", "win32": "Unity Capture"}
    for system, way in ways.items():
        monkeypatch.setattr(sys, "platform", system)
        with pytest.raises(DeviceError, match=way):
            VirtualCamera((64, 96), 25, "missing")


def test_a_virtual_camera_that_fails_is_an_error_of_ours(camera, backend, monkeypatch) -> None:
    output = VirtualCamera(camera.size, camera.rate)
    monkeypatch.setattr(Backend, "fails", True)
    with pytest.raises(OutputError, match="takes no more pictures: pulled out"):
        camera.run([output])
    output.close()


@pytest.mark.parametrize(
    ("module", "make"),
    [("pyvirtualcam", lambda: VirtualCamera((64, 96), 25)), ("pygame", PreviewWindow)],
)
def test_a_missing_package_is_said(module, make, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r'pip install "transparent-background\[webcam\]"'):
        make()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has a file open")
def test_it_is_known_whether_another_program_has_a_device_open(tmp_path) -> None:
    device = tmp_path / "device"
    device.write_bytes(b"")
    mine = device.open("rb")
    code = f"open_ = open({str(device)!r}, 'rb'); print('open', flush=True); input()"
    command = [sys.executable, "-c", code]
    if is_open_elsewhere(str(device)):
        pytest.skip("a program here hides what it has open, so nothing can be known")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline().strip() == b"open"
        assert is_open_elsewhere(str(device))
        other.communicate(b"\n")
    assert not is_open_elsewhere(str(device))
    mine.close()
    assert is_open_elsewhere(str(tmp_path / "gone"))  # what is not known counts as watched


def test_a_program_that_hides_its_files_may_be_watching(tmp_path) -> None:
    device = tmp_path / "device"
    device.write_bytes(b"")
    for name, owner in (("41", os.getuid() + 1), ("42", os.getuid())):
        process = tmp_path / "proc" / name
        process.mkdir(parents=True)
        (process / "status").write_text(f"Name:\tbrowser\nUid:\t{owner}\t{owner}\n")
        hidden = process / "fd"
        hidden.mkdir()

    def listing(self):
        if self.name == "fd":
            raise PermissionError
        return iter([tmp_path / "proc" / name for name in ("41", "42")])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "iterdir", listing)
        assert is_open_elsewhere(str(device), tmp_path / "proc")
        (tmp_path / "proc" / "42" / "status").write_text(f"Uid:\t{os.getuid() + 2}\n")
        assert not is_open_elsewhere(str(device), tmp_path / "proc")


@pytest.fixture
def window(monkeypatch) -> Iterator[PreviewWindow]:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    made = PreviewWindow()
    yield made
    made.close()


def press(*keys: str) -> None:
    import pygame

    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=getattr(pygame, f"K_{key}")))


def pixels() -> np.ndarray:
    import pygame

    surface = pygame.display.get_surface()
    data = pygame.image.tobytes(surface, "RGB")
    return np.frombuffer(data, np.uint8).reshape(surface.get_height(), surface.get_width(), 3)


def test_keys_become_actions(window) -> None:
    window.show(Result(marked(1, (120, 200))), 0.0, STATUS)
    press("b", "RIGHT", "DOWN", "LEFT", "UP", "m", "SPACE", "r", "s", "h", "i", "x", "q", "ESCAPE")
    actions = list(window.poll())
    assert actions == [
        "next", "next", "next", "previous", "previous", "mirror", "pause", "record", "still", "quit", "quit"
    ]  # fmt: skip


def test_the_window_shows_the_result_in_its_own_shape(window) -> None:
    import pygame

    press("i", "x")
    window.poll()  # no status line, no hint
    image = marked(5, (120, 200))
    window.show(Result(image), 0.0, STATUS)
    assert (pixels() == image).all()
    pygame.display.set_mode((400, 400), pygame.RESIZABLE)
    window.show(Result(image), 0.0, STATUS)
    shown = pixels()
    assert (shown[:70] == shown[0, 0]).all()  # a bar above
    assert number_of(shown[80:320]) == 5


def test_the_window_shows_tiles_under_what_is_transparent(window) -> None:
    press("i", "x")
    window.poll()
    alpha = np.zeros((120, 200), np.float32)
    alpha[:, :100] = 1
    window.show(Result(np.full((120, 200, 3), 255, np.uint8), alpha), 0.0, STATUS)
    shown = pixels()
    assert (shown[:, :100] == 255).all()
    assert len(np.unique(shown[:, 100:])) == 2


def test_status_and_help_can_be_shown_and_hidden(window) -> None:
    image = np.full((240, 400, 3), 200, np.uint8)
    window.show(Result(image), 0.0, STATUS)
    with_status = pixels()
    assert (with_status[-20:] != 200).any()
    press("i")
    window.poll()
    window.show(Result(image), 0.0, STATUS)
    assert (pixels() == 200).all()
    press("h")
    window.poll()
    window.show(Result(image), 0.0, STATUS)
    assert (pixels()[20:60] != 200).any()
    press("h")
    window.poll()
    window.show(Result(image), 0.0, STATUS)
    assert (pixels() == 200).all()


def test_a_window_that_is_put_away_is_not_watched_and_closing_it_quits(window) -> None:
    import pygame

    assert window.watched
    pygame.event.post(pygame.event.Event(pygame.WINDOWMINIMIZED))
    window.poll()
    assert not window.watched
    pygame.event.post(pygame.event.Event(pygame.WINDOWRESTORED))
    window.poll()
    assert window.watched
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert list(window.poll()) == ["quit"]


def test_a_missing_screen_is_said(monkeypatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    with pytest.raises(DeviceError, match="run it on a desktop, or use --virtual-camera or --record"):
        PreviewWindow()


# Recordings


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


# The command


def parsed(*arguments: str, **others: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    live.add_options(parser.add_argument_group("cameras"))
    options = parser.parse_args(arguments)
    shared: dict[str, object] = {
        "type": None, "fps": None, "temporal": True, "mode": None, "ckpt": None, "jit": False,
        "device": "cpu", "resize": None, "normalisation": None, "offline": True,
        "quiet": False, "verbose": False, "debug": False,
    }  # fmt: skip
    for name, value in {**shared, **others}.items():
        setattr(options, name, value)
    return options


SETTINGS = Settings(type=parse_type("white"), type_text="white")


def test_options_are_read() -> None:
    options = parsed("--size", "1920x1080", "--mirror", "--no-realtime", "--virtual-camera=/dev/video9")
    assert (options.size, options.mirror, options.realtime) == ((1080, 1920), True, False)
    assert options.virtual_camera == "/dev/video9"
    assert parsed("--virtual-camera").virtual_camera is True
    with pytest.raises(argparse.ArgumentTypeError, match="1280x720"):
        live.parse_size("huge")


def test_adding_the_options_imports_nothing_heavy() -> None:
    code = (
        "import argparse, sys\nfrom transparent_background.cli import live\n"
        "live.add_options(argparse.ArgumentParser())\n"
        "heavy = ('torch', 'numpy', 'cv2', 'av', 'pygame', 'pyvirtualcam', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(loading, "load_remover", lambda options, mode, console: HalfRemover())


def test_a_virtual_camera_is_used_if_there_is_one(film, backend, quick, monkeypatch, capsys) -> None:
    monkeypatch.setattr(Backend, "send", lambda self, frame: os.kill(os.getpid(), signal.SIGINT))
    assert live.run_live(parsed(), str(film), SETTINGS) == 0
    assert backend.made[0].closed
    assert "virtual camera fake" in capsys.readouterr().err


def test_else_a_window_is_opened(film, quick, monkeypatch, capsys) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(PreviewWindow, "poll", lambda self: ("quit",))
    assert live.run_live(parsed(), str(film), SETTINGS) == 0
    assert "preview window" in capsys.readouterr().err


def test_with_neither_there_is_one_sentence_with_both_ways(film, quick, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DeviceError) as error:
        live.run_live(parsed(), str(film), SETTINGS)
    assert "nothing to show the camera on" in str(error.value)
    assert "pyvirtualcam" in str(error.value)
    assert "pygame" in str(error.value)
    for asked in ("--virtual-camera", "--preview"):
        with pytest.raises(MissingExtraError):
            live.run_live(parsed(asked), str(film), SETTINGS)


def test_a_missing_camera_is_said_before_the_network_is_loaded(monkeypatch) -> None:
    monkeypatch.setattr(loading, "load_remover", lambda options, mode, console: pytest.fail("loaded"))
    with pytest.raises(ValueError, match="no such camera"):
        live.run_live(parsed(), "nothing.mp4", SETTINGS)
    with pytest.raises(UsageError, match=r"--record out\.jpg"):
        live.run_live(parsed("--record", "out.jpg"), __file__, SETTINGS)


DRIVER = """
import sys
sys.path[:0] = {folders!r}
import test_live
from transparent_background.cli import live, loading
for name in ("pyvirtualcam", "pygame"):
    sys.modules[name] = None
loading.load_remover = lambda options, mode, console: test_live.HalfRemover()
options = test_live.parsed("--record", "out.mp4", verbose=True)
sys.exit(live.run_live(options, {film!r}, test_live.SETTINGS))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_with_a_playable_recording(film, here, number) -> None:
    code = DRIVER.format(
        folders=[str(Path(__file__).parents[1] / "helpers"), str(Path(__file__).parent)], film=str(film)
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as command:
        end = time.monotonic() + 3 * WAIT
        while not (parts := list(here.glob(".out.mp4.*.part"))) or not parts[0].stat().st_size:
            assert command.poll() is None, command.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        command.send_signal(number)
        _, errors = command.communicate(timeout=WAIT)
    assert command.returncode == 0, errors
    assert len(frames_of(here / "out.mp4")) >= 1
    assert not list(here.glob(".*.part"))
    assert "out.mp4" in errors
