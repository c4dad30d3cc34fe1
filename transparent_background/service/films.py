"""Films as jobs: uploaded, worked on one after another, kept for a while."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ..errors import InputError, TooLargeError, TransparentBackgroundError, UnreadableError
from ..films.naming import film_name
from ..films.outputs import plan_targets
from ..films.process import process_film
from ..films.report import VideoProgress
from ..media.reading import animation, measure
from ..media.video.opening import open_input, video_stream
from ..options.films import Selection
from ..options.service import Limits
from ..options.suffixes import ANIMATED_SUFFIXES, FILM_SUFFIXES, PICTURE_SUFFIXES
from ..options.values import scaled_size
from ..web.uploads import safe_stem, shown_name
from .admission import ClosingError, QueueFullError
from .requests import Job
from .workers import ModelWorkers, SharedRemover

if TYPE_CHECKING:
    from ..remover import Remover

logger = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
HEARTBEAT = 15.0  # seconds
CANCELLING = 10.0  # seconds that one waits for a film to stop
MOVING_PICTURES = ANIMATED_SUFFIXES | {".webp", ".png", ".avif"}

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,mpeg,mpegts,mpegvideo,h264,hevc,av1,ivf,obu,m4v,mjpeg,"
    "ogg,mxf,dv,nsv,rm,rawvideo,yuv4mpegpipe,vob,gif,swf,nut,amr,wtv,viv,roq,bink,smk,dxa,avs,drc,dirac"
)
"""FFmpeg's names of what is taken: containers that hold their film themselves. Play lists (HLS, DASH, concat,
SDP, image sequences) name other files and addresses, which would be the server's own."""

MEDIA_TYPES = {
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/matroska",
    "gif": "image/gif",
    "apng": "image/apng",
    "webp": "image/webp",
}


class CancelledFilmError(Exception):
    """Whoever asked for a film does not want it any more."""


