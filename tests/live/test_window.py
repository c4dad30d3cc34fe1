"""The preview window, on SDL's driver without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from cameras import STATUS
from film_makers import marked, number_of

from transparent_background.errors import DeviceError
from transparent_background.images.result import Result
from transparent_background.live.window import PreviewWindow


@pytest.fixture
def pygame() -> ModuleType:
    """Return pygame, which is loaded here and not before: that changes how a process takes signals."""
    return pytest.importorskip("pygame")


@pytest.fixture
def window(pygame, monkeypatch) -> Iterator[PreviewWindow]:
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


def test_the_window_shows_the_result_in_its_own_shape(window, pygame) -> None:
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


def test_a_window_that_is_put_away_is_not_watched_and_closing_it_quits(window, pygame) -> None:
    assert window.watched
    pygame.event.post(pygame.event.Event(pygame.WINDOWMINIMIZED))
    window.poll()
    assert not window.watched
    pygame.event.post(pygame.event.Event(pygame.WINDOWRESTORED))
    window.poll()
    assert window.watched
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert list(window.poll()) == ["quit"]


def test_a_missing_screen_is_said(pygame, monkeypatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "no such driver")
    with pytest.raises(DeviceError, match="run it on a desktop, or use --virtual-camera or --record"):
        PreviewWindow()
