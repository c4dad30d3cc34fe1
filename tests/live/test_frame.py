"""One frame's way: mirrored, matted, smoothed unless it does not follow the last, finished."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cameras import HalfPredictor

from transparent_background.compositing.backgrounds import StillBackground
from transparent_background.images.picture import Picture
from transparent_background.live.frame import GAP, FrameMaker
from transparent_background.live.scenes import Scene
from transparent_background.options.result import ResultOptions
from transparent_background.options.result_types import Backdrop, parse_type

WHITE = Scene(ResultOptions(type=parse_type("white")))


class RampPredictor(HalfPredictor):
    """Predicts a matte that rises from left to right."""

    def predictions(self, pictures, *, resize=None, base_size=None):
        return [torch.linspace(0, 1, 64).expand(1, 1, 64, 64) for _ in pictures]


def picture() -> Picture:
    """Draw something whose left and right differ."""
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[:, :16] = (200, 100, 50)
    return Picture(rgb)


def test_a_frame_is_finished_as_its_settings_say() -> None:
    settings = ResultOptions(type=parse_type("white"), threshold=0.5, reverse=True)
    frame, made = FrameMaker(HalfPredictor())(picture(), 0.0, Scene(settings))
    assert (made.alpha[:, :28] == 0).all()
    assert (made.alpha[:, -28:] == 1).all()
    assert (made.result.rgb[:, :28] == 255).all()
    assert (frame.rgb == picture().rgb).all()


def test_a_mirrored_frame_is_matted_as_it_is_shown() -> None:
    frame, made = FrameMaker(HalfPredictor())(picture(), 0.0, WHITE, mirror=True)
    assert (frame.rgb[:, -16:] == (200, 100, 50)).all()
    assert (made.alpha[:, :28] == 1).all()  # the left half of what the network saw
    assert (made.result.rgb[:, -16:] == 255).all()


def test_its_own_transparency_counts_once() -> None:
    own = np.full((64, 64), 0.5, np.float32)
    maker = FrameMaker(HalfPredictor(), temporal=False)
    frame, made = maker(Picture(picture().rgb, own), 0.0, WHITE)
    assert made.alpha[:, :28] == pytest.approx(0.5)
    again = maker.again(frame, made.alpha, Scene(ResultOptions(type=parse_type("map"))))
    assert again.result.grey[:, :28] == pytest.approx(0.5)


def test_a_background_is_put_behind() -> None:
    behind = StillBackground(Picture(np.full((8, 8, 3), 77, np.uint8)), "stretch")
    settings = ResultOptions(type=Backdrop(Path("behind.png")))
    _, made = FrameMaker(HalfPredictor())(picture(), 0.0, Scene(settings, behind))
    assert (made.result.rgb[:, -28:] == 77).all()


def test_edge_colours_are_estimated_where_there_is_time() -> None:
    """Over another background; a cut-out's always are, and whoever asks for the original keeps it."""
    x = np.linspace(0, 1, 64, dtype=np.float32)
    rgb = np.uint8([200, 0, 0]) * x[:, None] + np.uint8([0, 200, 0]) * (1 - x[:, None])
    mixed = Picture(np.ascontiguousarray(np.broadcast_to(rgb, (64, 64, 3)).astype(np.uint8)))
    maker = FrameMaker(RampPredictor(), temporal=False)

    def greenest(settings: ResultOptions, estimate: bool) -> int:
        return int(maker(mixed, 0.0, Scene(settings), estimate=estimate)[1].result.rgb[..., 1].max())

    black = ResultOptions(type=parse_type("#000"))
    assert greenest(black, True) < 10 < 40 < greenest(black, False)
    assert greenest(ResultOptions(type=parse_type("#000"), foreground="original"), True) > 40
    assert greenest(ResultOptions(type=parse_type("#000"), foreground="estimate"), False) < 10


@pytest.mark.parametrize(("wait", "mirror", "resets"), [(0.1, False, 1), (GAP, False, 2), (0.1, True, 2)])
def test_smoothing_begins_anew_where_a_frame_does_not_follow_the_last(
    wait, mirror, resets, monkeypatch
) -> None:
    done = []
    monkeypatch.setattr("transparent_background.matting.steady.Steadier.reset", lambda self: done.append(1))
    maker = FrameMaker(HalfPredictor())
    maker(picture(), 100.0, WHITE)
    maker(picture(), 100.0 + wait, WHITE, mirror=mirror)
    assert len(done) == resets  # the first frame follows nothing


def test_the_network_sees_the_size_that_is_asked_for() -> None:
    predictor = HalfPredictor()
    maker = FrameMaker(predictor)
    maker(picture(), 0.0, WHITE, base_size=(32, 32))
    maker(picture(), 0.1, WHITE)
    assert predictor.sizes == [(32, 32), None]
