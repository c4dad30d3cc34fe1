"""A window with the result, made with pygame-ce (extra ``webcam``), whose keys steer the camera."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from ..errors import DeviceError, needing
from ..images.result import Result
from ..types import ByteArray, Size
from .outputs import Action, Status, flat_bytes, result_at

if TYPE_CHECKING:
    import pygame

LARGEST = (720, 1280)  # (height, width) of a window before anyone changes it
SCREEN_SHARE = 0.8  # how much of a small screen the window takes at first
TILE = 12  # pixels of the checkerboard under what is transparent
TILES = (154, 102)  # the checkerboard's greys
TEXT, DIM, ALERT = (245, 245, 245), (190, 190, 190), (255, 92, 92)
SHADE = 190  # how dark the strips under text are, of 255
MARGIN = 8

Colour: TypeAlias = tuple[int, int, int]
Deed: TypeAlias = Action | Literal["line", "help"]

KEYS: tuple[tuple[str, str, dict[str, Deed]], ...] = (
    ("B, right, down", "next background", {"b": "next", "RIGHT": "next", "DOWN": "next"}),
    ("left, up", "previous background", {"LEFT": "previous", "UP": "previous"}),
    ("M", "mirror", {"m": "mirror"}),
    ("Space", "pause", {"SPACE": "pause"}),
    ("R", "record, or end the recording", {"r": "record"}),
    ("S", "save a still", {"s": "still"}),
    ("I", "show or hide the line below", {"i": "line"}),
    ("H", "show or hide this help", {"h": "help"}),
    ("Q, Esc", "quit", {"q": "quit", "ESCAPE": "quit"}),
)
"""What the help says, and what each key does, by pygame's name of it."""


