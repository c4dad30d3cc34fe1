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
from typing import Protocol

import torch

from ..engine.predictor import Predictor
from ..engine.threads import passes_side_by_side
from ..images.picture import Picture
from ..types import ResizeMethod, Size

logger = logging.getLogger(__name__)


class Network(Predictor, Protocol):
    """A predictor that knows which pictures can share a pass, and what one takes."""

    def sizes_of_passes(
        self, size: Size, *, resize: ResizeMethod | None = None, base_size: Size | None = None
    ) -> tuple[Size, Size | None]:
        """Say at which sizes the network sees a picture of a size; those that share them can share a pass."""

    def memory_of_passes(self, size: Size, *, resize: ResizeMethod | None = None) -> int:
        """Estimate the bytes of this machine's memory that the passes of a picture of a size take."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What came of a request's pictures."""

    predictions: list[torch.Tensor]
    """float32 (1, 1, h, w) in [0, 1] each, at the size that the network worked at."""
    waited: float
    """Seconds until the pass began."""
    seconds: float
    """How long the pass took, which others may have shared."""


@dataclass(eq=False, slots=True)
class _Request:
    network: SharedNetwork
    pictures: Sequence[Picture]
    resize: ResizeMethod | None
    base_size: Size | None
    key: object
    """Requests that have the same can share a pass."""
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
        The networks of every device by mode; all have the same modes, the default first.
    batch_size
        Pictures that share a pass at most.
    demand
        Says how many pictures are on their way, those that are read and written included: they need processor
        threads as well.
    on_batch
        Called in a worker's thread with the number of pictures of every pass, and its seconds.
    """

    def __init__(
        self,
        devices: Sequence[Mapping[str, Network]],
        *,
        batch_size: int = 4,
        demand: Callable[[], int] = lambda: 0,
        on_batch: Callable[[int, float], None] = lambda pictures, seconds: None,
    ) -> None:
        self.networks = {
            name: SharedNetwork(self, name, [networks[name] for networks in devices]) for name in devices[0]
        }
        """What can be asked for, the default first."""
        self.batch_size = batch_size
        self.lanes = 0
        """Passes at once; 0 before :meth:`start`."""
        self._devices, self._demand, self._on_batch = devices, demand, on_batch
        self._waiting: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._threads: list[threading.Thread] = []
        self._settings = ExitStack()
        self._cores = 1  # processor threads that side by side passes share
        self._busy = 0  # passes that are being made

    @property
    def waiting(self) -> int:
        """Pictures in the queue."""
        with self._changed:
            return sum(len(request.pictures) for request in self._waiting)

    @property
    def side_by_side(self) -> bool:
        """Whether a device makes several passes at once, and no batches."""
        return self.lanes > len(self._devices)

    @property
    def at_once(self) -> int:
        """Pictures that passes are made of at once, at most."""
        return self.lanes * (1 if self.side_by_side else self.batch_size)

    def start(self) -> None:
        """Start the threads."""
        self._cores = torch.get_num_threads()
        for device, networks in enumerate(self._devices):
            first, lanes = next(iter(networks.values())), 1
            if all(network.plan.side_by_side for network in networks.values()):  # they are small
                lanes = self._settings.enter_context(passes_side_by_side(first))
            for lane in range(lanes):
                name = f"network-{device}-{lane}"
                thread = threading.Thread(target=self._work, args=(device,), name=name, daemon=True)
                self._threads.append(thread)
            self.lanes += lanes
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads after what waits is done."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def restore_threads(self) -> None:
        """Give the libraries their threads back, where :meth:`start` was called: each thread has its own."""
        self._settings.close()

    def submit(self, request: _Request) -> Future[Passed]:
        """Queue a request, as :meth:`SharedNetwork.submit` makes it."""
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

    def _work(self, device: int) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopped:
                    self._changed.wait()
                if not self._waiting:
                    return
                batch = self._take()
                self._busy += 1
                share = self._cores // max(self._busy + len(self._waiting), self._demand())
            if self.side_by_side:
                torch.set_num_threads(max(share, 1))  # of the passes that this thread makes
            batch = [request for request in batch if request.future.set_running_or_notify_cancel()]
            if batch:
                self._pass(device, batch)
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

    def _pass(self, device: int, batch: list[_Request]) -> None:
        started = time.monotonic()
        first = batch[0]
        pictures = [picture for request in batch for picture in request.pictures]
        try:
            network = first.network.on_devices[device]
            found = iter(network.predictions(pictures, resize=first.resize, base_size=first.base_size))
        except Exception as error:
            if len(batch) == 1:
                first.future.set_exception(error)
                return
            logger.debug("a pass of %d failed, each is tried alone", len(pictures), exc_info=error)
            for request in batch:
                self._pass(device, [request])
            return
        seconds = time.monotonic() - started
        self._on_batch(len(pictures), seconds)
        for request in batch:
            own = [next(found) for _ in request.pictures]
            request.future.set_result(Passed(own, started - request.since, seconds))


class SharedNetwork:
    """A network that is served: a :class:`Predictor` whose passes wait in the workers' queue.

    So photos come in between the frames of a film. Its name is the mode by which it is asked for.
    """

    def __init__(self, workers: ModelWorkers, name: str, on_devices: Sequence[Network]) -> None:
        self.name, self.on_devices, self._workers = name, on_devices, workers
        first = on_devices[0]
        self.checkpoint, self.device, self.plan = first.checkpoint, first.device, first.plan
        self.asked_resize, self.fingerprint = first.asked_resize, first.fingerprint

    def memory_of_passes(self, size: Size, *, resize: ResizeMethod | None = None) -> int:
        """Estimate the bytes of this machine's memory that the passes of a picture of a size take."""
        return self.on_devices[0].memory_of_passes(size, resize=resize)

    def submit(
        self,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> Future[Passed]:
        """Queue pictures, which are kept together.

        A future that is cancelled before its pass begins leaves the queue. For the parameters see
        :meth:`Predictor.predictions`.
        """
        sizes = self.on_devices[0].sizes_of_passes(pictures[0].size, resize=resize, base_size=base_size)
        key = self.name, resize, base_size, sizes
        return self._workers.submit(_Request(self, pictures, resize, base_size, key))

    def predictions(
        self,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> list[torch.Tensor]:
        """Predict mattes when it is their turn; see :meth:`Predictor.predictions`."""
        if not pictures:
            return []
        return self.submit(pictures, resize=resize, base_size=base_size).result().predictions
