"""A picture's way through the service: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..compositing.backgrounds import Background, StillBackground
from ..compositing.finish import finish
from ..errors import TooLargeError, UnknownModeError
from ..matting.pictures import matte_at
from ..media.reading import measure, read
from ..media.writing import write
from ..options.service import Limits
from ..options.suffixes import KEEPS_ALPHA
from .admission import Admission, Budget
from .requests import Job

if TYPE_CHECKING:
    import torch

    from ..images.picture import Picture
    from ..types import BackgroundFit
    from .workers import ModelWorkers

T = TypeVar("T")

FETCHERS, FETCH_SECONDS = 8, 20.0

MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
}
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "TIFF": "tiff", "AVIF": "avif"}
REMBG_MODELS = re.compile(
    r"u2netp?|u2net_(human_seg|cloth_seg|custom)|silueta|isnet-(general-use|anime)|sam|birefnet-[\w-]+|"
    r"bria-rmbg|(ben|dis)_custom|atlascloud|withoutbg"
)
"""What rembg 2.0.86 calls its models; its clients send the names, which mean the default here."""


class DeadlineError(Exception):
    """A request was not done in its time."""


@dataclass(frozen=True, slots=True)
class CutOut:
    """A finished picture as a file's bytes."""

    data: bytes
    format: str
    """Pillow's name of it."""
    size: tuple[int, int]
    """(height, width)."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What it took: ``queue``, ``decode``, ``network``, ``finish``."""
    box: tuple[int, int, int, int] | None = None
    """Of the picture, if it was cropped: left, top, width, height, in pixels of the upright picture."""

    @property
    def media_type(self) -> str:
        """Such as ``image/png``."""
        return MEDIA_TYPES[self.format]

    @property
    def suffix(self) -> str:
        """Of a file's name, without a point."""
        return SUFFIXES[self.format]


class PictureService:
    """Cuts out pictures: reads, waits for the network, composes and encodes.

    What is read and not yet written is bounded in pixels, what was taken on in number; who is cancelled
    leaves the queue.

    Parameters
    ----------
    workers
        The networks; started and stopped by the caller.
    limits
        Of pictures, queue and time.
    threads
        That read, and compose and write.
    """

    def __init__(self, workers: ModelWorkers, limits: Limits, *, threads: int = 2) -> None:
        self.workers, self.limits = workers, limits
        self.admission = Admission(limits.queue)
        workers.demand = lambda: self.admission.count
        self._pixels = Budget(2 * limits.pixels)
        # and in number: many small ones would only wait for the network in memory
        self._held = Budget(2 * threads + 2 * max(workers.at_once, 1))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="picture")
        self._fetchers = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")

    @property
    def waiting(self) -> int:
        """Pictures that nothing has been done for yet."""
        return self._held.waiting + self._pixels.waiting

    def mode_of(self, name: str | None) -> str:
        """Return the mode that a request's name means.

        Raises
        ------
        UnknownModeError
            The service has no such mode.
        """
        modes = self.workers.modes
        if name in modes:
            return name
        if not name or REMBG_MODELS.fullmatch(name):
            return modes[0]
        raise UnknownModeError(f"mode {name!r} is not served here; choose from {', '.join(modes)}")

    async def cut_out(
        self, data: bytes, job: Job, behind: bytes | None = None, *, name: str = "the picture"
    ) -> CutOut:
        """Cut out one picture.

        Parameters
        ----------
        data
            A picture's file.
        job
            What to make of it.
        behind
            The file of a picture to put behind; ``job.settings.type`` says so.
        name
            What messages call it.

        Raises
        ------
        QueueFullError
            Too much is waiting.
        DeadlineError
            It took longer than the limits allow.
        UnknownModeError, InputError, OutputError, DeviceError
            As :meth:`Remover.process`.
        """
        with self.admission.enter():
            return await self.work_on(data, job, behind, name=name)

    async def work_on(
        self, data: bytes, job: Job, behind: bytes | None = None, *, name: str = "the picture"
    ) -> CutOut:
        """Do as :meth:`cut_out` does for a caller who was let in already."""
        mode = self.mode_of(job.mode)
        background = None if behind is None else NamedBytes(behind, "the background")
        way = self._cut_out(NamedBytes(data, name), job, mode, background)
        try:
            return await asyncio.wait_for(way, self.limits.timeout)
        except asyncio.TimeoutError as error:
            raise DeadlineError(
                f"{name}: was not done within {self.limits.timeout:g} s; try again later, "
                "or with a smaller picture"
            ) from error

    async def _cut_out(self, file: NamedBytes, job: Job, mode: str, behind: NamedBytes | None) -> CutOut:
        clock = _Clock()
        async with self._held.take(1):
            pixels = await self.run(self._measure, file)
            if behind is not None:
                pixels += await self.run(self._measure, behind)
            async with self._pixels.take(pixels):
                clock.stop("queue")
                picture = await self.run(_read, file)
                backdrop = None if behind is None else await self.run(_read_behind, behind, job.settings.fit)
                clock.stop("decode")
                future = self.workers.submit(mode, [picture], resize=job.resize)
                passed = await asyncio.wrap_future(future)
                clock.stop("network")
                clock.seconds["queue"] += passed.waited
                clock.seconds["network"] = passed.seconds
                device = self.workers.remover(mode).device
                done = await self.run(_finish, picture, passed.predictions[0], job, backdrop, device)
                clock.stop("finish")
        done.seconds.update(clock.seconds)
        return done

    def _measure(self, file: NamedBytes) -> int:
        """Return a picture's pixels, by its header."""
        height, width = measure(file)
        if height * width > self.limits.pixels:
            raise TooLargeError(
                f"{file.name}: has {height * width / 1e6:.1f} million pixels; at most "
                f"{self.limits.pixels / 1e6:g} million are taken here"
            )
        return height * width

    async def fetch(self, url: str) -> bytes:
        """Fetch a picture from a public address; a few at once, so that slow servers stop nothing else.

        Raises
        ------
        UsageError, InputError
            As :func:`fetch.fetch`.
        """
        from .fetch import fetch

        work = partial(fetch, url, max_bytes=self.limits.bytes, timeout=FETCH_SECONDS)
        return await asyncio.get_running_loop().run_in_executor(self._fetchers, work)

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in one of the threads for pictures."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def close(self) -> None:
        """Take no more, finish what was taken on, and stop the workers."""
        await self.admission.drain()
        await asyncio.to_thread(self.workers.stop)
        self._threads.shutdown()
        self._fetchers.shutdown(cancel_futures=True)


class NamedBytes(io.BytesIO):
    """A file's bytes, and what messages call them."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def _read(file: NamedBytes) -> Picture:
    file.seek(0)
    return read(file)


def _read_behind(file: NamedBytes, fit: BackgroundFit) -> Background:
    return StillBackground(_read(file), fit)


class _Clock:
    def __init__(self) -> None:
        self.last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def stop(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name], self.last = now - self.last, now


def _finish(
    picture: Picture, prediction: torch.Tensor, job: Job, behind: Background | None, device: torch.device
) -> CutOut:
    """From a prediction to a file's bytes."""
    settings = job.settings
    done = finish(
        picture,
        matte_at(prediction, picture.size),
        settings,
        device,
        background=behind,
        holds_alpha=job.format in KEEPS_ALPHA,
        smooth=job.smooth_mask,
        veil=job.veil,
    )
    file = io.BytesIO()
    suffix = SUFFIXES[job.format]
    write(file, done.result, format=suffix, metadata=picture.metadata, quality=settings.quality)
    return CutOut(file.getvalue(), job.format, done.result.size, box=done.box)