class PreviewWindow:
    """Shows results in a window.

    Parameters
    ----------
    title
        The window's.
    status_line
        Whether rate, latency and the like are shown at the beginning.

    Raises
    ------
    MissingExtraError
        pygame-ce is not installed.
    DeviceError
        There is no screen.
    """

    def __init__(self, title: str = "transparent-background", *, status_line: bool = True) -> None:
        # on stdout it greets
        with needing("webcam", "the preview window needs pygame-ce"), redirect_stdout(None):
            import pygame
        self._pygame = pygame
        try:
            pygame.display.init()
        except pygame.error as error:
            raise DeviceError(_no_screen(str(error))) from error
        if pygame.display.get_driver() in _UNSEEN and "SDL_VIDEODRIVER" not in os.environ:
            pygame.display.quit()
            raise DeviceError(_no_screen("no display"))
        pygame.font.init()
        pygame.display.set_caption(title)
        self._keys = {getattr(pygame, f"K_{key}"): deed for *_, keys in KEYS for key, deed in keys.items()}
        self._fonts: dict[int, pygame.font.Font] = {}
        self._hidden = False
        self._status_line, self._help = status_line, False
        self._hint = True  # that H helps; until a key is pressed

    @property
    def watched(self) -> bool:
        """False while the window is minimised or hidden."""
        return not self._hidden

    def poll(self) -> Sequence[Action]:
        """Take in keys and what became of the window; return what was asked for."""
        pygame = self._pygame
        actions: list[Action] = []
        for event in pygame.event.get():
            if event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
                actions.append("quit")
            elif event.type in (pygame.WINDOWMINIMIZED, pygame.WINDOWHIDDEN):
                self._hidden = True
            elif event.type in (pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.WINDOWMAXIMIZED):
                self._hidden = False
            elif event.type == pygame.KEYDOWN:
                self._hint = False
                deed = self._keys.get(event.key)
                if deed == "line":
                    self._status_line = not self._status_line
                elif deed == "help":
                    self._help = not self._help
                elif deed is not None:
                    actions.append(deed)
        return actions

    def show(self, result: Result, time: float, status: Status) -> None:
        """Draw a result, as large as the window allows in its own shape."""
        if self._hidden:
            return
        screen = self._pygame.display.get_surface() or self._open(result.size)
        width, height = screen.get_size()
        scale = min(height / result.size[0], width / result.size[1])
        inner = max(round(result.size[0] * scale), 1), max(round(result.size[1] * scale), 1)
        picture = _on_checkerboard(result_at(result, inner))
        surface = self._pygame.image.frombuffer(picture.tobytes(), inner[::-1], "RGB")
        screen.fill((16, 16, 16))
        screen.blit(surface, ((width - inner[1]) // 2, (height - inner[0]) // 2))
        self._draw_texts(screen, status)
        self._pygame.display.flip()

    def _open(self, size: Size) -> pygame.Surface:
        sdl = self._pygame
        limits = [LARGEST]
        for width, height in sdl.display.get_desktop_sizes():
            if width > 0 and height > 0:
                limits.append((round(height * SCREEN_SHARE), round(width * SCREEN_SHARE)))
        scale = min(1.0, *(most / own for limit in limits for most, own in zip(limit, size, strict=True)))
        wanted = round(size[1] * scale), round(size[0] * scale)
        try:
            screen: pygame.Surface = sdl.display.set_mode(wanted, sdl.RESIZABLE)
        except sdl.error as error:
            raise DeviceError(_no_screen(str(error))) from error
        return screen

    def _draw_texts(self, screen: pygame.Surface, status: Status) -> None:
        height = bottom = screen.get_height()
        line = self._line(height)
        if self._status_line:
            bottom -= line + MARGIN
            self._draw_strip(screen, status_parts(status), bottom)
        notice = status.message or (None if status.connected else "no picture; looking for the camera")
        if notice is None and self._hint:
            notice = "H: keys"
        if notice is not None:
            self._draw_strip(screen, [(notice, TEXT)], bottom - line - MARGIN)
        if self._help:
            self._draw_help(screen)

    def _draw_strip(self, screen: pygame.Surface, parts: Sequence[tuple[str, Colour]], top: int) -> None:
        """Draw a line of text over the window's width."""
        width, height = screen.get_size()
        line = self._line(height)
        self._darken(screen, (0, top, width, line + MARGIN))
        left = MARGIN
        for text, colour in parts:
            drawn = self._text(text, colour, line)
            screen.blit(drawn, (left, top + MARGIN // 2))
            left += drawn.get_width() + 2 * MARGIN

    def _draw_help(self, screen: pygame.Surface) -> None:
        line = self._line(screen.get_height())
        rows = [(self._text(keys, TEXT, line), self._text(text, DIM, line)) for keys, text, _ in KEYS]
        left = 3 * MARGIN + max(keys.get_width() for keys, _ in rows)
        width = left + max(text.get_width() for _, text in rows)
        self._darken(screen, (MARGIN, MARGIN, width + MARGIN, (line + 2) * len(rows) + 2 * MARGIN))
        for index, (keys, text) in enumerate(rows):
            top = 2 * MARGIN + index * (line + 2)
            screen.blit(keys, (2 * MARGIN, top))
            screen.blit(text, (MARGIN + left, top))

    def _line(self, height: int) -> int:
        """Return the height of a line, pixels, that can be read in a window of that height."""
        return max(16, min(height // 22, 28))

    def _text(self, text: str, colour: Colour, line: int) -> pygame.Surface:
        """Render a text, drawn at twice its size: small letters are spaced badly otherwise."""
        sdl = self._pygame
        if line not in self._fonts:
            self._fonts[line] = sdl.font.Font(None, line * 2)
        large = self._fonts[line].render(text, True, colour)
        width, height = large.get_size()
        return sdl.transform.smoothscale(large, (width // 2, height // 2))

    def _darken(self, screen: pygame.Surface, area: tuple[int, int, int, int]) -> None:
        shade = self._pygame.Surface(area[2:], self._pygame.SRCALPHA)
        shade.fill((0, 0, 0, SHADE))
        screen.blit(shade, area[:2])

    def close(self) -> None:
        """Close the window."""
        self._fonts.clear()
        self._pygame.font.quit()
        self._pygame.display.quit()


_UNSEEN = ("dummy", "offscreen", "evdev")  # what SDL falls back to without a screen


def _no_screen(reason: str) -> str:
    return (
        f"the preview window cannot be opened ({reason}): run it on a desktop, "
        "or use --virtual-camera or --record without --preview"
    )


def status_parts(status: Status) -> list[tuple[str, Colour]]:
    """Return the status line: (text, colour), from left to right."""
    parts = [(word, ALERT) for word, on in (("REC", status.recording), ("PAUSED", status.paused)) if on]
    latency = f"{status.latency * 1000:.0f} ms"
    parts += [(text, TEXT) for text in (status.background, f"{status.fps:.0f} fps", latency)]
    if status.network is not None:
        height, width = status.network
        parts.append((f"network {width}" if width == height else f"network {width} x {height}", DIM))
    if status.scale != 1:
        parts.append((f"frame {status.scale:.0%}", DIM))
    return parts


def _on_checkerboard(result: Result) -> ByteArray:
    """Return a result as opaque uint8 (h, w, 3); what is transparent shows grey tiles."""
    if result.alpha is None:
        return flat_bytes(result, (0, 0, 0))
    height, width = result.size
    odd = (np.arange(height)[:, None] // TILE + np.arange(width) // TILE) % 2
    tiles: ByteArray = np.repeat(np.array(TILES, np.uint8)[odd][..., None], 3, axis=2)
    return flat_bytes(result, tiles)
