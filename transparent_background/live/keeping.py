"""A camera's recording and stills, and what there is to say of them."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TransparentBackgroundError
from ..media.writing import write
from .recorder import Recorder, free_path, stamped_path

if TYPE_CHECKING:
    from ..images.result import Result

logger = logging.getLogger(__name__)

MESSAGE = 3.0  # seconds that a message is shown


class Keeper:
    """Records results and saves stills. A recording that fails is given up with a message; the call goes on.

    Parameters
    ----------
    rate
        Frames a second, about.
    """

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

    def toggle(self) -> None:
        """Begin a film, or end it."""
        if self.recording:
            self.stop()
        else:
            self.start(None)

    def record(self, result: Result, moment: float) -> None:
        """Add a result to the film, if there is one."""
        if self._recorder is None:
            return
        try:
            self._recorder.add(result, moment)
        except TransparentBackgroundError as error:
            self.fail(error)

    def fail(self, error: TransparentBackgroundError) -> None:
        """Say what went wrong, and give up the film."""
        logger.error("%s", error)
        self.say(str(error))
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.finish()
            except TransparentBackgroundError:
                logger.debug("nothing is left of the recording", exc_info=True)

    def still(self, result: Result, path: str | Path | None) -> Path:
        """Save a result as a picture; return its path."""
        target = stamped_path(".png") if path is None else free_path(Path(path).expanduser())
        write(target, result)
        self.say(f"saved {target.name}")
        return target