@dataclass(eq=False, slots=True)
class FilmJob:
    """A film that was asked for. Its folder holds the upload, then the result, and goes with it."""

    id: str
    """Random, so that only who is told it can ask for it."""
    folder: Path
    source: Path
    shown: str
    """What messages call it."""
    stem: str
    """What results are called after."""
    job: Job
    mode: str
    state: State = "queued"
    progress: VideoProgress | None = None
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    result: Path | None = None
    bytes: int = 0
    """Of the result."""
    ended: float | None = None
    """By :func:`time.monotonic`."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    changes: int = 0
    """Counts what became of it, for those who watch."""

    @property
    def name(self) -> str:
        """What the result is called."""
        return film_name(self.stem, self.job.settings)


class FilmService:
    """Works through films one by one; photos come in between, since both go through one queue.

    Parameters
    ----------
    workers
        The networks.
    limits
        Of films.
    folder
        Private; every film has a folder in it.
    threads
        That compose frames.
    """

    def __init__(self, workers: ModelWorkers, limits: Limits, folder: Path, *, threads: int = 2) -> None:
        self.workers, self.limits, self.folder, self.threads = workers, limits, folder, threads
        self.jobs: dict[str, FilmJob] = {}
        self._most_kept = min(limits.kept_bytes, shutil.disk_usage(folder).free // 2)
        self.closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="film")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: asyncio.Future[None] | None = None
        self._changed: asyncio.Condition = asyncio.Condition()

    @property
    def unfinished(self) -> int:
        """Films that are worked on or wait."""
        return sum(job.state not in ENDED for job in self.jobs.values())

    def check_room(self) -> None:
        """Refuse another film if there are too many.

        Raises
        ------
        QueueFullError
        """
        if self.closing:
            raise ClosingError
        if self.unfinished >= self.limits.films:
            raise QueueFullError(30)

    def new_folder(self) -> Path:
        """Make a private folder for an upload."""
        folder = self.folder / secrets.token_urlsafe(16)
        folder.mkdir(mode=0o700)
        return folder

    async def add(self, folder: Path, source: Path, name: str, job: Job, mode: str) -> FilmJob:
        """Check an uploaded film and queue it.

        Parameters
        ----------
        folder
            From :meth:`new_folder`; removed if the film is refused.
        source
            The upload in it.
        name
            What the client called it.

        Raises
        ------
        QueueFullError
            There are too many.
        InputError
            It is no film, or larger than the limits.
        UsageError
            Options do not fit each other.
        """
        try:
            self.check_room()
            shown = shown_name(name, "the film")
            stem = safe_stem(name, "film").replace("%", "_")  # %d would mean numbered pictures
            film = FilmJob(secrets.token_urlsafe(16), folder, source, shown, stem, job, mode)
            try:
                await asyncio.to_thread(self._check, film)
            except TransparentBackgroundError as error:
                raise type(error)(_without_paths(str(error), film)) from error
            self.check_room()
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise
        self.jobs[film.id] = film
        self._loop = asyncio.get_running_loop()
        self._loop.run_in_executor(self._thread, self._work, film)
        return film

    def _check(self, film: FilmJob) -> None:
        from ..options.result_types import Backdrop

        kind = film.job.settings.type
        if isinstance(kind, Backdrop):
            check_film(kind.path, self.limits, still=True, name="the background")
        check_film(film.source, self.limits, film.job.settings.film, name=film.shown)
        plan_targets(film.folder / film.name, film.job.settings.format, film.job.settings)

    def _work(self, film: FilmJob) -> None:
        """Work through one film, in the film thread."""
        self._set(film, state="running")
        if film.cancelled.is_set():
            self._end(film, "cancelled")
            return
        try:
            settings = film.job.settings
            report = process_film(
                cast("Remover", SharedRemover(self.workers, film.mode)),
                film.source,
                plan_targets(film.folder / film.name, settings.format, settings),
                settings,
                workers=self.threads,
                passes=max(self.workers.lanes, 1),
                progress=self._progress(film),
            )
        except CancelledFilmError:
            self._end(film, "cancelled")
        except TransparentBackgroundError as error:
            self._end(film, "failed", error=_without_paths(str(error), film))
        except Exception:
            logger.exception("a film failed")
            self._end(film, "failed", error="the film could not be worked on; the server's log says why")
        else:
            film.source.unlink(missing_ok=True)
            notes = [_without_paths(note, film) for note in (*report.losses, *report.notes)]
            film.bytes = report.result.stat().st_size
            self._end(film, "done", result=report.result, notes=notes)

    def _progress(self, film: FilmJob) -> Callable[[VideoProgress], None]:
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
            assert self._loop is not None
            asyncio.run_coroutine_threadsafe(self._change(film, {"progress": progress}), self._loop)

        return advance

    def _end(self, film: FilmJob, state: State, **values: Any) -> None:
        if state != "done":
            shutil.rmtree(film.folder, ignore_errors=True)
        self._set(film, state=state, ended=time.monotonic(), **values)

    def _set(self, film: FilmJob, **values: Any) -> None:
        """Change a film in the loop's thread, wake those who watch it, and wait until that is done."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._change(film, values), self._loop).result()

    async def _change(self, film: FilmJob, values: dict[str, Any]) -> None:
        async with self._changed:
            if film.state in ENDED:
                return
            for name, value in values.items():
                setattr(film, name, value)
            film.changes += 1
            self._changed.notify_all()
        if film.state == "done":
            await self._make_room()

    async def _make_room(self) -> None:
        """Delete the oldest results while all of them together are too much; the newest stays."""
        done = sorted((film for film in self.jobs.values() if film.state == "done"), key=_end_of)
        total = sum(film.bytes for film in done)
        for film in done[:-1]:
            if total <= self._most_kept:
                break
            total -= film.bytes
            await self.remove(film)

    async def watch(self, film: FilmJob, *, least: float = 0.25) -> AsyncIterator[FilmJob]:
        """Yield a film now, after changes, and when it has ended; at most every ``least`` seconds.

        Also every fifteen seconds without a change, since proxies hang up where nothing is said.
        """
        seen = [-1]
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._change_of(film, seen[0]), HEARTBEAT)
            seen[0], ended = film.changes, film.state in ENDED
            yield film
            if ended:
                return
            await asyncio.sleep(least)

    async def _change_of(self, film: FilmJob, seen: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: film.changes != seen)

    async def cancel(self, film: FilmJob) -> None:
        """Stop a film; returns when it has stopped, or in ten seconds. One that has ended stays as it is."""
        film.cancelled.set()
        if film.state == "queued":
            await asyncio.to_thread(shutil.rmtree, film.folder, ignore_errors=True)
            await self._change(film, {"state": "cancelled", "ended": time.monotonic()})
        with suppress(asyncio.TimeoutError):  # it is seen after a frame, and a decoder may be at work before
            await asyncio.wait_for(self._end_of(film), CANCELLING)

    async def _end_of(self, film: FilmJob) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: film.state in ENDED)

    async def remove(self, film: FilmJob) -> None:
        """Stop a film and forget it."""
        await self.cancel(film)
        self.jobs.pop(film.id, None)
        await asyncio.to_thread(shutil.rmtree, film.folder, ignore_errors=True)

    async def expire(self) -> None:
        """Forget what ended long ago; run it every now and then."""
        now = time.monotonic()
        for film in list(self.jobs.values()):
            if film.ended is not None and now - film.ended > self.limits.keep:
                await self.remove(film)

    async def close(self) -> None:
        """Take no more; give what was taken ``limits.grace`` seconds, cancel the rest, remove every file.

        A second call waits for the same end.
        """
        if self._closed is None:
            self.closing = True
            self._closed = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closed)

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._all_ended(), self.limits.grace)
        except asyncio.TimeoutError:
            await asyncio.gather(*(self.cancel(film) for film in list(self.jobs.values())))
        await asyncio.to_thread(self._thread.shutdown, wait=not self.unfinished)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def _all_ended(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not self.unfinished)


