"""A picture's way through the service: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from ..compositing.backgrounds import StillBackground
from ..compositing.finish import finish
from ..errors import MemoryShortageError
from ..images.memory import decoding, finishing, free_memory, in_words, kept, peak
from ..images.picture import Picture
from ..matting.pictures import matte_at
from ..media.reading import read, read_header
from ..media.writing import check_fits, write
from ..options.service import Limits
from ..options.settings import Settings
from ..options.suffixes import KEEPS_ALPHA, format_of
from ..types import ResizeMethod, Size
from . import rembg
from .admission import Admission, Budget, DeadlineError
from .fetch import fetch
from .kept import KeptPicture, PackedMatte
from .models import find_network
from .naming import RESULT_SUFFIXES
from .previews import box_at, settings_at, shrunk
from .requests import UPLOADED, KeptOptions, PictureOptions, asked_for, settings_for
from .workers import ModelWorkers, Passed, SharedNetwork

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

FETCHERS, FETCH_SECONDS = 8, 20.0
MOST_MEMORY = 8 << 30
"""Bytes for pictures, if nobody says; more are not worked on at once anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to make of a picture, or of all pictures of a batch: checked, and handed down."""

    network: SharedNetwork
    settings: Settings
    resize: ResizeMethod | None
    format: str
    """Pillow's name of the format of the results."""
    behind: bytes | None
    """The file of a picture to put behind; the settings' type says so."""
    smooth_mask: bool
    """rembg's ``ppm``."""
    veil: tuple[int, int, int, int] | None
    """rembg's ``bgc``: a colour behind that may be transparent itself."""
    largest: int | None = None
    """Pixels of the longer side that a result may have; None: as many as the picture."""

    @property
    def suffix(self) -> str:
        """What the names of results end with, without a point."""
        return RESULT_SUFFIXES[self.format]

    @property
    def media_type(self) -> str:
        """What the results are, such as ``image/png``."""
        return f"image/{self.format.lower()}"


@dataclass(frozen=True, slots=True)
class CutOut:
    """A finished picture as a file's bytes."""

    data: bytes
    size: tuple[int, int]
    """(height, width)."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What it took: ``queue``, ``decode``, ``network``, ``finish``."""
    box: tuple[int, int, int, int] | None = None
    """Of the picture, if it was cropped: left, top, width, height, in pixels of the upright picture."""


