"""A camera in a browser: frames come, frames go back, at most one on its way."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..compositing.backgrounds import Background, StillBackground
from ..compositing.finish import finish
from ..errors import TooLargeError, UsageError
from ..matting.frames import FrameMatter
from ..media.reading import measure, read
from ..media.writing import write
from ..options.service import Limits
from ..options.settings import Settings
from ..types import BackgroundFit
from ..web.problems import told, validation_sentence
from .pictures import NamedBytes
from .requests import parse_result_type
from .workers import ModelWorkers, SharedRemover

if TYPE_CHECKING:
    from ..remover import Remover

SUBPROTOCOL = "transparent-background"
FRAME_PIXELS = 1280 * 1280
GAP = 1.0  # seconds without a frame after which the last matte says nothing of the next
JPEG_QUALITY = 85
IDLE = 60.0  # seconds without a message after which the connection is closed


class LiveOptions(BaseModel):
    """What a client asks for; sent first, and whenever it changes."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(default="blur", max_length=100)
    mode: str | None = Field(default=None, max_length=100)
    threshold: float | None = Field(default=None, ge=0, le=1)
    reverse: bool = False
    mirror: bool = False
    fit: BackgroundFit = "cover"
    background_image: str | None = None
    """A picture's file in base64; the type is then not looked at."""


class LiveSession:
    """Makes the frames of one connection, in their order.

    Parameters
    ----------
    workers
        The networks.
    limits
        Of a background picture.
    mode
        Of the network to begin with.
    """

    def __init__(self, workers: ModelWorkers, limits: Limits, mode: str) -> None:
        self.workers, self.limits, self.mode = workers, limits, mode
        self.options = LiveOptions()
        self.settings = Settings(type=parse_result_type("blur", behind=False))
        self.behind: Background | None = None
        self._matter = self._new_matter()
        self._last = 0.0
        self._lock = threading.Lock()  # options come while a frame is made

    def _new_matter(self) -> FrameMatter:
        return FrameMatter(cast("Remover", SharedRemover(self.workers, self.mode)))

    def configure(self, text: str) -> None:
        """Take new options in, or leave everything as it is.

        Raises
        ------
        UsageError, InputError
            Something in them is wrong.
        """
        try:
            options = LiveOptions.model_validate_json(text)
        except ValidationError as error:
            raise UsageError(validation_sentence(list(error.errors()))) from error
        mode = options.mode or self.workers.modes[0]
        if mode not in self.workers.modes:
            raise UsageError(f"mode {mode!r} is not served here; choose from {', '.join(self.workers.modes)}")
        kind = parse_result_type(options.type, behind=options.background_image is not None)
        settings = Settings(type=kind, threshold=options.threshold, reverse=options.reverse, fit=options.fit)
        behind = None
        if options.background_image is not None:
            behind = self._read_behind(options.background_image, options.fit)
        with self._lock:
            if mode != self.mode:
                self.mode = mode
                self._matter = self._new_matter()
            self.options, self.settings, self.behind = options, settings, behind

    def _read_behind(self, text: str, fit: BackgroundFit) -> Background:
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError("background_image: is not base64") from error
        file = NamedBytes(data, "the background")
        _check_size(file, self.limits.pixels)
        return StillBackground(read(file), fit)

    def make(self, data: bytes) -> bytes:
        """Return a frame's result: PNG for ``rgba``, else JPEG.

        Raises
        ------
        TransparentBackgroundError
            The frame cannot be read or is too large, or the device failed.
        """
        with self._lock:
            return self._make(NamedBytes(data, "the frame"))

    def _make(self, file: NamedBytes) -> bytes:
        _check_size(file, FRAME_PIXELS)
        picture = read(file)
        if self.options.mirror:
            from ..live.frame import mirrored

            picture = mirrored(picture)
        now = time.monotonic()
        if self._matter.steadier is not None and now - self._last > GAP:
            self._matter.steadier.reset()
        self._last = now
        (matte,) = self._matter([picture])
        device = self.workers.remover(self.mode).device
        result = finish(picture, matte, self.settings, device, background=self.behind).result
        answer = io.BytesIO()
        if result.alpha is not None:
            write(answer, result, format="png")
        else:
            write(answer, result, format="jpg", quality=JPEG_QUALITY)
        return answer.getvalue()


def _check_size(file: NamedBytes, most: int) -> None:
    height, width = measure(file)
    file.seek(0)
    if height * width > most:
        raise TooLargeError(f"{file.name} has {width} x {height} pixels; that is too many")


async def serve_live(socket: WebSocket, session: LiveSession, threads: ThreadPoolExecutor) -> None:
    """Answer a connection's frames, always the newest, until it ends.

    Parameters
    ----------
    socket
        Not accepted yet.
    session
        Of this connection alone.
    threads
        In which frames are made.
    """
    offered = socket.scope.get("subprotocols") or []
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    loop = asyncio.get_running_loop()
    newest: asyncio.Queue[bytes] = asyncio.Queue(1)

    async def answer() -> None:
        while True:
            frame = await newest.get()
            try:
                made = await loop.run_in_executor(threads, session.make, frame)
            except Exception as error:
                await socket.send_json({"error": told(error)[1]})
            else:
                await socket.send_bytes(made)

    answering = asyncio.ensure_future(answer())
    try:
        while not answering.done():
            message = await asyncio.wait_for(socket.receive(), IDLE)
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                if newest.full():
                    newest.get_nowait()  # nobody waits for an older frame
                newest.put_nowait(data)
            elif (text := message.get("text")) is not None:
                try:
                    await loop.run_in_executor(threads, session.configure, text)
                except Exception as error:
                    await socket.send_json({"error": told(error)[1]})
    except (asyncio.TimeoutError, WebSocketDisconnect, RuntimeError):
        pass  # it has gone, or is as good as gone
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        if socket.application_state.name == "CONNECTED":
            with suppress(RuntimeError, WebSocketDisconnect):
                await socket.close()
