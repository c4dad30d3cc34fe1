"""What is written and not whole: held while its writer lives, removed when that is gone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from transparent_background.errors import OutputError
from transparent_background.media import parts
from transparent_background.media.atomic import replacing
from transparent_background.media.parts import Part, sweep

KILLED = """
import os, sys
from pathlib import Path
from transparent_background.media.parts import Part
Part(Path(sys.argv[1]))
Part(Path(sys.argv[1]), folder=True).path.joinpath("a.xml").write_text("half")
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def left_over(tmp_path) -> Path:
    """Return a folder in which a process that was killed has left a file and a folder."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.bin")], timeout=60)
    assert len(list(tmp_path.iterdir())) == 2
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
def test_what_a_killed_process_has_left_is_swept_away(left_over) -> None:
    sweep(left_over)
    assert list(left_over.iterdir()) == []


def test_what_is_still_written_stays(tmp_path) -> None:
    with Part(tmp_path / "a.bin") as part, Part(tmp_path / "b", folder=True) as folder:
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([part.path, folder.path])
        part.become(tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.bin"]


def test_names_of_others_are_left_alone(tmp_path) -> None:
    names = ["a.part", ".a.png.part", ".a.png.12345678.part.txt", "a.png.0123abcd.part", ".x.0123ABCD.part"]
    for name in names:
        (tmp_path / name).write_text("a user's own")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    sweep(tmp_path / "no such folder")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_is_not_followed(tmp_path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("of somebody else")
    (tmp_path / ".kept.txt.0123abcd.part").symlink_to(kept)
    sweep(tmp_path)
    assert kept.read_text() == "of somebody else"


@pytest.mark.skipif(parts.fcntl is None, reason="there are no such locks")
def test_where_nothing_can_be_locked_nothing_is_swept(left_over, monkeypatch) -> None:
    """On some network file systems, where a lock would not tell."""

    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(parts.fcntl, "flock", refuse)
    before = sorted(left_over.iterdir())
    sweep(left_over)
    assert sorted(left_over.iterdir()) == before
    with replacing(left_over / "b.bin") as file:
        file.write(b"whole")
    assert (left_over / "b.bin").read_bytes() == b"whole"


@pytest.mark.skipif(parts.fcntl is None, reason="there are no such locks")
def test_a_part_that_a_sweep_takes_before_it_is_held_is_made_again(tmp_path, monkeypatch) -> None:
    lock, swept = parts._lock, []

    def sweeping(path):
        if not swept:
            swept.append(path)
            path.unlink()
        return lock(path)

    monkeypatch.setattr(parts, "_lock", sweeping)
    with Part(tmp_path / "a.bin") as part:
        assert part.path.exists()
        assert part.path not in swept


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_what_was_there(tmp_path, monkeypatch, call) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), fail)
    with (
        pytest.raises(OutputError, match="Input/output error"),
        replacing(path) as f,
    ):
        f.write(b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_fsync_is_written_to(tmp_path, monkeypatch) -> None:
    def refuse(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    with replacing(tmp_path / "a.bin") as file:
        file.write(b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
