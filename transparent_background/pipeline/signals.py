"""The signals that ask a process to end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def on_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Call a handler at Ctrl-C, at SIGTERM, and when the terminal is closed; only in the main thread.

    What a caller such as ``nohup`` lets be ignored stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


class EndedBySignal(KeyboardInterrupt):
    """The process was asked to end, by Ctrl-C or by another program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = exit_code(number)
        """What the process ends with."""


@contextmanager
def ended_by_signals(say: Callable[[str], None]) -> Iterator[None]:
    """Raise :class:`EndedBySignal` at the first signal only, so that whatever ends then ends undisturbed.

    The second is answered with a line; a third ends the process at once. An error that follows the first is
    taken for what a library has made of it.
    """
    came: list[int] = []

    def handle(number: int, frame: object) -> None:
        came.append(number)
        if len(came) == 1:
            raise EndedBySignal(number)
        if len(came) == 2:
            say("ending; what is done is being saved. Once more ends at once, and loses it")
        else:
            os._exit(exit_code(number))

    with on_signals(handle):
        try:
            yield
        except Exception as error:
            if came:
                raise EndedBySignal(came[0]) from error
            raise


def exit_code(number: int) -> int:
    """Return what a process that a signal has ended exits with, as shells count: 130 after Ctrl-C."""
    return 128 + number
