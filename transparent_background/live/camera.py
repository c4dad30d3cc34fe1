"""A camera whose frames lose their background as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import TypeAlias

from ..engine.predictor import Predictor
from ..errors import OutputError, UsageError
from ..media.camera import GIVE_UP, CameraReader
from ..options.result import ResultOptions, check_threshold
from ..types import BackgroundFit, Size
from .frame import LiveFrame, Worker
from .outputs import Action, Output, Status
from .rate import Meter
from .recorder import Keeper
from .scenes import Scenes, SceneType

StatusCallback: TypeAlias = Callable[[Status], None]

WANTED_RATE = 20.0  # frames a second to hold if nothing is said: smooth in a call, and mattes stay good
TURN = 0.1  # seconds that a turn waits for a frame, and that keys may wait for a turn
FIRST_FRAME = 15.0  # seconds that a camera may take to begin


class Camera(AbstractContextManager["Camera"]):
    """Removes the background of a camera's frames as they come.

    Every turn takes the newest frame, so that results are never older than the time one takes, however slow
    the machine; frames that came meanwhile are left out.

    Parameters
    ----------
    source
        A camera's number (``0``), a device (``/dev/video0``), an address (``rtsp://``, MJPEG over ``http://``),
        or a film, which is played as if it were a camera.
    remover
        A :class:`Remover`, or what else predicts mattes; it may be shared.
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
        remover: Predictor,
        *,
        type: SceneType = "blur",
        backgrounds: Sequence[SceneType] = (),
        mirror: bool = False,
        size: Size | None = None,
        fps: float | None = None,
        realtime: bool = True,
        temporal: bool = True,
        threshold: float | str | None = None,
        reverse: bool = False,
        fit: BackgroundFit = "cover",
        give_up: float | None = GIVE_UP,
    ) -> None:
        settings = ResultOptions(threshold=check_threshold(threshold), reverse=reverse, fit=fit)
        self.mirror, self.paused = mirror, False
        self._scenes = Scenes([type, *backgrounds], settings)
        self._reader = CameraReader(source, size, fps, give_up=give_up)
        rate = self._reader.fps or min(self._reader.rate or WANTED_RATE, WANTED_RATE)
        held = rate if realtime else None
        self._worker = Worker(remover, self._scenes, fps=held, temporal=temporal)
        self._keeper, self._meter = Keeper(rate), Meter()
        self._stop = Event()
        self._last: LiveFrame | None = None

    @property
    def name(self) -> str:
        """What the source is called."""
        return self._reader.name

    @property
    def rate(self) -> float:
        """Frames a second that the camera gives; 30 if it does not say."""
        return self._reader.rate or 30.0

    @property
    def size(self) -> Size:
        """(height, width) of the frames; waits for the first one.

        Raises
        ------
        UnreadableError
            None has come.
        """
        return self._reader.first(FIRST_FRAME).picture.size

    @property
    def fps(self) -> float:
        """Results a second, over the last two seconds."""
        return self._meter.rate

    @property
    def latency(self) -> float:
        """Seconds from a frame's coming to its result, on average over the last ten."""
        return self._meter.latency

    @property
    def dropped(self) -> int:
        """Frames that were never worked on, since newer ones had come."""
        return self._reader.dropped

    @property
    def processed(self) -> int:
        """Frames that were worked on."""
        return self._meter.count

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
            frame = self._work()
            if frame is not None:
                yield frame

    def _work(self, outputs: Sequence[Output] = ()) -> LiveFrame | None:
        """Work on the newest frame, record and show its result; None if no frame comes for a while."""
        last = 0 if self._last is None else self._last.number
        there = self._reader.wait(last, TURN)
        started = time.perf_counter()
        newest = self._reader.latest(last, 0, scale=self._worker.step.scale) if there else None
        if newest is None:
            self._show(self._last, outputs)
            return None
        self._last = frame = self._worker(newest, mirror=self.mirror)
        self._meter.add(frame.latency)
        self._keeper.record(frame.result, frame.time)
        self._show(frame, outputs)
        self._worker.keep_pace(time.perf_counter() - started, frame.alpha.shape)
        return frame

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
        if watched and not self.paused:
            self._work(outputs)
            return
        self._reader.check()
        self._stop.wait(TURN)
        if self._last is not None:  # its type can be switched while nothing is worked on
            self._last = self._worker.again(self._last)
        self._show(self._last, outputs)  # the status may have changed, and programs want pictures

    def _show(self, frame: LiveFrame | None, outputs: Sequence[Output]) -> None:
        if frame is not None and outputs:
            status = self.status
            for output in outputs:
                output.show(frame.result, frame.time, status)

    def _act(self, action: Action) -> None:
        """Do what a person at an output asked for; what fails must not end a call."""
        deeds: dict[Action, Callable[[], object]] = {
            "mirror": lambda: setattr(self, "mirror", not self.mirror),
            "next": self.next_background,
            "previous": lambda: self.next_background(-1),
            "pause": self.pause,
            "record": self.stop_recording if self.recording else self.start_recording,
            "still": self.still,
            "quit": self.stop,
        }
        try:
            deeds[action]()
        except (OutputError, UsageError) as error:
            self._keeper.fail(error)

    def close(self) -> None:
        """End a recording and let go of the camera."""
        self.stop()
        self._reader.close()
        self._scenes.close()
        self.stop_recording()

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
