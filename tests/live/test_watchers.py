"""Whether any program looks at a device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from transparent_background.live.watchers import is_open_elsewhere


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has a file open")
def test_it_is_known_whether_another_program_has_a_device_open(tmp_path) -> None:
    device = tmp_path / "device"
    device.write_bytes(b"")
    mine = device.open("rb")
    code = f"open_ = open({str(device)!r}, 'rb'); print('open', flush=True); input()"
    command = [sys.executable, "-c", code]
    if is_open_elsewhere(str(device)):
        pytest.skip("a program here hides what it has open, so nothing can be known")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline().strip() == b"open"
        assert is_open_elsewhere(str(device))
        other.communicate(b"\n")
    assert not is_open_elsewhere(str(device))
    mine.close()
    assert is_open_elsewhere(str(tmp_path / "gone"))  # what is not known counts as watched


def test_a_program_that_hides_its_files_may_be_watching(tmp_path) -> None:
    device = tmp_path / "device"
    device.write_bytes(b"")
    for name, owner in (("41", os.getuid() + 1), ("42", os.getuid())):
        process = tmp_path / "proc" / name
        process.mkdir(parents=True)
        (process / "status").write_text(f"Name:\tbrowser\nUid:\t{owner}\t{owner}\n")
        hidden = process / "fd"
        hidden.mkdir()

    def listing(self):
        if self.name == "fd":
            raise PermissionError
        return iter([tmp_path / "proc" / name for name in ("41", "42")])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "iterdir", listing)
        assert is_open_elsewhere(str(device), tmp_path / "proc")
        (tmp_path / "proc" / "42" / "status").write_text(f"Uid:\t{os.getuid() + 2}\n")
        assert not is_open_elsewhere(str(device), tmp_path / "proc")
