"""A camera's recording and stills, and what there is to say of them."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from ..compositing.blend import flatten
from ..errors import TransparentBackgroundError, UsageError
from ..images.result import Result
from ..media.video.containers import CONTAINERS, choose_encoding, film_format
from ..media.video.encoding import Look
from ..media.video.frames import FilmInfo
from ..media.video.opening import import_av
from ..media.video.writing import FilmWriter
from ..media.writing import write
from ..options.films import EncodingOptions
from .outputs import result_at

logger = logging.getLogger(__name__)

AHEAD = 8  # results that may wait for the encoder; more are left out
CLOCK = Fraction(1, 90_000)  # seconds; what MPEG counts in
WHITE = (255, 255, 255)
MESSAGE = 3.0  # seconds that a message is shown


def free_path(path: Path) -> Path:
    """Return a path at which nothing is yet: itself, or with ``_2``, ``_3`` ... after its stem."""
    numbered = (path.with_name(f"{path.stem}_{number}{path.suffix}") for number in itertools.count(2))
    return next(free for free in itertools.chain([path], numbered) if not free.exists())


def stamped_path(suffix: str) -> Path:
    """Return a free path in the current folder that says the time: ``camera_20260131_093000.png``."""
    return free_path(Path(f"camera_{datetime.now():%Y%m%d_%H%M%S}{suffix}"))


class Recorder:
    """Writes results to a film as they come, in a thread of its own.

    Parameters
    ----------
    path
        The film; never one that is there already. None: called after the time, ``.mov`` (ProRes 4444) if the
        first result is transparent, else ``.mp4`` (H.264).
    rate
        Frames a second, about; each is shown when it was taken.

    Raises
    ------
    UsageError
        No film can be written under that name.
    """

    def __init__(self, path: Path | None = None, rate: float = 25.0) -> None:
        import_av("recording")
        if path is not None and film_format(path.name) is None:
            raise UsageError(f"{path}: recordings are films; choose {', '.join(CONTAINERS)}")
        self.path = None if path is None else free_path(path)
        """Where it appears when it is finished; None: not known yet."""
        self.frames = self.dropped = 0
        """Written, and left out since the encoder did not keep up."""
        self._rate = Fraction(rate).limit_denominator(1001)
        self._film: tuple[FilmWriter, Look, float] | None = None  # with the time of its first frame
        self._error: Exception | None = None
        self._queue: queue.Queue[tuple[Result, float] | None] = queue.Queue(AHEAD)
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    def add(self, result: Result, time: float) -> None:
        """Take in a result whose frame came at a time, seconds.

        Raises
        ------
        OutputError
            Earlier ones could not be written.
        """
        if self._error is not None:
            raise self._error
        try:
            self._queue.put_nowait((result, time))
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._write(*item)
                except Exception as error:  # whatever it is, who records has to see it
                    self._error = error

    def _write(self, result: Result, time: float) -> None:
        if self._film is None:
            self._film = (*self._start(result), time)
        writer, look, begin = self._film
        # what the film began with: its size, and transparent or not
        fitted = result_at(result if look.alpha else flatten(result, WHITE), look.size)
        writer.write(fitted, Fraction(time - begin).limit_denominator(90_000), 1 / self._rate)
        self.frames += 1

    def _start(self, result: Result) -> tuple[FilmWriter, Look]:
        if self.path is None:
            self.path = stamped_path(".mp4" if result.alpha is None else ".mov")
        kind = film_format(self.path.name) or "mp4"
        alpha = result.alpha is not None and bool(CONTAINERS[kind].alpha)
        if result.alpha is not None and not alpha:
            logger.warning("%s: %s holds no transparency, so white is behind; .mov keeps it", self.path, kind)
        encoding = choose_encoding(kind, EncodingOptions(), alpha=alpha)
        look = Look(result.size, alpha, deep=False)
        film = FilmInfo(name=str(self.path), size=result.size, rate=self._rate, time_base=CLOCK)
        return FilmWriter(self.path, encoding, look, film), look

    def finish(self) -> Path | None:
        """End the film; return its path, None if not one frame came.

        Raises
        ------
        OutputError
            It could not be written; nothing is left of it.
        """
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            if self._film is not None:
                self._film[0].abandon()
            raise self._error
        if self._film is None:
            return None
        writer = self._film[0]
        if self.dropped:
            logger.warning("%s: %d frames are left out: encoding was too slow", self.path, self.dropped)
        writer.path = free_path(writer.path)  # one may have come since it began
        self.path = writer.finish()
        return self.path


class Keeper:
    """Records and saves stills. A recording that fails is given up with a message; the call goes on."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self.recorded: Path | None = None
        """The film that was finished last."""
        self._recorder: Recorder | None = None
        self._message: tuple[float, str] | None = None

    @property
    def recording(self) -> bool:
        """Whether results are being written to a film."""
        return self._recorder is not None

    @property
    def message(self) -> str | None:
        """What has just happened; None after a few seconds."""
        if self._message is None or time.monotonic() > self._message[0]:
            return None
        return self._message[1]

    def say(self, message: str) -> None:
        """Have something shown for a few seconds."""
        self._message = time.monotonic() + MESSAGE, message

    def start(self, path: str | Path | None) -> None:
        """Begin a film with the next result; one that is being written is ended."""
        self.stop()
        self._recorder = Recorder(None if path is None else Path(path).expanduser(), self._rate)

    def stop(self) -> Path | None:
        """End the film; return its path, None if there is none."""
        recorder, self._recorder = self._recorder, None
        path = None if recorder is None else recorder.finish()
        if path is not None:
            self.recorded = path
            self.say(f"saved {path.name}")
            logger.info("recorded %s", path)
        return path

    def record(self, result: Result, moment: float) -> None:
        """Add a result to the film, if there is one."""
        if self._recorder is not None:
            try:
                self._recorder.add(result, moment)
            except TransparentBackgroundError as error:
                self.fail(error)

    def fail(self, error: TransparentBackgroundError) -> None:
        """Say what went wrong, and give up the film."""
        logger.error("%s", error)
        try:
            self.stop()
        except TransparentBackgroundError:
            logger.debug("nothing is left of the recording", exc_info=True)
        self.say(str(error))

    def still(self, result: Result, path: str | Path | None) -> Path:
        """Save a result as a picture; return its path."""
        target = stamped_path(".png") if path is None else free_path(Path(path).expanduser())
        write(target, result)
        self.say(f"saved {target.name}")
        return target
