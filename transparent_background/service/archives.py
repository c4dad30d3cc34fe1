"""Many pictures at once: archives in, and one archive out that is sent while it is made."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO

from ..errors import InputError, TooLargeError, UnreadableError
from ..options.service import Limits

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are unpacked by zipfile without a bound: few bytes would become gigabytes uncounted."""
ENTRY_BYTES = 2048  # of the directory at the end of an archive, for each file; names are the most of it
COMMENT_BYTES = 1 << 17  # that may be read to find the directory: the archive's comment, at most 64 KiB


class ArchiveError(InputError):
    """A file that should be an archive and is none, or is damaged as a whole."""


def is_archive(head: bytes) -> bool:
    """Tell a zip file by its first bytes."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


class Archive:
    """Reads an uploaded zip file, never trusting what it says of itself.

    Raises
    ------
    ArchiveError
        It is no zip file.
    TooLargeError
        It holds too much.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self.limits, self._left = limits, limits.batch_bytes
        bounded = _BoundedFile(file, (limits.batch + 32) * ENTRY_BYTES + COMMENT_BYTES)
        try:
            self._zip = zipfile.ZipFile(bounded)
        except _TooFar as error:
            raise TooLargeError(
                f"the archive has too many files; at most {limits.batch} are taken here"
            ) from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ArchiveError("the archive is no zip file, or is damaged") from error
        bounded.left = None
        self.members = [
            info for info in self._zip.infolist() if not _is_clutter(info.filename) and not info.is_dir()
        ]
        if len(self.members) > limits.batch:
            raise TooLargeError(
                f"the archive has {len(self.members)} files; at most {limits.batch} are taken here"
            )
        if sum(info.file_size for info in self.members) > limits.batch_bytes:
            most = f"{limits.batch_bytes / 2**20:.0f} MiB"
            raise TooLargeError(f"the archive unpacks to more than {most}, the most taken here")

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Unpack a file, no further than the limits allow.

        Raises
        ------
        UnreadableError
            It is encrypted or damaged.
        TooLargeError
            It is larger than a picture may be.
        """
        most = min(self.limits.bytes, self._left)
        if info.compress_type not in METHODS:
            raise UnreadableError(
                "is packed in a way that is not taken; pack it without compression, or by Deflate"
            )
        try:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
        except Exception as error:  # zipfile and zlib have many, and no base of them
            raise UnreadableError(
                "cannot be unpacked: it is damaged, encrypted or packed in a rare way"
            ) from error
        self._left -= len(data)
        if len(data) > most:
            raise TooLargeError(f"is too large; at most {self.limits.bytes / 2**20:.0f} MiB are taken here")
        return data


class _TooFar(Exception):
    """More was to be read than may be."""


class _BoundedFile:
    """A file of which so many bytes can be read: a directory is not to fill memory before it is looked at."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.left: int | None = most
        """Bytes that may still be read; None: all."""
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    @staticmethod
    def seekable() -> bool:
        return True  # an upload is; before Python 3.11 a spooled file cannot be asked

    def read(self, size: int = -1) -> bytes:
        if self.left is None:
            return self._file.read(size)
        if size > self.left:
            raise _TooFar
        data = self._file.read(size if size >= 0 else self.left + 1)
        self.left -= len(data)
        if self.left < 0:
            raise _TooFar
        return data


def _is_clutter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return (
        not name
        or "__MACOSX" in parts
        or parts[-1].startswith(".")
        or parts[-1] in ("Thumbs.db", "desktop.ini")
    )


class ArchiveWriter:
    """Writes a zip file piece by piece: :meth:`add` a file, then send what :meth:`take` returns."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, mode="w")
        self._names: set[str] = set()

    def add(self, stem: str, suffix: str, data: bytes) -> None:
        """Add a file; one whose name is there already gets a number."""
        name, number = f"{stem}.{suffix}", 2
        while name.lower() in self._names:
            name, number = f"{stem}_{number}.{suffix}", number + 1
        self._names.add(name.lower())
        self._zip.writestr(name, data)

    def close(self) -> None:
        """Write the end, once."""
        self._zip.close()

    def take(self) -> bytes:
        """Return what was written since the last call."""
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return data


class _Sink(io.BytesIO):
    """A buffer that zipfile takes for a stream, as what was taken out of it cannot be gone back to."""

    def tell(self) -> int:
        raise io.UnsupportedOperation
