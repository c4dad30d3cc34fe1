"""What happens when a process is asked to end: once, again, and by whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from transparent_background.pipeline.signals import ENDING, EndedBySignal, ended_by_signals, on_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals to itself")


@pytest.mark.parametrize("number", ENDING)
def test_the_first_signal_interrupts_and_says_what_to_exit_with(number) -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt) as caught, ended_by_signals(said.append):
        os.kill(os.getpid(), number)
    assert isinstance(caught.value, EndedBySignal)
    assert caught.value.code == 128 + number
    assert said == []


def test_the_second_disturbs_nothing() -> None:
    said: list[str] = []
    saved = []
    with pytest.raises(EndedBySignal), ended_by_signals(said.append):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            saved.append("all of it")
    assert saved == ["all of it"]
    (line,) = said
    assert "being saved" in line


def test_what_a_library_makes_of_a_signal_is_still_one() -> None:
    with pytest.raises(EndedBySignal) as caught, ended_by_signals(print):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except BaseException as error:
            raise RuntimeError("weights cannot be read") from error
    assert caught.value.code == 128 + signal.SIGTERM
    with pytest.raises(RuntimeError), ended_by_signals(print):
        raise RuntimeError("of another cause")


def test_the_third_ends_the_process_at_once() -> None:
    code = """
import os, signal
from transparent_background.pipeline.signals import ended_by_signals
with ended_by_signals(print):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        while True:
            os.kill(os.getpid(), signal.SIGTERM)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 128 + signal.SIGTERM


def test_what_is_ignored_stays_ignored_and_handlers_come_back() -> None:
    """As ``nohup`` has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        came: list[int] = []
        with on_signals(lambda number, frame: came.append(number)):
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
        assert came == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
