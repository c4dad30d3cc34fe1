"""The networks' threads: requests that wait at the same time share a pass."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from ..engine.threads import passes_side_by_side
from ..types import Size

if TYPE_CHECKING:
    from ..images.picture import Picture
    from ..remover import Remover
    from ..types import ResizeMethod

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Passed:
    """What came of a request's pictures."""

    predictions: list[torch.Tensor]
    """float32 (1, 1, h, w) in [0, 1] each, at the size that the network worked at."""
    waited: float
    """Seconds until the pass began."""
    seconds: float
    """Of the pass, which others may have shared."""


@dataclass(eq=False, slots=True)
class _Request:
    mode: str
    pictures: Sequence[Picture]
    resize: ResizeMethod | None
    base_size: Size | None
    key: object
    """Requests that share it can share a pass."""
    future: Future[Passed] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class ModelWorkers:
    """Threads that run networks, one set of networks a device.

    On a GPU, and with large networks, a device has one thread, which takes what waits for the same network at
    the same size into one pass of up to ``batch_size`` pictures. It never waits for a batch to fill. Small
    networks on a CPU run side by side instead, which does more than batches (see
    :func:`engine.threads.passes_side_by_side`), each with its share of the processor threads: a picture that
    is alone has them all.

    Parameters
    ----------
    devices
        For every device its removers by mode; all devices have the same modes.
    batch_size
        Pictures that share a pass at most.
    on_batch
        Called in a worker's thread with the number of pictures of every pass, and its seconds.
    """

    def __init__(
        self,
        devices: Sequence[Mapping[str, Remover]],
        *,
        batch_size: int = 4,
        on_batch: Callable[[int, float], None] | None = None,
    ) -> None:
        self.devices = [dict(removers) for removers in devices]
        self.batch_size, self.on_batch = batch_size, on_batch
        self.lanes = 0
        """Passes at once; 0 before :meth:`start`."""
        self.demand: Callable[[], int] = lambda: 0
        """Says how many pictures are on their way, those that are read and written included: they need
        processor threads as well."""
        self._waiting: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._threads: list[threading.Thread] = []
        self._settings = ExitStack()
        self._cores = 1  # processor threads that side by side passes share
        self._busy = 0  # passes that are being made

    @property
    def modes(self) -> list[str]:
        """What can be asked for, the default first."""
        return list(self.devices[0])

    @property
    def waiting(self) -> int:
        """Pictures in the queue."""
        with self._changed:
            return sum(len(request.pictures) for request in self._waiting)

    @property
    def side_by_side(self) -> bool:
        """Whether a device makes several passes at once, and no batches."""
        return self.lanes > len(self.devices)

    @property
    def at_once(self) -> int:
        """Pictures that passes are made of at once, at most."""
        return self.lanes * (1 if self.side_by_side else self.batch_size)

    def remover(self, mode: str) -> Remover:
        """Return the remover of a mode, of the first device."""
        return self.devices[0][mode]

    def start(self) -> None:
        """Start the threads."""
        self._cores = torch.get_num_threads()
        for number, removers in enumerate(self.devices):
            lanes = self._lanes(list(removers.values()))
            for lane in range(lanes):
                name = f"network-{number}-{lane}"
                thread = threading.Thread(target=self._work, args=(removers,), name=name, daemon=True)
                self._threads.append(thread)
            self.lanes += lanes
        for thread in self._threads:
            thread.start()

    def _lanes(self, removers: list[Remover]) -> int:
        """Say how many passes a device makes at once; one, unless all its networks are small."""
        if any(r.checkpoint.head != "light" or r.device.type != "cpu" for r in removers):
            return 1
        return self._settings.enter_context(passes_side_by_side(removers[0]))

    def stop(self) -> None:
        """End the threads after what waits is done."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._settings.close()

    def submit(
        self,
        mode: str,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> Future[Passed]:
        """Queue pictures for a network.

        A future that is cancelled before its pass begins leaves the queue.

        Parameters
        ----------
        mode
            One of :attr:`modes`.
        pictures
            Decoded pictures, which are kept together.
        resize, base_size
            As for :meth:`Remover.predictions`.

        Raises
        ------
        KeyError
            There is no such mode.
        """
        remover = self.remover(mode)
        sizes = tuple(remover.sizes_of_passes(p, resize=resize, base_size=base_size) for p in pictures[:1])
        request = _Request(mode, pictures, resize, base_size, (mode, resize, base_size, sizes))
        request.future.add_done_callback(lambda future: self._forget(request) if future.cancelled() else None)
        with self._changed:
            if self._stopped:
                raise RuntimeError("the workers were stopped")
            self._waiting.append(request)
            self._changed.notify()
        return request.future

    def _forget(self, request: _Request) -> None:
        with self._changed:
            if request in self._waiting:
                self._waiting.remove(request)

    def _work(self, removers: Mapping[str, Remover]) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopped:
                    self._changed.wait()
                if not self._waiting:
                    return
                batch = self._take()
                self._busy += 1
                share = self._cores // max(self._busy + len(self._waiting), self.demand())
            if self.side_by_side:
                torch.set_num_threads(max(share, 1))  # of the passes that this thread makes
            batch = [request for request in batch if request.future.set_running_or_notify_cancel()]
            if batch:
                self._pass(removers[batch[0].mode], batch)
            with self._changed:
                self._busy -= 1

    def _take(self) -> list[_Request]:
        """Take the oldest request and those that can share its pass, in their order."""
        first = self._waiting.popleft()
        batch, room = [first], self.batch_size - len(first.pictures)
        if self.side_by_side:
            return batch
        for request in list(self._waiting):
            if request.key == first.key and len(request.pictures) <= room:
                self._waiting.remove(request)
                batch.append(request)
                room -= len(request.pictures)
        return batch

    def _pass(self, remover: Remover, batch: list[_Request]) -> None:
        started = time.monotonic()
        first = batch[0]
        pictures = [picture for request in batch for picture in request.pictures]
        try:
            found = remover.predictions(pictures, resize=first.resize, base_size=first.base_size)
        except Exception as error:
            if len(batch) == 1:
                first.future.set_exception(error)
                return
            logger.debug("a pass of %d failed, each is tried alone", len(pictures), exc_info=error)
            for request in batch:
                self._pass(remover, [request])
            return
        seconds = time.monotonic() - started
        if self.on_batch is not None:
            self.on_batch(len(pictures), seconds)
        results = iter(found)
        for request in batch:
            own = [next(results) for _ in request.pictures]
            request.future.set_result(Passed(own, started - request.since, seconds))


class SharedRemover:
    """A remover whose passes go through the workers' queue, for films: photos come in between.

    Everything but the passes is the remover's own.
    """

    def __init__(self, workers: ModelWorkers, mode: str) -> None:
        self._workers, self._mode = workers, mode
        self._remover = workers.remover(mode)

    def __getattr__(self, name: str) -> Any:
        """Return what the remover has of that name."""
        return getattr(self._remover, name)

    def __repr__(self) -> str:
        return repr(self._remover)

    def predictions(
        self,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> list[torch.Tensor]:
        """Predict mattes as :meth:`Remover.predictions` does, when it is their turn."""
        if not pictures:
            return []
        future = self._workers.submit(self._mode, pictures, resize=resize, base_size=base_size)
        return future.result().predictions
