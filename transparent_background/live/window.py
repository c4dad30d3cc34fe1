"""A window with the result, made with pygame-ce (extra ``webcam``), whose keys steer the camera."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

from ..errors import DeviceError, MissingExtraError
from .outputs import Action, Status, flat_bytes

if TYPE_CHECKING:
    import pygame

    from ..images.result import Result
    from ..types import ByteArray

LARGEST = (720, 1280)  # (height, width) of a window before anyone changes it
SCREEN_SHARE = 0.8  # of a small screen
TILE = 12  # pixels of the checkerboard under what is transparent
TILES = (154, 102)  # its greys
TEXT, DIM, ALERT = (245, 245, 245), (190, 190, 190), (255, 92, 92)
SHADE = 190  # of 255: how dark the strips under text are
MARGIN = 8

Colour: TypeAlias = tuple[int, int, int]

HELP = (
    ("B, right, down", "next background"),
    ("left, up", "previous background"),
    ("M", "mirror"),
    ("Space", "pause"),
    ("R", "record, or end the recording"),
    ("S", "save a still"),
    ("I", "show or hide the line below"),
    ("H", "show or hide this help"),
    ("Q, Esc", "quit"),
)


class PreviewWindow:
    """Shows results in a window.

    Parameters
    ----------
    title
        Of the window.
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
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # it greets on standard output
        try:
            import pygame
        except ImportError as error:
            raise MissingExtraError(
                'the preview window needs pygame-ce; run: pip install "transparent-background[webcam]"'
            ) from error
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
        self._keys = _keys(pygame)
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
                action = self._press(event.key)
                if action is not None:
                    actions.append(action)
        return actions

    def _press(self, key: int) -> Action | None:
        self._hint = False
        if key == self._pygame.K_h:
            self._help = not self._help
        elif key == self._pygame.K_i:
            self._status_line = not self._status_line
        return self._keys.get(key)

    def show(self, result: Result, time: float, status: Status) -> None:
        """Draw a result, as large as the window allows in its own shape."""
        if self._hidden:
            return
        screen = self._pygame.display.get_surface() or self._open(result.size)
        width, height = screen.get_size()
        picture = on_checkerboard(_fit(result, (height, width)))
        inner_height, inner_width = picture.shape[:2]
        surface = self._pygame.image.frombuffer(picture.tobytes(), (inner_width, inner_height), "RGB")
        screen.fill((16, 16, 16))
        screen.blit(surface, ((width - inner_width) // 2, (height - inner_height) // 2))
        self._draw_texts(screen, status)
        self._pygame.display.flip()

    def _open(self, size: tuple[int, int]) -> pygame.Surface:
        sdl = self._pygame
        limits = [LARGEST]
        limits += [(round(h * SCREEN_SHARE), round(w * SCREEN_SHARE)) for w, h in _desktops(sdl)]
        scale = min(1.0, *(limit[0] / size[0] for limit in limits), *(limit[1] / size[1] for limit in limits))
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
        rows = [(self._text(keys, TEXT, line), self._text(text, DIM, line)) for keys, text in HELP]
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
        small: pygame.Surface = sdl.transform.smoothscale(large, (width // 2, height // 2))
        return small

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


def _desktops(pygame: Any) -> list[tuple[int, int]]:
    return [size for size in pygame.display.get_desktop_sizes() if min(size) > 0]


def _keys(pygame: Any) -> MappingProxyType[int, Action]:
    return MappingProxyType(
        {
            pygame.K_b: "next",
            pygame.K_RIGHT: "next",
            pygame.K_DOWN: "next",
            pygame.K_LEFT: "previous",
            pygame.K_UP: "previous",
            pygame.K_m: "mirror",
            pygame.K_SPACE: "pause",
            pygame.K_r: "record",
            pygame.K_s: "still",
            pygame.K_q: "quit",
            pygame.K_ESCAPE: "quit",
        }
    )


def status_parts(status: Status) -> list[tuple[str, Colour]]:
    """Return the status line: (text, colour), from left to right."""
    parts = []
    if status.recording:
        parts.append(("REC", ALERT))
    if status.paused:
        parts.append(("PAUSED", ALERT))
    parts.append((status.background, TEXT))
    parts.append((f"{status.fps:.0f} fps", TEXT))
    parts.append((f"{status.latency * 1000:.0f} ms", TEXT))
    if status.network is not None:
        height, width = status.network
        parts.append((f"network {width}" if width == height else f"network {width} x {height}", DIM))
    if status.scale != 1:
        parts.append((f"frame {status.scale:.0%}", DIM))
    return parts


def _fit(result: Result, area: tuple[int, int]) -> Result:
    """Scale a result to the largest size in its own shape within an area (height, width)."""
    from ..images.result import Result

    height, width = result.size
    scale = min(area[0] / height, area[1] / width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    if size == (width, height):
        return result
    kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR

    def sized(values: Any) -> Any:
        return None if values is None else cv2.resize(values, size, interpolation=kernel)

    return Result(sized(result.rgb), sized(result.alpha), sized(result.grey))


def on_checkerboard(result: Result) -> ByteArray:
    """Return a result as opaque uint8 (h, w, 3); what is transparent shows grey tiles."""
    if result.alpha is None:
        return flat_bytes(result, (0, 0, 0))
    height, width = result.size
    odd = (np.arange(height)[:, None] // TILE + np.arange(width) // TILE) % 2
    tiles: ByteArray = np.repeat(np.array(TILES, np.uint8)[odd][..., None], 3, axis=2)
    return flat_bytes(result, tiles)
