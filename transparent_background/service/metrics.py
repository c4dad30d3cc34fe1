"""What a service counts, in Prometheus' format."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .films import FilmService
    from .pictures import CutOut, PictureService

logger = logging.getLogger(__name__)

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
PREFIX = "transparent_background"


class Metrics:
    """The counters of one service; nothing is kept outside of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = self._counter("requests", "Requests answered.", "method", "path", "status")
        self.seconds = self._histogram("request_seconds", "Until the answer was sent.", "path")
        self.pictures = self._counter("pictures", "Pictures cut out.", "mode")
        self.stages = self._histogram("stage_seconds", "What a picture took, by stage.", "stage")
        self.batches = Histogram(
            f"{PREFIX}_batch_pictures",
            "Pictures that shared a pass of the network.",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )
        self.passes = self._histogram("pass_seconds", "Of the network.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=SECONDS, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, registry=self.registry)

    def watch(self, pictures: PictureService, films: FilmService) -> None:
        """Show how much waits."""
        self._gauge("pictures_taken", "Pictures that are worked on or wait.").set_function(
            lambda: pictures.admission.count
        )
        self._gauge("pictures_waiting", "Pictures that nothing has been done for yet.").set_function(
            lambda: pictures.waiting
        )
        self._gauge("network_waiting", "Pictures that wait for the network.").set_function(
            lambda: pictures.workers.waiting
        )
        self._gauge("films_unfinished", "Films that are worked on or wait.").set_function(
            lambda: films.unfinished
        )

    def count_batch(self, pictures: int, seconds: float) -> None:
        """Count a pass of the network."""
        self.batches.observe(pictures)
        self.passes.observe(seconds)

    def count_picture(self, mode: str, done: CutOut) -> None:
        """Count a picture that is done."""
        self.pictures.labels(mode).inc()
        for stage, seconds in done.seconds.items():
            self.stages.labels(stage).observe(seconds)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all of it and its media type, in the form that a scraper accepts."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type


class CountRequests:
    """Counts requests and their time by route, so that ids in paths make no new series."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.monotonic(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            path = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if scope["method"] in METHODS else "other"
            seconds = time.monotonic() - started
            self.metrics.requests.labels(method, path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(seconds)
            logger.info("%s %s: %d, %.0f ms", method, path, status, 1000 * seconds)


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
