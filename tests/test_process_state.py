"""The checks of every test see what a test leaves behind."""

from __future__ import annotations

import logging
import signal
import threading

import process_state as checks
import pytest


def left(spoil) -> str:
    before = checks.process_state()
    spoil()
    return "\n".join(checks.changes(before, checks.process_state()))


def test_nothing_is_said_of_a_process_that_is_as_it_was() -> None:
    assert left(lambda: logging.getLogger("transparent_background.a_new_module")) == ""


def test_each_kind_of_leftover_is_named(monkeypatch, tmp_path) -> None:
    assert "the current folder" in left(lambda: monkeypatch.chdir(tmp_path))
    assert left(lambda: monkeypatch.setenv("LEFT", "1")) == "the variable LEFT: None is now '1'"
    assert "sys.path" in left(lambda: monkeypatch.syspath_prepend(tmp_path))


def test_loggers_of_the_package_and_the_root_are_looked_at(monkeypatch) -> None:
    ours, root = logging.getLogger("transparent_background.media"), logging.getLogger()
    spoil = lambda: monkeypatch.setattr(ours, "handlers", [logging.NullHandler()])  # noqa: E731
    assert left(spoil).startswith("handlers of the logger transparent_background.media")
    assert "level of the logger root" in left(lambda: monkeypatch.setattr(root, "level", 10))
    assert "propagate" in left(lambda: monkeypatch.setattr(ours, "propagate", False))


def test_signal_handlers_are_looked_at() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert "SIGTERM" in left(lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_threads_of_libraries_are_looked_at() -> None:
    torch, cv2 = pytest.importorskip("torch"), pytest.importorskip("cv2")
    before = torch.get_num_threads(), cv2.getNumThreads()
    try:
        assert "PyTorch's threads" in left(lambda: torch.set_num_threads(before[0] + 1))
        assert "OpenCV's threads" in left(lambda: cv2.setNumThreads(before[1] + 1))
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def test_a_thread_that_goes_on_is_named_with_the_test_that_began_it(monkeypatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 0.01)
    threads, end = checks.Threads(), threading.Event()
    thread = threading.Thread(target=end.wait, name="left over")
    thread.start()
    try:
        threads.note("the first")
        threads.note("the second")
        assert threads.left() == ["the first leaves the thread 'left over' running"]
    finally:
        end.set()
        thread.join()
    assert threads.left() == []
