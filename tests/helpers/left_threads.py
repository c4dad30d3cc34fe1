"""Whether what is done leaves threads behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_thread_is_left() -> Iterator[None]:
    """Fail if the block has started a thread that still runs when it ends; others' threads do not count."""
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert left == []
