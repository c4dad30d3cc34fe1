"""What several tests share."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

# as the command does for itself: threads that spin while they wait make a busy machine crawl
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    # tests that run side by side share the cores
    share = str(max((os.cpu_count() or 1) // int(workers), 1))
    for library in ("OMP", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", share)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # so a shell starts what it starts in the background, and so would the programs be that tests interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from drawing import draw_object
from PIL import Image
from process_state import Threads, changes, process_state


@pytest.fixture(scope="session", autouse=True)
def private_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep temporary files of other programs, and of tests side by side, out of sight."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, folder)
        yield


@pytest.fixture(scope="module", autouse=True)
def threads_of_a_file() -> Iterator[Threads]:
    """Fail a file that leaves threads running; services that its tests share end with it."""
    threads = Threads()
    yield threads
    left = threads.left()
    assert not left, "\n".join(left)


@pytest.fixture(autouse=True)
def nothing_left_behind(threads_of_a_file: Threads, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which the process is not as it was: those that follow would depend on it."""
    before = process_state()
    yield
    threads_of_a_file.note(request.node.name)
    left = changes(before, process_state())
    assert not left, "this test leaves behind:\n" + "\n".join(left)


@pytest.fixture(autouse=True)
def private_home(
    nothing_left_behind: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Keep the user's own weights and config out of the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_FILE_PATH", str(home))
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_OFFLINE", "1")
    return home / ".transparent-background"


@pytest.fixture
def photo() -> Image.Image:
    """Return a small picture with one object."""
    return Image.fromarray(draw_object())
