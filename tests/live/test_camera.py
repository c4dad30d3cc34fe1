"""Cameras without their background: what comes of each frame, latency, and what cannot be used."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from cameras import HalfPredictor
from film_makers import number_of

from transparent_background import Remover
from transparent_background.errors import UnknownTypeError, UnreadableError, UsageError
from transparent_background.live.camera import Camera


def test_results_come_with_their_mattes(camera) -> None:
    frame = next(iter(camera))
    assert frame.rgb.shape == (64, 96, 3)
    assert frame.alpha.dtype == np.float32
    assert frame.alpha[:, :40].min() == 1
    assert frame.alpha[:, -40:].max() == 0
    assert (frame.result.rgb[:, -40:] == (255, 0, 0)).all()
    assert (frame.result.rgb[:, :40] == frame.rgb[:, :40]).all()


def test_a_slow_network_leaves_frames_out_and_latency_does_not_grow(film) -> None:
    with Camera(film, HalfPredictor(0.1), temporal=False, realtime=False) as camera:
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
    remover = HalfPredictor(0.06)
    remover.checkpoint.base_size = (320, 320)
    with Camera(film, remover, temporal=False, fps=20) as camera:
        for _ in itertools.islice(camera, 60):
            if remover.sizes[-1] == (160, 160):
                break
        assert camera.status.network == (160, 160)
    heights = [size[0] for size in remover.sizes]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == 320


def test_without_realtime_the_network_sees_what_it_was_made_for(film) -> None:
    remover = HalfPredictor(0.06)
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


def test_what_cannot_be_used_is_said_at_once(film) -> None:
    with pytest.raises(UnknownTypeError):
        Camera(film, HalfPredictor(), backgrounds=["no such type"])
    Path("broken.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableError):
        Camera(film, HalfPredictor(), type="broken.png")
    with pytest.raises(UsageError, match="fps"):
        Camera(film, HalfPredictor(), fps=0)
    with pytest.raises(UsageError, match="size"):
        Camera(film, HalfPredictor(), size=(0, 100))


def test_the_bundled_network_works_on_a_camera(film) -> None:
    with Camera(film, Remover("lite", device="cpu"), type="rgba") as camera:
        assert camera.size == (64, 96)
        frames = list(itertools.islice(camera, 2))
    assert frames[1].result.alpha.shape == (64, 96)
    assert frames[1].number > frames[0].number
