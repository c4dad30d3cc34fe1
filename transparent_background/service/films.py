"""Films as jobs: uploaded, worked on one after another, kept for a while."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import TooLargeError, TransparentBackgroundError
from ..films.outputs import Targets, film_name, plan_targets
from ..films.process import process_film
from ..films.report import VideoProgress
from ..options.films import Selection
from ..options.result_types import Backdrop
from ..options.service import Limits
from ..options.settings import Settings
from .admission import ClientBusyError, ClosingError, QueueFullError
from .attention import Attention
from .film_checks import check_film
from .film_jobs import ENDED, FilmJob, State, change
from .models import find_network
from .naming import safe_stem, shown_name
from .requests import FilmJobOptions, asked_for, settings_for
from .workers import ModelWorkers, SharedNetwork

logger = logging.getLogger(__name__)

HEARTBEAT = 15.0  # seconds
CANCELLING = 10.0  # seconds that one waits for a film to stop
FETCHING = 10.0  # seconds, at the end of the service, for the result of a film that was finished meanwhile


class CancelledFilmError(Exception):
    """Whoever asked for a film does not want it any more."""


class FilmService:
    """Works through films one by one; photos come in between, since both go through one queue.

    Every film has a folder in ``folder``, which is private; ``threads`` compose frames.
    """

    def __init__(self, workers: ModelWorkers, limits: Limits, folder: Path, *, threads: int = 2) -> None:
        self.workers, self.limits, self.folder, self.threads = workers, limits, folder, threads
        self.jobs: dict[str, FilmJob] = {}
        self._most_kept = min(limits.kept_bytes, shutil.disk_usage(folder).free // 2)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="film")
        self._turn = asyncio.Lock()
        self._receiving: list[str] = []  # clients
        self._closing: asyncio.Task[None] | None = None
        self._no_time = asyncio.Event()

    @property
    def unfinished(self) -> list[FilmJob]:
        """Films that are worked on or wait."""
        return [film for film in self.jobs.values() if film.state not in ENDED]

    def _check_room(self, client: str) -> None:
        if self._closing is not None:
            raise ClosingError
        waiting = [*self._receiving, *(film.client for film in self.unfinished)]
        if len(waiting) >= self.limits.films:
            message = (
                f"{len(waiting)} films are worked on or wait, which is all that are taken; try again later"
            )
            raise QueueFullError(30, message)
        if waiting.count(client) >= self.limits.films_of_one:
            message = (
                f"{waiting.count(client)} of your films are worked on or wait; try again when one is done"
            )
            raise ClientBusyError(30, message)

    def position(self, film: FilmJob) -> int | None:
        """Return how many films are worked on before one that waits; 0 for the one that is worked on."""
        waiting = self.unfinished
        return waiting.index(film) if film in waiting else None

    @asynccontextmanager
    async def receive(self, client: str) -> AsyncIterator[Path]:
        """Give a private folder for a client's upload, which is removed if the block fails.

        Raises
        ------
        QueueFullError
            There are too many films, or too many of this client.
        """
        self._check_room(client)
        self._receiving.append(client)
        folder = self.folder / secrets.token_urlsafe(16)
        try:
            await asyncio.to_thread(folder.mkdir, mode=0o700)
            yield folder
        except BaseException:
            await _delete(folder)
            raise
        finally:
            self._receiving.remove(client)

    def order(self, options: FilmJobOptions, behind: Path | None) -> tuple[Settings, SharedNetwork]:
        """Check what is asked for, and what goes behind, before there are files.

        Raises
        ------
        UsageError
            An option is out of range, or there is no such network.
        """
        values = asked_for(options)
        settings = settings_for(values, behind)
        return settings, find_network(self.workers.networks, values.get("mode"))

    async def add(
        self,
        source: Path,
        name: str,
        settings: Settings,
        network: SharedNetwork,
        *,
        client: str,
        attention: Attention | None = None,
        deliver: Callable[[Path], Awaitable[None]] | None = None,
    ) -> FilmJob:
        """Check an uploaded film, in a folder from :meth:`receive`, and queue it for its client.

        Without ``attention`` it goes on though nobody asks about it. ``deliver`` is given the finished file
        before the film counts as done; what it raises becomes the film's error.

        Raises
        ------
        ClosingError
            The service is being stopped.
        InputError
            It is no film, or larger than the limits.
        UsageError
            Options do not fit each other.
        """
        shown = shown_name(name, "the film")
        try:
            targets = await asyncio.to_thread(self._check, source, name, shown, settings)
        except TransparentBackgroundError as error:
            raise type(error)(_without_paths(str(error), source, shown)) from error
        if self._closing is not None:
            raise ClosingError
        film = FilmJob(secrets.token_urlsafe(16), source, shown, settings, network, targets, client)
        film.attention, film.deliver = attention or Attention(), deliver
        self.jobs[film.id] = film
        film.work = asyncio.create_task(self._work(film))
        return film

    def _check(self, source: Path, name: str, shown: str, settings: Settings) -> Targets:
        if isinstance(settings.type, Backdrop):
            check_film(settings.type.path, self.limits, Selection(), "the background", still=True)
        check_film(source, self.limits, settings.film, shown)
        stem = safe_stem(name, "film").replace("%", "_")  # %d would mean numbered pictures
        return plan_targets(source.with_name(film_name(stem, settings)), settings.format, settings)

    async def _work(self, film: FilmJob) -> None:
        """Work through a film when it is its turn."""
        loop = asyncio.get_running_loop()

        def tell(progress: VideoProgress) -> None:
            loop.call_soon_threadsafe(partial(change, film, progress=progress))

        async with self._turn:
            if film.cancelled.is_set():
                return
            change(film, state="running")
            try:
                done = await loop.run_in_executor(self._thread, self._process, film, tell)
                if film.deliver is not None:
                    await film.deliver(done["result"])
                    film.fetched.set()
            except CancelledFilmError:
                await self._end(film, "cancelled")
            except TransparentBackgroundError as error:
                await self._end(film, "failed", error=_without_paths(str(error), film.source, film.shown))
            except Exception:
                logger.exception("a film failed")
                await self._end(
                    film, "failed", error="the film could not be worked on; the server's log says why"
                )
            else:
                await self._end(film, "done", **done)

    def _process(self, film: FilmJob, tell: Callable[[VideoProgress], None]) -> dict[str, Any]:
        """Work through one film, in the film thread; return what is known of it then."""
        started = time.monotonic()

        def advance(progress: VideoProgress) -> None:
            if film.cancelled.is_set():
                raise CancelledFilmError
            if time.monotonic() - started > self.limits.film_work:
                raise TooLargeError(
                    f"{film.shown}: the work on it took longer than {self.limits.film_work:.0f} s; "
                    "send a shorter part, or a smaller scale"
                )
            if progress.frames > self.limits.film_frames:
                raise TooLargeError(f"{film.shown}: has more than {self.limits.film_frames} frames")
            tell(progress)

        report = process_film(
            film.network,
            film.source,
            film.targets,
            film.settings,
            workers=self.threads,
            passes=max(self.workers.lanes, 1),
            progress=advance,
        )
        film.source.unlink(missing_ok=True)
        notes = [_without_paths(note, film.source, film.shown) for note in (*report.losses, *report.notes)]
        return {"result": report.result, "bytes": report.result.stat().st_size, "notes": notes}

    async def _end(self, film: FilmJob, state: State, **values: Any) -> None:
        if state != "done":
            await _delete(film.source.parent)
        change(film, state=state, ended=time.monotonic(), **values)
        if state == "done":
            await self._make_room()

    async def _make_room(self) -> None:
        """Delete the oldest results while all of them together are too much; the newest stays."""
        done = [film for film in self.jobs.values() if film.state == "done"]
        done.sort(key=lambda film: film.ended or 0.0)
        total = sum(film.bytes for film in done)
        for film in done[:-1]:
            if total <= self._most_kept:
                break
            total -= film.bytes
            await self.remove(film)

    async def watch(self, film: FilmJob, *, least: float = 0.25) -> AsyncGenerator[FilmJob, None]:
        """Yield a film now, after changes, and when it has ended; at most every ``least`` seconds.

        Also every fifteen seconds without a change, since proxies hang up where nothing is said.
        """
        while True:
            changed, ended = film.changed, film.state in ENDED
            yield film
            if ended:
                return
            await asyncio.sleep(least)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(changed.wait(), HEARTBEAT)

    async def cancel(self, film: FilmJob) -> None:
        """Stop a film; returns when it has stopped, or in ten seconds. One that has ended stays as it is."""
        film.cancelled.set()
        if film.state == "queued":
            await self._end(film, "cancelled")
        else:  # it is seen after a frame, and a decoder may be at work before
            await asyncio.wait([film.work], timeout=CANCELLING)

    async def remove(self, film: FilmJob) -> None:
        """Stop a film and forget it."""
        await self.cancel(film)
        self.jobs.pop(film.id, None)
        await _delete(film.source.parent)

    async def expire(self) -> None:
        """Cancel what nobody waits for, and forget what ended long ago; run it every now and then."""
        for film in self.unfinished:
            if film.attention.lost:
                film.error = f"nobody asked about it for {film.attention.patience:.0f} s"
                await self.cancel(film)
        now = time.monotonic()
        for film in list(self.jobs.values()):
            if film.ended is not None and now - film.ended > self.limits.keep:
                await self.remove(film)

    def begin_to_close(self) -> asyncio.Task[None]:
        """Take no more; give what was taken ``limits.grace`` seconds, and cancel the rest.

        What is finished meanwhile has its time to be fetched, if somebody does. The task, the same for each
        call, ends when all that is done.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._finish())
        return self._closing

    def hurry(self) -> asyncio.Task[None]:
        """Give what :meth:`begin_to_close` waits for no more time; returns its task."""
        self._no_time.set()
        return self.begin_to_close()

    async def _finish(self) -> None:
        films = self.unfinished
        await self._wait([film.work for film in films], self.limits.grace)
        await asyncio.gather(*(self.cancel(film) for film in self.unfinished))
        fetching = [asyncio.ensure_future(film.fetched.wait()) for film in films if film.state == "done"]
        await self._wait(fetching, FETCHING)
        for wait in fetching:
            wait.cancel()

    async def _wait(self, tasks: Sequence[asyncio.Future[Any]], seconds: float) -> None:
        """Wait for all of some tasks, for so long at most; not where there is no time."""
        if not tasks:
            return
        all_done = asyncio.ensure_future(asyncio.wait(tasks))
        no_time = asyncio.ensure_future(self._no_time.wait())
        await asyncio.wait([all_done, no_time], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        all_done.cancel()
        no_time.cancel()

    async def close(self) -> None:
        """Remove every file, after what :meth:`begin_to_close` does."""
        await asyncio.shield(self.begin_to_close())
        await asyncio.to_thread(self._thread.shutdown, wait=not self.unfinished)
        await _delete(self.folder)


async def _delete(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _without_paths(text: str, source: Path, shown: str) -> str:
    """Call files in a message what the client called them."""
    return text.replace(str(source), shown).replace(f"{source.parent}/", "")
