"""A camera in a browser: frames come, and their results go back."""

from __future__ import annotations

import base64
import io
import threading
import time

from ..compositing.backgrounds import StillBackground
from ..errors import UsageError
from ..images.picture import Picture
from ..live.frame import FrameMaker
from ..live.scenes import Scene
from ..media.reading import read, read_header
from ..media.writing import write
from ..options.service import Limits
from .models import find_network
from .pictures import NamedBytes
from .requests import UPLOADED, LiveOptions, asked_for, settings_for
from .workers import ModelWorkers

FRAME_PIXELS = 1280 * 1280
JPEG_QUALITY = 85


class LiveSession:
    """Makes the frames of one connection, in order; with the first network until another is asked for."""

    def __init__(self, workers: ModelWorkers, limits: Limits) -> None:
        self.scene = Scene()
        """What is made of the frames."""
        self._mirror = False
        self._networks, self._limits = workers.networks, limits
        self._network = find_network(workers.networks, None)
        self._maker = FrameMaker(self._network)
        self._lock = threading.Lock()  # options come while a frame is made

    def configure(self, text: str) -> None:
        """Take new options in, or leave everything as it is.

        Raises
        ------
        UsageError, InputError, pydantic.ValidationError
            Something in them is wrong.
        """
        options = LiveOptions.model_validate_json(text)
        values = {"type": "blur", **asked_for(options)}
        sent = options.background_image
        settings = settings_for(values, None if sent is None else UPLOADED)
        network = find_network(self._networks, values.get("mode"))
        background = None
        if sent is not None:
            try:
                data = base64.b64decode(sent, validate=True)
            except ValueError as error:
                raise UsageError("background_image: is not base64") from error
            picture = _read(data, "the background", self._limits.pixels)
            background = StillBackground(picture, settings.fit)
        with self._lock:
            if network is not self._network:
                self._network, self._maker = network, FrameMaker(network)
            self.scene, self._mirror = Scene(settings, background), values.get("mirror", False)

    def make(self, data: bytes) -> bytes:
        """Return a frame's result: PNG for ``rgba``, else JPEG.

        Raises
        ------
        TransparentBackgroundError
            The frame cannot be read or is too large, or the device failed.
        """
        picture = _read(data, "the frame", FRAME_PIXELS)
        with self._lock:
            _, made = self._maker(picture, time.monotonic(), self.scene, mirror=self._mirror)
        answer = io.BytesIO()
        write(answer, made.result, format="jpg" if made.result.alpha is None else "png", quality=JPEG_QUALITY)
        return answer.getvalue()


def _read(data: bytes, name: str, most: int) -> Picture:
    file = NamedBytes(data, name)
    read_header(file, most)
    file.seek(0)
    return read(file)
