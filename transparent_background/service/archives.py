"""Many pictures at once: archives in, and one archive out that is sent while it is made."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..options.service import Limits
from ..web.problems import Problem


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    info: zipfile.ZipInfo


def is_archive(head: bytes) -> bool:
    """Tell a zip file by its first bytes."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are unpacked by zipfile without a bound: few bytes would become gigabytes uncounted."""
ENTRY_BYTES = 2048  # of the directory at the end of an archive, for each file; names are the most of it


class Archive:
    """Reads an uploaded zip file, never trusting what it says of itself.

    Raises
    ------
    Problem
        It is no zip file, or holds too much.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self.limits, self._left = limits, limits.batch_bytes
        try:
            self._check_directory(file)
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise Problem(400, "the archive is no zip file, or is damaged") from error
        self.members = [
            Member(info.filename, info)
            for info in self._zip.infolist()
            if not info.is_dir() and not _is_clutter(info.filename)
        ]
        if len(self.members) > limits.batch:
            raise Problem(
                413, f"the archive has {len(self.members)} files; at most {limits.batch} are taken here"
            )
        if sum(member.info.file_size for member in self.members) > limits.batch_bytes:
            raise Problem(
                413,
                f"the archive unpacks to more than {limits.batch_bytes / 2**20:.0f} MiB, the most taken here",
            )

    def _check_directory(self, file: BinaryIO) -> None:
        """Refuse a directory that alone would fill memory, before it is read.

        By zipfile's own function, so that both mean the same record.
        """
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if end is None:
            raise zipfile.BadZipFile("no directory")
        if end[zipfile._ECD_SIZE] > (self.limits.batch + 32) * ENTRY_BYTES:  # type: ignore[attr-defined]
            raise Problem(413, f"the archive has too many files; at most {self.limits.batch} are taken here")
        file.seek(0)

    def read(self, member: Member) -> bytes:
        """Unpack a member, no further than the limits allow.

        Raises
        ------
        Problem
            It is larger, encrypted or damaged.
        """
        most = min(self.limits.bytes, self._left)
        if member.info.compress_type not in METHODS:
            raise Problem(
                415, "is packed in a way that is not taken; pack it without compression, or by Deflate"
            )
        try:
            with self._zip.open(member.info) as file:
                data = file.read(most + 1)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            OSError,
            EOFError,
            ValueError,
        ) as error:
            raise Problem(
                415, "cannot be unpacked: it is damaged, encrypted or packed in a rare way"
            ) from error
        except Exception as error:  # zlib, lzma and bz2 have errors of their own
            raise Problem(415, "cannot be unpacked: it is damaged") from error
        self._left -= len(data)
        if len(data) > most:
            raise Problem(413, f"is too large; at most {self.limits.bytes / 2**20:.0f} MiB are taken here")
        return data


def _is_clutter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1] in ("Thumbs.db", "desktop.ini")


class ArchiveWriter:
    """Writes a zip file piece by piece: :meth:`add` a file, then send what :meth:`take` returns."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)
        self._names: set[str] = set()
        self._errors: list[dict[str, Any]] = []

    def add(self, stem: str, suffix: str, data: bytes) -> None:
        """Add a file; one whose name is there already gets a number."""
        name, number = f"{stem}.{suffix}", 2
        while name.lower() in self._names:
            name, number = f"{stem}_{number}.{suffix}", number + 1
        self._names.add(name.lower())
        self._zip.writestr(name, data)

    def fail(self, name: str, status: int, detail: str) -> None:
        """Note what became of a file that failed."""
        name = name.encode("utf-8", "replace").decode()
        self._errors.append({"name": name, "status": status, "detail": detail})

    def close(self) -> None:
        """Write the errors, if there are any, and the end."""
        if self._errors:
            self._zip.writestr("errors.json", json.dumps(self._errors, indent=2, ensure_ascii=False))
        self._zip.close()

    def take(self) -> bytes:
        """Return what was written since the last call."""
        return self._sink.take()


class _Sink(io.RawIOBase):
    """Something to write to that cannot be gone back in."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
