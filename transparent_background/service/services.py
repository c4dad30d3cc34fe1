"""All that a running service holds, made at its start and taken down at its end."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

from ..options.service import ServiceSettings
from .admission import Admission
from .files import TemporaryFolder
from .films import FilmService
from .metrics import Metrics
from .pictures import PictureService
from .workers import ModelWorkers, Network

logger = logging.getLogger(__name__)

SWEEP = 30.0  # seconds between looks for films whose time is over, and memory that is free


class Services:
    """Networks, queues and files of one service.

    Parameters
    ----------
    devices
        The networks of every device by mode, the default first.
    settings
        How the service was started.
    """

    pictures: PictureService
    films: FilmService

    def __init__(self, devices: Sequence[Mapping[str, Network]], settings: ServiceSettings) -> None:
        self.settings, self.limits = settings, settings.limits
        self.metrics = Metrics()
        self.admission = Admission(settings.limits.queue)
        """Requests for pictures."""
        self.workers = ModelWorkers(
            devices,
            batch_size=settings.batch_size,
            demand=lambda: self.admission.count,
            on_batch=self.metrics.count_batch,
        )
        gauge = self.metrics.gauge
        gauge("pictures_taken", "Pictures that are worked on or wait.", lambda: self.admission.count)
        text = "Pictures that nothing has been done for yet."
        gauge("pictures_waiting", text, lambda: self.pictures.waiting)
        gauge("network_waiting", "Pictures that wait for the network.", lambda: self.workers.waiting)
        text = "Films that are worked on or wait."
        gauge("films_unfinished", text, lambda: len(self.films.unfinished))
        self.cameras = 0
        """Live connections now."""
        self.camera_threads = ThreadPoolExecutor(settings.limits.cameras, thread_name_prefix="camera")
        self.ready = False
        self._folder: TemporaryFolder | None = None

    def begin_to_close(self) -> None:
        """Take no more; films have their grace from now on."""
        if self.ready:
            self.ready = False
            self.admission.closing = True
            self.films.begin_to_close()

    def remove_files(self) -> None:
        """Remove what is left on disk, as after an end that was not waited for."""
        if self._folder is not None:
            self._folder.remove()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Services]:
        """Start everything; at the end finish what was taken on, and leave nothing behind."""
        self._folder = TemporaryFolder()
        sweeping: asyncio.Task[None] | None = None
        try:
            threads = self.settings.threads
            self.workers.start()
            self.pictures = PictureService(
                self.workers, self.limits, self.admission, on_done=self.metrics.count_picture, threads=threads
            )
            self.films = FilmService(self.workers, self.limits, self._folder.path, threads=threads)
            sweeping = asyncio.create_task(self._sweep())
            self.ready = True
            yield self
        finally:
            self.ready = False
            if sweeping is not None:
                sweeping.cancel()
                await self.films.close()
                await self.pictures.close()
            self.camera_threads.shutdown()
            self._folder.remove()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self.films.expire()
            except OSError:
                logger.exception("old films could not be removed")
            await asyncio.to_thread(give_back_memory)


def give_back_memory() -> None:
    """Return memory that was freed to the system; glibc keeps it in an arena for every few threads."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library has no such function
            ctypes.CDLL(None).malloc_trim(0)
