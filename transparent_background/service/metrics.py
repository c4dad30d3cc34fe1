"""What a service counts, in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

NAMESPACE = "transparent_background"  # of the counters
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Bounds of what the histograms tell apart."""


class Metrics:
    """The counters of one service; nothing is kept outside of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.pictures = self.counter("pictures", "Pictures cut out.", "mode")
        self.stages = self.histogram("stage_seconds", "What a picture took, by stage.", "stage")
        text = "Pictures that shared a pass of the network."
        self.batches = self.histogram("batch_pictures", text, buckets=(1, 2, 4, 8, 16, 32))
        self.passes = self.histogram("pass_seconds", "What a pass of the network took.")

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """Make something that is counted."""
        return Counter(name, text, labels, NAMESPACE, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str, buckets: Sequence[float] = SECONDS) -> Histogram:
        """Make something whose seconds are counted, or what else the bounds are of."""
        return Histogram(name, text, labels, NAMESPACE, buckets=buckets, registry=self.registry)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show what a function says now."""
        Gauge(name, text, namespace=NAMESPACE, registry=self.registry).set_function(value)

    def count_batch(self, pictures: int, seconds: float) -> None:
        """Count a pass of the network."""
        self.batches.observe(pictures)
        self.passes.observe(seconds)

    def count_picture(self, mode: str, seconds: Mapping[str, float]) -> None:
        """Count a picture that is done, and what it took by stage."""
        self.pictures.labels(mode).inc()
        for stage, spent in seconds.items():
            self.stages.labels(stage).observe(spent)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all of it and its media type, in the form that a scraper accepts."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type
