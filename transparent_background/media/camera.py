"""Reading a camera: always the newest frame, and again once a camera that was pulled out is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..errors import InputError, UnreadableError, UsageError
from ..images.picture import Picture
from ..types import Size
from .camera_devices import open_feed
from .camera_feeds import HIGHEST_RATE, Arrived, Feed
from .files import name_of

logger = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0  # seconds between attempts to reconnect; doubled each time
GIVE_UP = 60.0
STALLED = 5.0  # seconds without a frame after which a camera does not count as connected
JOIN = 1.0  # seconds that closing waits for the thread; one that hangs in a driver is left to itself


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One frame of a camera."""

    number: int
    """How many frames had come, this one included; frames that were missed leave gaps."""
    time: float
    """When it came, seconds by :func:`time.monotonic`."""
    picture: Picture
    """Upright, uint8 RGB."""


class CameraReader(AbstractContextManager["CameraReader"]):
    """Reads a camera in a thread of its own and keeps only the newest frame.

    However slowly frames are taken, each is new when it is taken; one that is missed costs its decoding only.

    Parameters
    ----------
    source
        A camera's number (``"0"``), a device (``/dev/video0``), an address (``rtsp://``, MJPEG over
        ``http://``, ``udp://`` ...), or a film, which is played in its own time over and over.
    size
        (height, width) wanted. A device is asked for it; what comes is scaled to cover it and cut evenly.
        None: of a device 1280 x 720 if it has that, else as it comes.
    fps
        Frames a second wanted; what comes faster is left out. None: as it comes.
    give_up
        Seconds for which a camera that was pulled out, or a stream that broke, is looked for; None: for ever.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    SourceNotFoundError, UnreadableError
        It cannot be opened.
    UsageError
        Size or rate is out of range.
    """

    def __init__(
        self,
        source: str | int,
        size: Size | None = None,
        fps: float | None = None,
        *,
        give_up: float | None = GIVE_UP,
    ) -> None:
        if size is not None and not all(16 <= side <= 8192 for side in size):
            raise UsageError(f"size {size} is not usable; give (height, width) of 16 to 8192 pixels")
        if fps is not None and not 0 < fps <= HIGHEST_RATE:
            raise UsageError(f"fps must be above 0 and at most {HIGHEST_RATE}, not {fps:g}")
        self.source, self.size, self.fps, self.give_up = str(source), size, fps, give_up
        self.name = name_of(self.source)
        self.captured = 0
        """How many frames have come."""
        self.dropped = 0
        """How many of them a newer one replaced before they were taken."""
        self._newest: tuple[int, Arrived] | None = None
        self._taken = 0
        self._last_time = time.monotonic()
        self._broken, self._broken_since = False, 0.0
        self._error: InputError | None = None
        self._changed = threading.Condition()
        self._stop = threading.Event()
        feed = open_feed(self.source, size, fps)
        self._rate = feed.rate
        self._thread = threading.Thread(target=self._run, args=(feed,), name="camera", daemon=True)
        self._thread.start()

    @property
    def rate(self) -> float | None:
        """Frames a second that will come, as far as it is known."""
        known = [rate for rate in (self.fps, self._rate) if rate]
        return min(known) if known else None

    @property
    def connected(self) -> bool:
        """Whether frames are coming."""
        return not self._broken and time.monotonic() - self._last_time < STALLED

    def wait(self, after: int = 0, timeout: float | None = None) -> bool:
        """Wait until :meth:`latest` has something to return or to raise; return whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ready(after), timeout) and not self._stop.is_set()

    def latest(
        self, after: int = 0, timeout: float | None = None, *, scale: float = 1.0
    ) -> CameraFrame | None:
        """Return the newest frame, as soon as there is one with a number above ``after``.

        Parameters
        ----------
        after
            Number of the frame that the caller had last.
        timeout
            Seconds to wait at most; None: as long as it takes.
        scale
            How large the picture is made, at most 1; a smaller one takes less time.

        Returns
        -------
        CameraFrame, or None if none came in time or the reader was closed.

        Raises
        ------
        UnreadableError
            The camera is gone, and was looked for in vain.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready(after), timeout)
            self.check()
            if self._newest is None or self._newest[0] <= after or self._stop.is_set():
                return None
            number, arrived = self._newest
            self._taken = number
        return CameraFrame(number, arrived.time, arrived.picture(self.size, scale))

    def first(self, timeout: float) -> CameraFrame:
        """Return the newest frame; wait for the first one.

        Raises
        ------
        UnreadableError
            None comes in that many seconds, or the camera is gone.
        """
        frame = self.latest(0, timeout)
        if frame is None:
            raise UnreadableError(
                f"{self.name}: not one picture came in {timeout:g} s; "
                "if it is a camera, plug it in again, or close what else uses it"
            )
        return frame

    def check(self) -> None:
        """Raise what :meth:`latest` would raise, but take no frame."""
        if self._error is not None:
            raise self._error

    def _ready(self, after: int) -> bool:
        newer = self._newest is not None and self._newest[0] > after
        return newer or self._error is not None or self._stop.is_set()

    def _run(self, feed: Feed) -> None:
        """Take frames in; where they break off, open the camera again."""
        current: Feed | None = feed
        while current is not None:
            reason = self._take_in(current)
            current = None if self._stop.is_set() else self._reconnect(reason)

    def _take_in(self, feed: Feed) -> str:
        """Keep each frame that comes until the source breaks off; return why it did."""
        try:
            for arrived in limited(feed.frames(self._stop), self.fps):
                self._put(arrived)
        except InputError as error:
            return str(error)
        finally:
            feed.close()
        return "closed"

    def _put(self, arrived: Arrived) -> None:
        if self._broken:
            logger.info("%s: is back", self.name)
        with self._changed:
            self._broken = False
            if self._newest is not None and self._newest[0] > self._taken:
                self.dropped += 1
            self.captured += 1
            self._newest = self.captured, arrived
            self._last_time = arrived.time
            self._changed.notify_all()

    def _reconnect(self, reason: str) -> Feed | None:
        """Open the camera again, more and more rarely; None: it was closed, or given up."""
        if not self._broken:  # it may come back and break again before its first frame
            self._broken_since = time.monotonic()
            logger.warning("%s; trying to reconnect", reason)
        self._broken = True
        wait = FIRST_WAIT
        while not self._stop.wait(wait):
            gone = time.monotonic() - self._broken_since
            if self.give_up is not None and gone >= self.give_up:
                with self._changed:
                    self._error = UnreadableError(f"{reason} (given up after {gone:.0f} s without a picture)")
                    self._changed.notify_all()
                return None
            try:
                feed = open_feed(self.source, self.size, self.fps)
            except InputError as error:
                reason = str(error)
                wait = min(wait * 2, LONGEST_WAIT)
                continue
            self._rate = feed.rate
            return feed
        return None

    def close(self) -> None:
        """Stop reading and let go of the camera."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(JOIN)

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def limited(frames: Iterator[Arrived], fps: float | None) -> Iterator[Arrived]:
    """Leave out frames that come faster than a rate; None: none of them."""
    due = 0.0
    for arrived in frames:
        if fps is None:
            yield arrived
        elif arrived.time >= due - 0.25 / fps:  # cameras are not that punctual
            # on the grid of the rate, which begins anew with the first frame and after a gap
            late = arrived.time - 0.5 / fps > due
            due = (arrived.time if late else due) + 1 / fps
            yield arrived
