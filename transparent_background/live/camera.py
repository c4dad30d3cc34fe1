"""A camera whose frames lose their background as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeAlias

from ..errors import OutputError, UnreadableError, UsageError
from ..media.camera import GIVE_UP, CameraReader
from .keeping import Keeper
from .outputs import Action, Output, Status
from .scenes import Scenes, SceneType
from .worker import LiveFrame, Worker

if TYPE_CHECKING:
    from ..remover import Remover
    from ..types import BackgroundFit

StatusCallback: TypeAlias = Callable[[Status], None]

WANTED_RATE = 20.0  # frames a second to hold if nothing is said: smooth in a call, and mattes stay good
TURN = 0.1  # seconds that a turn waits for a frame, and that keys may wait for a turn
FIRST_FRAME = 15.0  # seconds that a camera may take to begin


class Camera:
    """Removes the background of a camera's frames as they come.

    Every turn takes the newest frame, so that results are never older than the time one takes, however slow
    the machine; frames that came meanwhile are left out.

    Parameters
    ----------
    source
        A camera's number (``0``), a device (``/dev/video0``), an address (``rtsp://``, MJPEG over ``http://``),
        or a film, which is played as if it were a camera.
    remover
        Its network is used; it may be shared.
    type
        As for :meth:`Remover.process`; also a film, which plays behind over and over.
    backgrounds
        More types, which :meth:`next_background` switches to.
    mirror
        Whether left and right are exchanged.
    size
        (height, width) wanted.
    fps
        Frames a second wanted. None: what the camera gives; ``realtime`` then holds up to 20.
    realtime
        Whether the network, then the frames, are made smaller to hold the rate (see docs/cameras.md).
    temporal
        Whether mattes are smoothed along the motion.
    threshold, reverse, fit
        As for :meth:`Remover.process`.
    give_up
        Seconds for which a camera that was pulled out is looked for; None: for ever.

    Raises
    ------
    MissingExtraError
        PyAV (extra ``video``) is not installed.
    SourceNotFoundError, UnreadableError
        The camera, or the file of a background, cannot be opened.
    UsageError
        An option is unknown or out of range.

    Examples
    --------
    >>> with Camera(0, Remover("lite"), type="blur") as camera:  # doctest: +SKIP
    ...     for frame in camera:
    ...         use(frame.result.rgb)
    """

    mirror: bool
    """Whether left and right are exchanged; may be set at any time."""
    paused: bool
    """Whether :meth:`run` stands still; the last result stays on the outputs. May be set at any time."""

    def __init__(
        self,
        source: str | int,
        remover: Remover,
        *,
        type: SceneType = "blur",
        backgrounds: Sequence[SceneType] = (),
        mirror: bool = False,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        realtime: bool = True,
        temporal: bool = True,
        threshold: float | str | None = None,
        reverse: bool = False,
        fit: BackgroundFit = "cover",
        give_up: float | None = GIVE_UP,
    ) -> None:
        _check(size, fps)
        self.mirror, self.paused = mirror, False
        self._scenes = Scenes([type, *backgrounds], fit)
        self._reader = CameraReader(source, size, fps, give_up=give_up)
        rate = self._reader.fps or min(self._reader.rate or WANTED_RATE, WANTED_RATE)
        self._worker = Worker(
            remover,
            self._scenes,
            fps=rate if realtime else None,
            temporal=temporal,
            threshold=threshold,
            reverse=reverse,
        )
        self._keeper = Keeper(rate)
        self._stop = Event()
        self._last: LiveFrame | None = None
        self._processed = self._shown_type = 0
        self._done: deque[tuple[float, float]] = deque(maxlen=500)  # (when a result was there, latency)

    @property
    def name(self) -> str:
        """What the source is called."""
        return self._reader.name

    @property
    def rate(self) -> float:
        """Frames a second that the camera gives; 30 if it does not say."""
        return self._reader.rate or 30.0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames; waits for the first one.

        Raises
        ------
        UnreadableError
            None has come.
        """
        frame = self._reader.latest(0, FIRST_FRAME)
        if frame is None:
            raise UnreadableError(
                f"{self.name}: not one picture came in {FIRST_FRAME:g} s; "
                "plug the camera in again, or close what else uses it"
            )
        return frame.picture.size

    @property
    def fps(self) -> float:
        """Results a second, over the last two seconds."""
        now = time.monotonic()
        recent = [when for when, _ in list(self._done) if now - when <= 2.0]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    @property
    def latency(self) -> float:
        """Seconds from a frame's coming to its result, on average over the last ten."""
        recent = [latency for _, latency in list(self._done)[-10:]]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def dropped(self) -> int:
        """Frames that were never worked on, since newer ones had come."""
        return self._reader.dropped

    @property
    def processed(self) -> int:
        """Frames that were worked on."""
        return self._processed

    @property
    def recorded(self) -> Path | None:
        """The film that was finished last."""
        return self._keeper.recorded

    @property
    def background(self) -> str:
        """The type in use, as it was given; of a file, its name."""
        return self._scenes.name

    @property
    def recording(self) -> bool:
        """Whether results are being written to a film."""
        return self._keeper.recording

    @property
    def status(self) -> Status:
        """How it is doing."""
        step = self._worker.step
        return Status(
            fps=self.fps,
            latency=self.latency,
            dropped=self.dropped,
            network=step.base_size,
            scale=step.scale,
            background=self.background,
            recording=self.recording,
            paused=self.paused,
            connected=self._reader.connected,
            message=self._keeper.message,
        )

    def next_background(self, step: int = 1) -> str:
        """Switch to the next background (or by ``step``, also back), around the end; return its name."""
        self._scenes.move(step)
        return self._scenes.name

    def pause(self, paused: bool | None = None) -> None:
        """Stand still, or go on; None: whichever it does not do now."""
        self.paused = not self.paused if paused is None else paused

    def stop(self) -> None:
        """End :meth:`run` and the iteration after the turn they are in. Any thread may call it."""
        self._stop.set()

    def start_recording(self, path: str | Path | None = None) -> None:
        """Write what is shown to a film, from the next result on.

        Parameters
        ----------
        path
            A film that can be written; if there is one already, a number is added. None: a name with the time
            in the current folder, ``.mov`` if it is transparent, else ``.mp4``.

        Raises
        ------
        UsageError
            No film can be written under that name.
        """
        self._keeper.start(path)

    def stop_recording(self) -> Path | None:
        """End the film; return its path, None if there is none.

        Raises
        ------
        OutputError
            It could not be written.
        """
        return self._keeper.stop()

    def still(self, path: str | Path | None = None) -> Path | None:
        """Save the last result as a picture; return its path, None if there is no result yet.

        Parameters
        ----------
        path
            If there is one already, a number is added. None: a PNG with the time in its name.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        return None if self._last is None else self._keeper.still(self._last.result, path)

    def __iter__(self) -> Iterator[LiveFrame]:
        """Give results as they come, until :meth:`stop`.

        Raises
        ------
        UnreadableError
            The camera is gone, and was looked for in vain.
        """
        while not self._stop.is_set():
            started = time.perf_counter()
            frame, waited = self._next()
            if frame is not None:
                self._keeper.record(frame.result, frame.time)
                self._worker.keep_pace(time.perf_counter() - started - waited, frame.alpha.shape)
                yield frame

    def _next(self) -> tuple[LiveFrame | None, float]:
        """Work on the newest frame; None if none comes for a while. Also return the seconds of waiting."""
        last = 0 if self._last is None else self._last.number
        started = time.perf_counter()
        there = self._reader.wait(last, TURN)
        waited = time.perf_counter() - started
        frame = self._reader.latest(last, 0, scale=self._worker.step.scale) if there else None
        if frame is None:
            return None, waited
        self._last = self._worker(frame, mirror=self.mirror)
        self._shown_type = self._scenes.index
        self._processed += 1
        self._done.append((time.monotonic(), self._last.latency))
        return self._last, waited

    def run(self, outputs: Sequence[Output] = (), progress: StatusCallback | None = None) -> None:
        """Show results on outputs until :meth:`stop`, Ctrl-C, or an output's wish to quit.

        While no output is watched and nothing is recorded, nothing goes through the network. A recording is
        ended at the end; outputs are not closed.

        Parameters
        ----------
        outputs
            They may be empty: then results are recorded, or only counted.
        progress
            Called after each turn.

        Raises
        ------
        UnreadableError
            The camera is gone, and was looked for in vain.
        OutputError
            An output or the recording fails.
        """
        try:
            while not self._stop.is_set():
                self._turn(outputs)
                if progress is not None:
                    progress(self.status)
        except KeyboardInterrupt:
            self._stop.set()
        finally:
            self.stop_recording()

    def _turn(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            for action in output.poll():
                self._act(action)
        watched = self.recording or not outputs or any(output.watched for output in outputs)
        if self._stop.is_set():
            return
        if self.paused or not watched:
            self._reader.check()
            self._stop.wait(TURN)
            self._recompose()
            self._show(self._last, outputs)  # the status may have changed, and programs want pictures
            return
        started = time.perf_counter()
        frame, waited = self._next()
        if frame is not None:
            self._keeper.record(frame.result, frame.time)
        self._show(frame or self._last, outputs)
        if frame is not None:
            self._worker.keep_pace(time.perf_counter() - started - waited, frame.alpha.shape)

    def _recompose(self) -> None:
        """Bring the last result to the type in use, which can be switched while nothing is worked on."""
        if self._last is not None and self._shown_type != self._scenes.index:
            self._last = self._worker.again(self._last)
            self._shown_type = self._scenes.index

    def _show(self, frame: LiveFrame | None, outputs: Sequence[Output]) -> None:
        if frame is not None:
            status = self.status
            for output in outputs:
                output.show(frame.result, frame.time, status)

    def _act(self, action: Action) -> None:
        """Do what a person at an output asked for; what fails must not end a call."""
        try:
            if action in ("next", "previous"):
                self.next_background(1 if action == "next" else -1)
            elif action == "mirror":
                self.mirror = not self.mirror
            elif action == "pause":
                self.pause()
            elif action == "record":
                self._keeper.toggle()
            elif action == "still":
                self.still()
            elif action == "quit":
                self.stop()
        except (OutputError, UsageError) as error:
            self._keeper.fail(error)

    def close(self) -> None:
        """End a recording and let go of the camera."""
        self.stop()
        self._reader.close()
        self._scenes.close()
        self.stop_recording()

    def __enter__(self) -> Camera:
        """Return the camera."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _check(size: tuple[int, int] | None, fps: float | None) -> None:
    if size is not None and not all(16 <= side <= 8192 for side in size):
        raise UsageError(f"size {size} is not usable; give (height, width) of 16 to 8192 pixels")
    if fps is not None and not 0 < fps <= 240:
        raise UsageError(f"fps must be above 0 and at most 240, not {fps:g}")