class PictureService:
    """Cuts out pictures: reads, waits for the network, composes and encodes.

    What is read and not yet written is bounded in memory and in number; who is cancelled leaves the queue.

    Parameters
    ----------
    workers
        The networks; started by the caller, stopped by :meth:`close`.
    admission
        Counts requests and refuses more than a number; entered by the caller, once a request.
    on_done
        Called with the mode and the seconds by stage of each picture that is done.
    threads
        How many threads read, compose and write.
    """

    def __init__(
        self,
        workers: ModelWorkers,
        limits: Limits,
        admission: Admission,
        *,
        on_done: Callable[[str, Mapping[str, float]], None] = lambda mode, seconds: None,
        threads: int = 2,
    ) -> None:
        self.workers, self.limits, self.admission = workers, limits, admission
        self._on_done = on_done
        self._memory = Budget(limits.memory or usual_memory(limits))
        # and in number: many small ones would only wait for the network in memory
        self._held = Budget(2 * threads + 2 * max(workers.at_once, 1))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="picture")
        self._fetchers = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")

    @property
    def waiting(self) -> int:
        """Pictures that nothing has been done for yet."""
        return self._held.waiting + self._memory.waiting

    def order(self, options: PictureOptions | KeptOptions, behind: bytes | None = None) -> Order:
        """Check what is asked for, before anything is done; ``behind`` is a picture's file, to put behind.

        Raises
        ------
        UsageError
            An option is out of range, or there is no such network.
        """
        values = rembg.translate(asked_for(options))
        settings = settings_for(values, None if behind is None else UPLOADED)
        return Order(
            settings=settings,
            resize=values.get("resize"),
            format=format_of(settings.format or "png") or "PNG",
            behind=behind,
            smooth_mask=values.get("ppm", False),
            veil=rembg.colour_of(values),
            network=find_network(self.workers.networks, values.get("mode")),
            largest=values.get("largest"),
        )

    async def cut_out(
        self, data: bytes, order: Order, *, name: str = "the picture", kept: KeptPicture | None = None
    ) -> CutOut:
        """Cut out one picture, whose file's bytes are given; messages call it ``name``.

        Where it is ``kept``, the network runs only for what it has not seen yet.

        Raises
        ------
        DeadlineError
            It took longer than the limits allow.
        InputError, OutputError, DeviceError
            As :meth:`Remover.process`.
        """
        try:
            with anyio.fail_after(self.limits.timeout):
                done = await self._cut_out(data, order, name, kept)
        except TimeoutError as error:
            raise DeadlineError(
                f"{name}: was not done within {self.limits.timeout:g} s; try again later, "
                "or with a smaller picture"
            ) from error
        self._on_done(order.network.name, done.seconds)
        return done

    async def _cut_out(self, data: bytes, order: Order, name: str, kept: KeptPicture | None) -> CutOut:
        files = [NamedBytes(data, name)]
        if order.behind is not None:
            files.append(NamedBytes(order.behind, "the background"))
        came = time.monotonic()
        async with self._held.take(1):
            need = await self._run(self._estimate, files, order)
            async with self._memory.take(need) as work:

                async def run(function: Callable[..., T], *arguments: Any) -> T:
                    work.append(self._threads.submit(function, *arguments))
                    return await asyncio.wrap_future(work[-1])

                admitted = time.monotonic()
                picture, *behind = [await run(read, file) for file in files]
                decoded = time.monotonic()
                passed = await self._predict(picture, order, kept, work)
                predicted = time.monotonic()
                done = await run(_finish, picture, passed.predictions[0], order, behind)
        seconds = {
            "queue": admitted - came + passed.waited,
            "decode": decoded - admitted,
            "network": passed.seconds,
            "finish": time.monotonic() - predicted,
        }
        return replace(done, seconds=seconds)

    async def _predict(
        self, picture: Picture, order: Order, kept: KeptPicture | None, work: list[Future[Any]]
    ) -> Passed:
        """Have the network run, or take what it said of a kept picture before; ``work`` is what goes on."""
        if kept is None:
            work.append(order.network.submit([picture], resize=order.resize))
            passed: Passed = await asyncio.wrap_future(work[-1])
            return passed
        key = order.network.name, order.resize
        async with kept.predicting:
            waited = seconds = 0.0
            if (packed := kept.mattes.get(key)) is None:
                passed = await self._predict(picture, order, None, work)
                waited, seconds = passed.waited, passed.seconds
                packed = kept.mattes[key] = await self._run(PackedMatte, passed.predictions[0])
        # packed and unpacked the first time too, so that all results of a picture fit each other
        return Passed([await self._run(packed.unpack)], waited, seconds)

    async def measure(self, data: bytes, name: str) -> Size:
        """Return a picture's (height, width) as its header says; raises as :meth:`cut_out`."""
        header = await self._run(read_header, NamedBytes(data, name), self.limits.pixels)
        return header.size

    def _estimate(self, files: list[NamedBytes], order: Order) -> int:
        """Return the bytes that a picture and what goes behind it take at their peak, by their headers."""
        own, *behind = [read_header(file, self.limits.pixels) for file in files]
        for file in files:
            file.seek(0)
        if order.settings.crop is None:
            check_fits(order.format, own.size)
        need = peak(own.size, own.depth, order.network.memory_of_passes(own.size, resize=order.resize))
        need += sum(decoding(header.size, header.depth) for header in behind)
        if need > self._memory.total:
            height, width = own.size
            raise MemoryShortageError(
                f"{files[0].name}: a picture of {width} x {height} needs about {in_words(need)} of memory, "
                f"and {in_words(self._memory.total)} are set aside for pictures here; send a smaller one, or "
                "choose resize static"
            )
        return need

    async def fetch(self, url: str) -> bytes:
        """Fetch a picture from a public address; a few at once, so that slow servers stop nothing else.

        Raises
        ------
        UsageError, InputError
            The address may not be fetched, or gives no picture in time.
        """
        work = partial(fetch, url, max_bytes=self.limits.bytes, timeout=FETCH_SECONDS)
        return await asyncio.get_running_loop().run_in_executor(self._fetchers, work)

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def close(self) -> None:
        """Take no more, finish what was taken on, and stop the workers."""
        await self.admission.drain()
        await asyncio.to_thread(self.workers.stop)
        self.workers.restore_threads()
        self._threads.shutdown()
        self._fetchers.shutdown(cancel_futures=True)


class NamedBytes(io.BytesIO):
    """A file's bytes, and what messages call them."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def usual_memory(limits: Limits) -> int:
    """Return how much memory pictures may take if nobody says: bytes."""
    free = free_memory()
    if free is not None:
        return min(free * 3 // 4, MOST_MEMORY)
    return 2 * (kept((limits.pixels, 1), 1) + finishing((limits.pixels, 1), 1))  # of two at the limit


def _finish(picture: Picture, prediction: torch.Tensor, order: Order, behind: list[Picture]) -> CutOut:
    """Return the file of a picture whose matte is predicted; ``behind`` has at most one other picture."""
    whole = picture.size
    picture, scale = shrunk(picture, order.largest)
    settings = settings_at(order.settings, scale)
    done = finish(
        picture,
        matte_at(prediction, picture.size),
        settings,
        order.network.device,
        background=StillBackground(behind[0], settings.fit) if behind else None,
        holds_alpha=order.format in KEEPS_ALPHA,
        smooth=order.smooth_mask,
        veil=order.veil,
    )
    file = io.BytesIO()
    write(file, done.result, format=order.suffix, metadata=picture.metadata, quality=settings.quality)
    return CutOut(file.getvalue(), done.result.size, box=box_at(done.box, scale, whole))
