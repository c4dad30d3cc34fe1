"""A file that is there is used if it is the published one, and replaced if it is not."""

from __future__ import annotations

import json

import pytest
from weights_server import CONTENT, SHA256, Behaviour, serve

from transparent_background.checkpoints import Checkpoint, fetch, home, local_path, verify
from transparent_background.checkpoints.verification import check
from transparent_background.errors import ChecksumError, DownloadError, OfflineError, WeightsError


def checkpoint(*urls: str, **fields: object) -> Checkpoint:
    fields.setdefault("sha256", SHA256)
    return Checkpoint(name="mine", file_name="mine.pth", urls=urls, **fields)


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
    with pytest.raises(OfflineError, match="damaged or not the published file"):
        fetch(mine, offline=True)
    with pytest.raises(DownloadError, match="no connection"):
        fetch(mine)
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


def safetensors(length: int) -> bytes:
    header = json.dumps({"__metadata__": {}, "w": {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}})
    return len(header).to_bytes(8, "little") + header.encode() + bytes(length)


@pytest.mark.parametrize(
    "content",
    [CONTENT[:-5000], b"<html>", b"", safetensors(8), safetensors(10), b"\xff" * 8 + b"{"],
    ids=["half a zip", "web page", "nothing", "short safetensors", "long safetensors", "no header"],
)
def test_without_a_checksum_a_damaged_file_is_still_seen(tmp_path, content) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(ChecksumError, match="no file of weights or not all of one"):
        check(tmp_path / "a.pth", checkpoint(sha256=None))


@pytest.mark.parametrize("content", [CONTENT, safetensors(9)], ids=["zip", "safetensors"])
def test_without_a_checksum_a_whole_file_is_taken(tmp_path, content) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    assert check(tmp_path / "a.pth", checkpoint(sha256=None)) == "unchecked"
