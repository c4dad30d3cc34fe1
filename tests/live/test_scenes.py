"""Switching between backgrounds, and films behind."""

from __future__ import annotations

import itertools

import numpy as np
from cameras import HalfPredictor
from film_makers import make_film
from PIL import Image

from transparent_background.live.camera import Camera


def test_backgrounds_are_switched_around(film, tmp_path) -> None:
    Image.new("RGB", (10, 10), (0, 200, 0)).save(tmp_path / "meadow.png")
    backgrounds = ["map", tmp_path / "meadow.png"]
    with Camera(film, HalfPredictor(), type="white", backgrounds=backgrounds, temporal=False) as camera:
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
    with Camera(film, HalfPredictor(), type=behind, backgrounds=["white"], temporal=False) as camera:
        seen = set()
        for frame in itertools.islice(camera, 200):
            seen.add(int(frame.result.rgb[32, -20, 0]) // 50)
            if len(seen) >= 3:
                break
        camera.next_background()
        assert (next(iter(camera)).result.rgb[:, -40:] == 255).all()
    assert seen == {0, 2, 4}
