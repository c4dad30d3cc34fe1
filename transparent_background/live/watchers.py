"""Knowing whether any program looks at a device, where the system tells."""

from __future__ import annotations

import os
from pathlib import Path


def is_open_elsewhere(device: str, processes: Path = Path("/proc")) -> bool:
    """Tell whether another process of this user has a file open.

    Sandboxed programs, browsers above all, do not let others see what they have open: while one of them
    runs, nothing is known and the answer is True.
    """
    try:
        wanted = Path(device).stat()
        entries = [entry for entry in processes.iterdir() if entry.name.isdecimal()]
    except OSError:
        return True
    return any(_may_have_open(entry, wanted) for entry in entries if entry.name != str(os.getpid()))


def _may_have_open(process: Path, wanted: os.stat_result) -> bool:
    try:
        for file in (process / "fd").iterdir():
            try:
                found = file.stat()
            except OSError:
                continue  # closed meanwhile
            if os.path.samestat(found, wanted):
                return True
    except PermissionError:
        return _belongs_to_us(process)
    except OSError:
        return False  # it has ended
    return False


def _belongs_to_us(process: Path) -> bool:
    """Tell whether a process that hides its files is one of this user's."""
    try:
        text = (process / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    owners = [line.split()[1] for line in text.splitlines() if line.startswith("Uid:")]
    return owners == [str(os.getuid())]
