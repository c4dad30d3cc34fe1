"""Google Drive's files come through gdown, which is held to what we need of it by a local server."""

from __future__ import annotations

from pathlib import Path

import gdown
import pytest
from gdown.exceptions import FileURLRetrievalError
from weights_server import CONTENT, SHA256, Behaviour, Pauses, serve

from transparent_background.checkpoints import Checkpoint
from transparent_background.checkpoints.download import download
from transparent_background.checkpoints.drive import begun_files, bring_from_drive
from transparent_background.checkpoints.transfer import Patience, RefusedError, Transfer
from transparent_background.errors import DownloadError


@pytest.fixture
def patience() -> Patience:
    return Patience(connect=5, stall=0.3, attempts=3, sleep=Pauses())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.pth"


def checkpoint(**fields: object) -> Checkpoint:
    fields.setdefault("sha256", SHA256)
    return Checkpoint(name="mine", file_name="mine.pth", drive_id="abc123", **fields)


@pytest.fixture
def transfer(path, patience) -> Transfer:
    return Transfer(checkpoint(), path.with_name("mine.pth.part"), None, patience)


def test_a_drive_id_goes_through_gdown(path, patience, monkeypatch) -> None:
    asked: dict[str, object] = {}

    def fake(url: str, output: str, **options: object) -> str:
        asked.update(options, url=url)
        Path(output).write_bytes(CONTENT)
        return output

    monkeypatch.setattr(gdown, "download", fake)
    download(checkpoint(http_proxy="http://proxy:1"), path, patience=patience)
    assert path.read_bytes() == CONTENT
    assert asked["url"] == "https://drive.google.com/uc?id=abc123"
    assert asked["proxy"] == "http://proxy:1"


def test_a_cut_line_is_gone_on_with(transfer) -> None:
    behaviour = Behaviour(CONTENT, cut_after=[600_000])
    with serve(behaviour) as url:
        assert bring_from_drive(transfer, url) is False
    assert transfer.part.read_bytes() == CONTENT
    assert f"bytes={1 << 19}-" in behaviour.requests  # gdown's own blocks are of half a megabyte
    assert begun_files(transfer.part) == []


def test_a_stalled_server_is_asked_again(transfer) -> None:
    with serve(Behaviour(CONTENT, stall_after=[600_000])) as url:
        bring_from_drive(transfer, url)
    assert transfer.part.read_bytes() == CONTENT


def test_a_later_run_goes_on_after_an_interrupt(transfer, patience) -> None:
    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        with pytest.raises(KeyboardInterrupt):
            bring_from_drive(Transfer(checkpoint(), transfer.part, interrupt, patience), url)
        assert not transfer.part.exists()
        assert len(begun_files(transfer.part)) == 1
        assert bring_from_drive(transfer, url) is True
    assert f"bytes={1 << 19}-" in behaviour.requests
    assert transfer.part.read_bytes() == CONTENT


@pytest.mark.parametrize("length", [1000, len(CONTENT)])
def test_what_cannot_be_gone_on_with_is_begun_anew(transfer, length) -> None:
    for name in ("mine.pth.drive12345678.part", "mine.pth.driveabcdefgh.part"):
        transfer.part.with_name(name).write_bytes(CONTENT[:length])
    with serve(Behaviour(CONTENT, ranges=False)) as url:
        bring_from_drive(transfer, url)
    assert transfer.part.read_bytes() == CONTENT
    assert begun_files(transfer.part) == []


def test_of_several_begun_files_the_longest_is_gone_on_with(transfer) -> None:
    for name, length in (("12345678", 1000), ("abcdefgh", 5000)):
        transfer.part.with_name(f"mine.pth.drive{name}.part").write_bytes(CONTENT[:length])
    behaviour = Behaviour(CONTENT)
    with serve(behaviour) as url:
        bring_from_drive(transfer, url)
    assert "bytes=5000-" in behaviour.requests
    assert transfer.part.read_bytes() == CONTENT


def test_what_a_stopped_run_left_under_the_last_name_is_not_taken_for_the_file(transfer) -> None:
    transfer.part.with_name("mine.pth.drive").write_bytes(b"old")
    with serve(Behaviour(CONTENT)) as url:
        bring_from_drive(transfer, url)
    assert transfer.part.read_bytes() == CONTENT


def test_a_begun_file_of_other_bytes_is_thrown_away(path, patience, monkeypatch) -> None:
    path.with_name("mine.pth.drive12345678.part").write_bytes(bytes(5000))
    real = gdown.download
    with serve(Behaviour(CONTENT)) as url:
        monkeypatch.setattr(gdown, "download", lambda **options: real(**(options | {"url": url})))
        download(checkpoint(), path, patience=patience)
    assert path.read_bytes() == CONTENT


def test_a_missing_file_is_not_asked_for_twice(transfer) -> None:
    with serve(Behaviour(CONTENT, status=404)) as url, pytest.raises(RefusedError, match="HTTP 404"):
        bring_from_drive(transfer, url)
    with pytest.raises(RefusedError, match="no connection"):
        bring_from_drive(transfer, url)
    assert transfer.patience.sleep == []


def test_drives_refusal_is_told_in_its_own_words(path, patience, monkeypatch) -> None:
    def refuse(**options: object) -> None:
        raise FileURLRetrievalError(  # as gdown 6.5 words it
            "Failed to retrieve file url:\n\n\tToo many users have viewed or\n\tdownloaded this file.\n\n"
            "You may still be able to access the file from the browser:\n\n\thttps://drive.google.com/x\n\n"
            "but Gdown can't. Please check connections and permissions."
        )

    monkeypatch.setattr(gdown, "download", refuse)
    with pytest.raises(DownloadError, match=r"\(Too many users have viewed or downloaded this file\.\)"):
        download(checkpoint(), path, patience=patience)


def test_another_source_clears_what_drive_had_begun(path, patience) -> None:
    path.with_name("mine.pth.drive12345678.part").write_bytes(b"begun")
    with serve(Behaviour(CONTENT)) as url:
        download(checkpoint(urls=(url,)), path, patience=patience)
    assert {entry.name for entry in path.parent.iterdir()} - {"mine.pth.lock"} == {
        "mine.pth",
        ".verified.json",
    }
