"""Files that are there whole or not at all, and what is said where they cannot be."""

from __future__ import annotations

import errno

import pytest

from transparent_background.errors import OutputError, UsageError
from transparent_background.media.atomic import cannot_write, replacing, writing_to


def test_a_file_appears_when_the_block_ends(tmp_path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, UsageError, ValueError])
def test_what_ends_the_block_comes_through_and_leaves_nothing(tmp_path, error) -> None:
    with pytest.raises(error), replacing(tmp_path / "a.bin"):
        raise error("stop")
    assert list(tmp_path.iterdir()) == []


def test_failures_become_one_error_that_names_the_file(tmp_path) -> None:
    full = r"^a\.mp4: cannot be written: the disk is full$"
    with pytest.raises(OutputError, match=full) as caught, writing_to("a.mp4"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OutputError, match=r"a\.mp4: cannot be written: bad stream$"), writing_to("a.mp4"):
        raise ValueError("bad stream\nin detail")
    with pytest.raises(UsageError, match="no such codec"), writing_to("a.mp4"):
        raise UsageError("no such codec")
    assert str(cannot_write("b.png", RuntimeError())) == "b.png: cannot be written: RuntimeError"
