"""All that a running service holds, made at its start and taken down at its end."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..images.memory import give_back_memory
from ..options.service import ServiceSettings
from .admission import Admission
from .films import FilmService
from .kept import KeptPictures
from .metrics import Metrics
from .pictures import PictureService
from .workers import ModelWorkers, Network

logger = logging.getLogger(__name__)

SWEEP = 30.0  # seconds between looks for films whose time is over, and memory that is free
PREFIX, LOCK = "transparent-background-", ".lock"


class Services:
    """Networks, queues and files of one service; ``devices`` as for :class:`ModelWorkers`."""

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
        self.kept = KeptPictures(settings.limits)
        gauge("pictures_kept", "Pictures that are kept for further results.", lambda: len(self.kept))
        gauge("pictures_kept_bytes", "Memory that they take.", lambda: self.kept.memory)
        self.cameras = 0
        """Live connections now."""
        self.camera_threads = ThreadPoolExecutor(settings.limits.cameras, thread_name_prefix="camera")
        self.ready = False
        """Whether new work should be sent here; a service that drains still takes it."""
        self.taking = False
        """Whether new work is taken."""
        self._folder: TemporaryFolder | None = None

    def begin_to_close(self) -> None:
        """Take no more; films have their grace from now on."""
        self.ready = False
        if self.taking:
            self.taking = False
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
            self.ready = self.taking = True
            yield self
        finally:
            self.begin_to_close()
            if sweeping is not None:
                sweeping.cancel()
                await self.films.close()
                await self.pictures.close()
            self.kept.clear()
            self.camera_threads.shutdown()
            self._folder.remove()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self.kept.expire()
            try:
                await self.films.expire()
            except OSError:
                logger.exception("old films could not be removed")
            await asyncio.to_thread(give_back_memory)


class TemporaryFolder:
    """A folder for this user alone. What a service left that was killed is removed when the next one starts.

    A lock in it, which the system gives back when its process ends, tells whether it is in use.
    """

    def __init__(self) -> None:
        remove_stale()
        self._outer = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = FileLock(self._outer / LOCK)
        self._lock.acquire()
        self.path = self._outer / "films"
        self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove it with all that is in it; again, if it came back."""
        self._lock.release()
        shutil.rmtree(self._outer, ignore_errors=True)


def remove_stale() -> None:
    """Remove the folders of services that are no more; those of other users cannot be, and stay."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            ours = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
            if folder.is_symlink() or not ours or not (folder / LOCK).is_file():
                continue
            lock = FileLock(folder / LOCK)
            lock.acquire(timeout=0)
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
