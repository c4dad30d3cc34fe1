"""Weights arrive whole or not at all, from whichever source has them."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from weights_server import CONTENT, SHA256, Behaviour, Pauses, serve, zipped

from transparent_background.checkpoints import Checkpoint
from transparent_background.checkpoints.download import download
from transparent_background.checkpoints.reach import are_silent, places_of
from transparent_background.checkpoints.transfer import CHUNK, Patience
from transparent_background.errors import ChecksumError, DownloadError, OfflineError, WeightsError


def checkpoint(*urls: str, **fields: object) -> Checkpoint:
    fields.setdefault("sha256", SHA256)
    return Checkpoint(name="mine", file_name="mine.pth", urls=urls, **fields)


@pytest.fixture
def patience() -> Patience:
    return Patience(connect=5, stall=0.3, attempts=3, pause=1.0, sleep=Pauses())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "mine.pth"


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock")}


def test_a_file_is_fetched_and_progress_told(path, patience) -> None:
    seen: list[tuple[int, int | None]] = []
    with serve(Behaviour(CONTENT)) as url:
        download(checkpoint(url), path, progress=lambda *step: seen.append(step), patience=patience)
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == {"mine.pth", ".verified.json"}
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_cut_line_is_gone_on_with(path, patience) -> None:
    behaviour = Behaviour(CONTENT, cut_after=[300_000, 200_000])
    with serve(behaviour) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT
    kept = 300_000 // CHUNK * CHUNK
    more = kept + 200_000 // CHUNK * CHUNK
    assert behaviour.requests == [None, f"bytes={kept}-", f"bytes={more}-"]
    assert set(behaviour.encodings) == {"identity"}  # ranges count the file's own bytes
    assert patience.sleep == [1.0, 1.0]


def test_a_line_that_is_cut_more_often_than_we_try_in_vain_still_brings_the_file(path, patience) -> None:
    with serve(Behaviour(CONTENT, cut_after=[150_000] * 6)) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_a_redirect_is_followed_with_the_range(path, patience) -> None:
    behaviour = Behaviour(CONTENT, cut_after=[300_000])
    with serve(behaviour) as target, serve(Behaviour(b"", redirect=target)) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT
    assert behaviour.requests == [None, f"bytes={300_000 // CHUNK * CHUNK}-"]


def test_a_server_that_stalls_is_asked_again(path, patience) -> None:
    behaviour = Behaviour(CONTENT, stall_after=[400_000])
    with serve(behaviour) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT
    assert behaviour.requests[1] == f"bytes={400_000 // CHUNK * CHUNK}-"


def test_a_server_without_ranges_starts_anew(path, patience) -> None:
    behaviour = Behaviour(CONTENT, ranges=False, cut_after=[300_000])
    with serve(behaviour) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_a_part_from_an_earlier_run_is_used(path, patience) -> None:
    path.parent.mkdir()
    path.with_name("mine.pth.part").write_bytes(CONTENT[:700_000])
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        download(checkpoint(url), path, patience=patience)
    assert behaviour.requests == ["bytes=700000-"]
    assert path.read_bytes() == CONTENT


def test_a_whole_part_needs_no_more_bytes(path, patience) -> None:
    path.parent.mkdir()
    path.with_name("mine.pth.part").write_bytes(CONTENT)
    with serve(Behaviour(CONTENT)) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("length", [700_000, len(CONTENT), len(CONTENT) + 5])
def test_a_part_of_another_file_is_thrown_away(path, patience, length) -> None:
    path.parent.mkdir()
    path.with_name("mine.pth.part").write_bytes(bytes(length))
    with serve(Behaviour(CONTENT)) as url:
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_a_file_of_another_length_is_not_taken_in(path, patience) -> None:
    seen: list[int] = []
    with serve(Behaviour(CONTENT)) as url, pytest.raises(DownloadError, match="bytes, not 99"):
        mine = checkpoint(url, size=99)
        download(mine, path, progress=lambda done, total: seen.append(done), patience=patience)
    assert seen == [0]  # as it is announced


def test_a_part_is_not_trusted_without_a_checksum(path, patience) -> None:
    path.parent.mkdir()
    path.with_name("mine.pth.part").write_bytes(b"of another file")
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        download(checkpoint(url, sha256=None), path, patience=patience)
    assert behaviour.requests == [None]
    assert path.read_bytes() == CONTENT


def test_a_file_that_changes_between_requests_is_not_mixed(path, patience) -> None:
    changed = zipped(bytes(len(CONTENT)))
    behaviour = Behaviour(CONTENT, cut_after=[300_000])

    def change(seconds: float) -> None:
        behaviour.etag = '"v2"'
        behaviour.content = changed

    waiting = Patience(connect=5, stall=1, attempts=3, sleep=change)
    with serve(behaviour) as url:
        download(checkpoint(url, sha256=None), path, patience=waiting)
    assert path.read_bytes() == changed


@pytest.mark.parametrize(
    "bad",
    [
        Behaviour(CONTENT[:-1] + b"!"),
        Behaviour(CONTENT, status=404),
        Behaviour(b"<html>no</html>", content_type="text/html; charset=utf-8"),
        Behaviour(CONTENT, cut_after=[0, 0, 0]),
        Behaviour(CONTENT, announced=False, cut_after=[300_000]),
        Behaviour(CONTENT, redirect="http://127.0.0.1:9/gone"),
    ],
    ids=["another file", "not found", "web page", "cut each time", "cut unnoticed", "led astray"],
)
def test_the_next_source_is_tried(path, patience, bad) -> None:
    with serve(bad) as wrong, serve(Behaviour(CONTENT)) as right:
        download(checkpoint(wrong, right), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_when_all_fail_each_is_named_with_its_reason(path, patience) -> None:
    with serve(Behaviour(CONTENT, status=404)) as gone, serve(Behaviour(b"PK wrong")) as wrong:
        with pytest.raises(DownloadError) as caught:
            download(checkpoint(gone, wrong), path, patience=patience)
        message = str(caught.value)
        assert f"{gone} (HTTP 404" in message
        assert f"{wrong} (another file" in message
        assert str(path) in message
        assert "\n" not in message
    assert names(path.parent) == set()


def test_only_wrong_files_is_a_checksum_error(path, patience) -> None:
    with serve(Behaviour(b"PK wrong")) as url, pytest.raises(ChecksumError, match="another file"):
        download(checkpoint(url), path, patience=patience)


def test_a_damaged_file_without_a_checksum_is_named_so(path, patience) -> None:
    with serve(Behaviour(CONTENT[:-5000])) as url, pytest.raises(ChecksumError, match="not all of one"):
        download(checkpoint(url, sha256=None), path, patience=patience)
    assert names(path.parent) == set()


def test_no_network_is_one_clear_line(path, patience) -> None:
    with serve(Behaviour(CONTENT)) as url:
        pass  # the server is gone now
    with pytest.raises(DownloadError, match=r"no connection.*Check the connection"):
        download(checkpoint(url), path, patience=patience)
    assert patience.sleep == []  # nobody waits for what is not there


def test_servers_that_say_nothing_are_waited_for_together(path, monkeypatch) -> None:
    """As behind a firewall that drops everything: each address of each server would take its time."""
    deaf = threading.Event()

    class Deaf(socket.socket):
        def connect(self, address) -> None:
            deaf.wait(10)
            raise TimeoutError

    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 443)) for n in range(8)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *place, **words: addresses)
    monkeypatch.setattr(socket, "socket", Deaf)
    monkeypatch.setenv("no_proxy", "*")
    before = time.monotonic()
    with pytest.raises(DownloadError, match=r"no answer from one\.invalid, two\.invalid in 0\.2 s") as error:
        download(
            checkpoint("https://one.invalid/w", "https://two.invalid/w"), path, patience=Patience(connect=0.2)
        )
    assert time.monotonic() - before < 5
    assert str(path) in str(error.value)
    deaf.set()
    for thread in [each for each in threading.enumerate() if each.name == "reach"]:
        thread.join()


@pytest.mark.parametrize("source", ["file:///weights.pth", "http://127.0.0.1:9/w"])
def test_files_and_servers_that_refuse_are_not_waited_for(source) -> None:
    places = places_of([source])
    assert not places or not are_silent(places, 60)


def test_a_server_that_accepts_and_says_nothing_is_asked_once(path, patience) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, serve(Behaviour(CONTENT)) as url:
        dumb = f"http://127.0.0.1:{silent.getsockname()[1]}/weights.pth"
        download(checkpoint(dumb, url), path, patience=patience)
    assert path.read_bytes() == CONTENT
    assert patience.sleep == []


def test_what_is_waited_for_is_said_at_once(path, patience, caplog) -> None:
    seen: list[tuple[int, int | None]] = []
    with serve(Behaviour(CONTENT)) as url:
        record = checkpoint(url, size=len(CONTENT))
        download(record, path, progress=lambda *step: seen.append(step), patience=patience)
    assert "mine: its weights are not there; downloading mine.pth, 1 MB" in caplog.text
    assert seen[0] == (0, len(CONTENT))


def test_a_file_of_the_users_can_be_the_source(path, patience, tmp_path) -> None:
    (tmp_path / "own.pth").write_bytes(CONTENT)
    download(checkpoint((tmp_path / "own.pth").as_uri()), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_an_interrupt_keeps_the_part(path, patience) -> None:
    def interrupt(done: int, total: int | None) -> None:
        if done > 400_000:
            raise KeyboardInterrupt

    with serve(Behaviour(CONTENT)) as url:
        with pytest.raises(KeyboardInterrupt):
            download(checkpoint(url), path, progress=interrupt, patience=patience)
        assert not path.exists()
        assert path.with_name("mine.pth.part").stat().st_size > 400_000
        download(checkpoint(url), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_a_full_disk_is_said(path, patience, monkeypatch) -> None:
    def no_space(*args: object) -> Iterator[bytes]:
        yield b"a block that comes before the last one"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(requests.Response, "iter_content", no_space)
    with serve(Behaviour(CONTENT)) as url, pytest.raises(WeightsError, match="the disk is full"):
        download(checkpoint(url), path, patience=patience)


def test_an_address_that_is_none_is_not_asked_twice(path, patience) -> None:
    with pytest.raises(DownloadError, match="ftp:// are not supported"):
        download(checkpoint("ftp://here/mine.pth", "http://"), path, patience=patience)
    assert patience.sleep == []


def test_the_proxy_of_the_environment_is_used(path, patience, monkeypatch) -> None:
    with serve(Behaviour(CONTENT)) as url:
        monkeypatch.setenv("http_proxy", url.rsplit("/", 1)[0])
        download(checkpoint("http://weights.invalid/mine.pth"), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_the_proxy_of_the_config_comes_before_the_environments(path, patience, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    proxy = Behaviour(CONTENT)  # a proxy gets the whole address, and this one answers it itself
    with serve(proxy) as url:
        address = url.rsplit("/", 1)[0]
        mine = checkpoint("http://weights.invalid/mine.pth", http_proxy=address)
        download(mine, path, patience=patience)
    assert path.read_bytes() == CONTENT
    assert len(proxy.requests) == 1


def test_offline_asks_nobody(path) -> None:
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url, pytest.raises(OfflineError, match="switched off"):
        download(checkpoint(url), path, offline=True)
    assert behaviour.requests == []
    assert not path.parent.exists()


CHILD = """
import sys
import threading
from pathlib import Path
from transparent_background.checkpoints import Checkpoint
from transparent_background.checkpoints.download import download
from transparent_background.checkpoints.transfer import Patience
mine = Checkpoint(name="mine", file_name="mine.pth", urls=(sys.argv[1],), sha256=sys.argv[2])
print(download(mine, Path(sys.argv[3]), patience=Patience(connect=5)))
"""


def test_two_processes_download_once(path) -> None:
    behaviour = Behaviour(CONTENT, hold=threading.Event())

    def start(url: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CHILD, url, SHA256, str(path)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ)

    with serve(behaviour) as url:
        first = start(url)
        assert behaviour.asked.wait(20)
        second = start(url)
        said = second.stderr.readline()  # it says so before it waits
        behaviour.hold.set()
        outputs = [child.communicate(timeout=20) for child in (first, second)]
    assert "another process is downloading mine.pth; waiting for it" in said
    assert [child.returncode for child in (first, second)] == [0, 0], outputs
    assert [out.strip() for out, _ in outputs] == [str(path)] * 2
    assert path.read_bytes() == CONTENT
    assert len(behaviour.requests) == 1


def test_a_killed_process_leaves_a_part_and_no_lock(path, patience) -> None:
    behaviour = Behaviour(CONTENT, hold=threading.Event())
    part = path.with_name("mine.pth.part")
    with serve(behaviour) as url:
        command = [sys.executable, "-c", CHILD, url, SHA256]
        child = subprocess.Popen([*command, str(path)], stderr=subprocess.DEVNULL)
        assert behaviour.asked.wait(20)
        while not part.exists() or part.stat().st_size < CHUNK:
            assert child.poll() is None
        child.kill()
        child.wait()
        behaviour.hold.set()
        assert not path.exists()
        download(checkpoint(url), path, patience=patience)
    assert behaviour.requests[1] is not None
    assert path.read_bytes() == CONTENT