def stored_name(name: str) -> str:
    """Return what an upload is called on disk: nothing of its own name but a known suffix."""
    suffix = Path(name.replace("\\", "/")).suffix.lower()
    known = suffix in FILM_SUFFIXES - {".m3u8"} or suffix in MOVING_PICTURES
    return f"upload{suffix}" if known else "upload"


def _end_of(film: FilmJob) -> float:
    return film.ended or 0.0


def check_film(
    path: Path,
    limits: Limits,
    selection: Selection | None = None,
    *,
    still: bool = False,
    name: str = "the film",
) -> None:
    """See that an upload is a film of a kind and size that is taken, before it is worked on.

    Parameters
    ----------
    selection
        Which part of it is wanted, and at what size; None: all, as it is.
    still
        Whether a picture will do.
    name
        What messages call it.

    Raises
    ------
    UnreadableError
        It is no film.
    TooLargeError
        It has too many pixels, frames or seconds, as far as its header says.
    """
    try:
        if path.suffix in PICTURE_SUFFIXES or (still and path.suffix not in FILM_SUFFIXES):
            _check_picture(path, limits, selection, still=still)
        else:
            _check_container(path, limits, selection)
    except TooLargeError:
        raise
    except InputError as error:
        raise UnreadableError(f"{name}: {str(error).rpartition(f'{path}: ')[2]}") from error


def _check_picture(path: Path, limits: Limits, selection: Selection | None, *, still: bool) -> None:
    _check_pixels(measure(path), limits, selection)
    info = animation(path)
    if info is None and not still:
        raise UnreadableError(f"{path}: is one picture, not a film; send it to /api/remove")
    if info is not None and info.frames > limits.film_frames:
        raise TooLargeError(f"the film has {info.frames} frames; at most {limits.film_frames} are taken here")


def _check_container(path: Path, limits: Limits, selection: Selection | None) -> None:
    part = None
    if selection is not None and selection.end is not None:
        part = float(selection.end - (selection.start or 0))
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    with open_input(path, options=options) as container:
        stream = video_stream(container, str(path))
        _check_pixels((stream.height, stream.width), limits, selection)
        seconds = None if container.duration is None else container.duration / 1_000_000
        if seconds is not None and min(seconds, part or seconds) > limits.film_seconds:
            raise TooLargeError(
                f"the film is {seconds:.0f} s long; at most {limits.film_seconds:.0f} s are taken here "
                "(start and end choose a part)"
            )
        if part is None and stream.frames > limits.film_frames:
            raise TooLargeError(
                f"the film has {stream.frames} frames; at most {limits.film_frames} are taken here"
            )


def _check_pixels(size: tuple[int, int], limits: Limits, selection: Selection | None) -> None:
    most = min(limits.pixels, limits.frame_pixels)
    sizes = [size]
    if selection is not None and selection.scale is not None:
        sizes.append(scaled_size(size, selection.scale))
    for height, width in sizes:
        if height * width > most:
            raise TooLargeError(
                f"frames of {width} x {height} have {height * width / 1e6:.1f} million pixels; at most "
                f"{most / 1e6:g} million are taken here"
            )


def _without_paths(text: str, film: FilmJob) -> str:
    """Call files in a message what the client called them."""
    return text.replace(str(film.source), film.shown).replace(f"{film.folder}/", "")


def media_type(path: Path) -> str:
    """Return a film's media type by its suffix."""
    return MEDIA_TYPES.get(path.suffix[1:], "application/octet-stream")
