"""Weights arrive whole or not at all, from whichever source has them."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from weights_server import Behaviour, serve

from transparent_background.checkpoints import Checkpoint, fetch, home, local_path, verify
from transparent_background.checkpoints.download import CHUNK, Patience, download
from transparent_background.errors import ChecksumError, DownloadError, OfflineError, WeightsError

CONTENT = b"PK" + bytes(range(256)) * 4000  # a megabyte that looks like a zip
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def checkpoint(*urls: str, **fields: object) -> Checkpoint:
    fields.setdefault("sha256", SHA256)
    return Checkpoint(name="mine", file_name="mine.pth", urls=urls, **fields)


class Pauses(list):
    """Stands in for sleep."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


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
    assert patience.sleep == [1.0, 2.0]


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


def test_a_part_is_not_trusted_without_a_checksum(path, patience) -> None:
    path.parent.mkdir()
    path.with_name("mine.pth.part").write_bytes(b"of another file")
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        download(checkpoint(url, sha256=None), path, patience=patience)
    assert behaviour.requests == [None]
    assert path.read_bytes() == CONTENT


def test_a_file_that_changes_between_requests_is_not_mixed(path, patience) -> None:
    behaviour = Behaviour(CONTENT, cut_after=[300_000])

    def change(seconds: float) -> None:
        behaviour.etag = '"v2"'

    waiting = Patience(connect=5, stall=1, attempts=3, sleep=change)
    with serve(behaviour) as url:
        download(checkpoint(url, sha256=None), path, patience=waiting)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "bad",
    [
        Behaviour(CONTENT[:-1] + b"!"),
        Behaviour(CONTENT, status=404),
        Behaviour(b"<html>no</html>", content_type="text/html; charset=utf-8"),
        Behaviour(CONTENT, cut_after=[0, 0, 0]),
    ],
    ids=["another file", "not found", "web page", "cut each time"],
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


def test_no_network_is_one_clear_line(path, patience) -> None:
    with serve(Behaviour(CONTENT)) as url:
        pass  # the server is gone now
    with pytest.raises(DownloadError, match=r"no connection.*Check the connection"):
        download(checkpoint(url), path, patience=patience)


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
    def no_space(*args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("transparent_background.checkpoints.download._receive", no_space)
    with serve(Behaviour(CONTENT)) as url, pytest.raises(WeightsError, match="the disk is full"):
        download(checkpoint(url), path, patience=patience)


def test_the_proxy_of_the_config_is_used(path, patience) -> None:
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


def test_fetch_uses_what_is_there_and_hashes_it_once(private_home, monkeypatch) -> None:
    private_home.mkdir()
    (private_home / "mine.pth").write_bytes(CONTENT)
    mine = checkpoint("http://127.0.0.1:9/none")
    assert home() == private_home
    assert fetch(mine) == private_home / "mine.pth"
    monkeypatch.setattr("hashlib.new", None)  # a second hash would fail
    assert fetch(mine) == private_home / "mine.pth"


def test_a_file_with_another_checksum_is_replaced_when_the_new_one_is_whole(
    private_home, monkeypatch
) -> None:
    monkeypatch.delenv("TRANSPARENT_BACKGROUND_OFFLINE")
    private_home.mkdir()
    (private_home / "mine.pth").write_bytes(b"PK old")
    mine = checkpoint("http://127.0.0.1:9/none")
    with pytest.raises(WeightsError):
        fetch(mine, offline=True)
    assert (private_home / "mine.pth").read_bytes() == b"PK old"
    with serve(Behaviour(CONTENT)) as url:
        assert fetch(checkpoint(url)).read_bytes() == CONTENT


def test_verify_reads_the_file(private_home) -> None:
    mine = checkpoint()
    with pytest.raises(WeightsError, match="models download mine"):
        verify(mine)
    private_home.mkdir()
    (private_home / "mine.pth").write_bytes(CONTENT)
    assert verify(mine) == "ok"
    assert verify(checkpoint(sha256=None)) == "unchecked"
    (private_home / "mine.pth").write_bytes(CONTENT + b"!")
    with pytest.raises(ChecksumError, match=f"expected {SHA256}"):
        verify(mine)
    assert local_path(mine) == private_home / "mine.pth"


CHILD = """
import sys
from pathlib import Path
from transparent_background.checkpoints import Checkpoint
from transparent_background.checkpoints.download import Patience, download
mine = Checkpoint(name="mine", file_name="mine.pth", urls=(sys.argv[1],), sha256=sys.argv[2])
print(download(mine, Path(sys.argv[3]), patience=Patience(connect=5, stall=5)))
"""


def test_two_processes_download_once(path) -> None:
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        command = [sys.executable, "-c", CHILD, url, SHA256, str(path)]
        children = [
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
            )
            for _ in range(2)
        ]
        outputs = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [0, 0], outputs
    assert [out.strip() for out, _ in outputs] == [str(path)] * 2
    assert path.read_bytes() == CONTENT
    assert len(behaviour.requests) == 1


def test_google_drive_goes_through_gdown(path, patience, monkeypatch) -> None:
    import gdown

    asked: dict[str, object] = {}

    def fake(url: str, output: str, **options: object) -> str:
        asked.update(options, url=url)
        Path(output).write_bytes(CONTENT)
        return output

    monkeypatch.setattr(gdown, "download", fake)
    download(checkpoint(drive_id="abc123", http_proxy="http://proxy:1"), path, patience=patience)
    assert path.read_bytes() == CONTENT
    assert asked["url"] == "https://drive.google.com/uc?id=abc123"
    assert asked["proxy"] == "http://proxy:1"


def test_gdowns_options_are_real() -> None:
    import inspect

    import gdown

    parameters = inspect.signature(gdown.download).parameters
    assert {"url", "output", "quiet", "proxy", "use_cookies", "progress", "timeout", "retries"} <= set(
        parameters
    )


def test_google_drives_refusal_is_told(path, patience, monkeypatch) -> None:
    import gdown
    from gdown.exceptions import FileURLRetrievalError

    def refuse(**options: object) -> None:
        raise FileURLRetrievalError("Too many users have viewed this file")

    monkeypatch.setattr(gdown, "download", refuse)
    with pytest.raises(DownloadError, match="Too many users"):
        download(checkpoint(drive_id="abc123"), path, patience=patience)
