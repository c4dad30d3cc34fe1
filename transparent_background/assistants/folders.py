"""Files of folders that others may name, and of no others: links, ``..`` and races lead nowhere."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import (
    InputError,
    OutputConflictError,
    OutputError,
    SourceNotFoundError,
    TooLargeError,
    UnreadableError,
    UsageError,
)
from ..media.atomic import cannot_write, replacing
from ..media.parts import sweep

LENGTH = 4096  # of a path, as Linux has it
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
FOREIGN = re.compile(r"^[A-Za-z]:[\\/]|\\")
WALKS = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd
"""Whether folders can be gone through one by one, so that none is exchanged for a link on the way."""
SEPARATORS = "/\\" if os.name == "nt" else "/"  # with which a path may end that means a folder
OPEN_FOLDERS = Path("/proc/self/fd")  # Linux: a folder by its handle, whatever becomes of its name

_BASE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE = os.O_RDONLY | _BASE | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = _BASE | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is, or will be: below an allowed folder, with no link on the way there."""

    root: Path
    """The allowed folder."""
    inside: Path
    """The way from there."""
    shown: str
    """What messages call it: as it was asked for."""

    @property
    def path(self) -> Path:
        """The whole path."""
        return self.root / self.inside


@dataclass(frozen=True, slots=True)
class Contents:
    """A file that was read."""

    data: bytes
    identity: tuple[int, int] | None = None
    """Device and number of the file, by which it is known under every name; None for none."""


class Folders:
    """Folders whose files may be read and written.

    Parameters
    ----------
    paths
        The folders; paths that are not absolute start at the first one.

    Raises
    ------
    UsageError
        One of them is no folder.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        self.roots: list[Path] = []
        for path in paths:
            root = Path(os.path.realpath(Path(path).expanduser()))
            if not root.is_dir():
                raise UsageError(f"--folder {os.fspath(path)}: there is no such folder")
            if root not in self.roots:
                self.roots.append(root)
        self._writing = threading.Lock()

    def source(self, text: str, what: str = "path") -> Place:
        """Find a file to be read; links are followed if they end inside.

        Raises
        ------
        UsageError
            It is in no allowed folder, or such a path is not taken.
        """
        return self._place(Path(os.path.realpath(self._absolute(text, what))), text, what)

    def target(self, text: str, name: str) -> Place:
        """Find a place to write to; links are followed up to its folder, and not where its name is one.

        Parameters
        ----------
        name
            What the file is called if ``text`` is a folder, or ends with a slash.

        Raises
        ------
        UsageError
            As :meth:`source`.
        """
        path = self._absolute(text, "output")
        if self.means_folder(text):
            path, text = path / name, f"{as_folder(text)}{name}"
        return self._place(Path(os.path.realpath(path.parent)) / path.name, text, "output")

    def _absolute(self, text: str, what: str) -> Path:
        if not self.roots:
            raise UsageError(
                f"{what}: no folder is open to this service; send the picture as image_base64, "
                "or let it be started with --folder PATH"
            )
        if not text.strip() or len(text) > LENGTH or CONTROL.search(text) or not _can_be_name(text):
            raise UsageError(f"{what}: is empty, too long, or has characters that no path has")
        if os.name != "nt" and FOREIGN.search(text):
            raise UsageError(f"{what} {text!r}: write paths with / here, without a drive")
        path = Path(text).expanduser() if text.startswith("~/") else Path(text)
        if ".." in path.parts:
            raise UsageError(f"{what} {text!r}: write paths without '..'")
        if os.name == "nt" and ":" in str(path.relative_to(path.anchor)):
            raise UsageError(f"{what} {text!r}: a name has no ':'")  # another stream of a file
        return self.roots[0] / path

    def _place(self, real: Path, text: str, what: str) -> Place:
        for root in self.roots:
            if real.is_relative_to(root):
                return Place(root, real.relative_to(root), text)
        raise UsageError(f"{what} {text!r}: is not in a folder that is open here; list_models names these")

    def means_folder(self, text: str) -> bool:
        """Tell whether an output is a folder, or ends with a slash; raises as :meth:`source`."""
        path = self.source(text, "output").path
        with suppress(OSError):  # a name that is too long is none of a folder
            return text.endswith(tuple(SEPARATORS)) or path.is_dir()
        return False

    @contextmanager
    def opened(self, place: Place) -> Iterator[BinaryIO]:
        """Open a file to be read.

        Raises
        ------
        SourceNotFoundError, UnreadableError
        """
        try:
            with self._opened(place.root, place.inside.parent) as folder:
                handle = _open_file(folder, place)
        except InputError:
            raise
        except FileNotFoundError as error:
            raise SourceNotFoundError(f"{place.shown}: no such file") from error
        except PermissionError as error:
            raise UnreadableError(f"{place.shown}: may not be read: permission denied") from error
        except OSError as error:
            raise UnreadableError(f"{place.shown}: cannot be opened: {error.strerror}") from error
        with os.fdopen(handle, "rb") as file:
            _check_regular(os.fstat(handle), place)
            yield file

    def read(self, place: Place, most: int) -> Contents:
        """Read a file.

        Parameters
        ----------
        most
            Bytes that it may have.

        Raises
        ------
        SourceNotFoundError, UnreadableError, TooLargeError
        """
        with self.opened(place) as file:
            status = os.fstat(file.fileno())
            data = b"" if status.st_size > most else file.read(most + 1)
        if status.st_size > most or len(data) > most:
            raise TooLargeError(f"{place.shown}: is too large; at most {most / 2**20:.4g} MiB are taken here")
        return Contents(data, (status.st_dev, status.st_ino))

    def check_free(self, place: Place, overwrite: bool, source: Contents | None = None) -> None:
        """See that a result may be written to a place.

        Raises
        ------
        OutputConflictError
            The source is there, or another file and ``overwrite`` is not asked for.
        OutputError
            Something is there that is no file.
        """
        try:
            status = place.path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise cannot_write(place.shown, error) from error
        if source is not None and (status.st_dev, status.st_ino) == source.identity:
            raise OutputConflictError(f"{place.shown}: is the source; choose another output")
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise OutputError(f"{place.shown}: cannot be written: something that is no file has that name")
        if not overwrite:
            raise OutputConflictError(
                f"{place.shown}: is there already; overwrite=true replaces it, or choose another output"
            )

    def write(
        self,
        place: Place,
        fill: Callable[[BinaryIO], object],
        overwrite: bool,
        source: Contents | None = None,
    ) -> None:
        """Have a file filled, which appears when it is whole; folders on the way are made.

        Raises
        ------
        OutputConflictError, OutputError
            As :meth:`check_free`; or the disk is full, or nothing may be written there.
        """
        with self._writing:  # so that two calls do not both find a name free
            self.check_free(place, overwrite, source)
            try:
                with (
                    self._opened(place.root, place.inside.parent, make=True) as folder,
                    replacing(_held(folder, place) / place.inside.name) as file,
                ):
                    sweep(_held(folder, place))
                    fill(file)
            except OSError as error:  # of which OutputError is one; its cause knows no path
                cause = error.__cause__
                reason = cause if isinstance(cause, OSError) else error
                raise cannot_write(place.shown, reason) from error

    def names(self, place: Place, suffixes: frozenset[str]) -> list[str]:
        """Return the names of a folder's files that end so, sorted; hidden ones are left out.

        Raises
        ------
        InputError
            It is no folder, or may not be read.
        """
        try:
            names = [path.name for path in place.path.iterdir()]
        except OSError as error:
            raise InputError(f"{place.shown}: cannot be listed: {error.strerror}") from error
        return sorted(n for n in names if Path(n).suffix.lower() in suffixes and not n.startswith("."))

    @contextmanager
    def _opened(self, root: Path, inside: Path, *, make: bool = False) -> Iterator[int | None]:
        """Hold a folder below an allowed one; yields its handle, or None where the system has none."""
        if not WALKS:
            if make:
                (root / inside).mkdir(parents=True, exist_ok=True)
            yield None
            return
        handle = os.open(root, _FOLDER)
        try:
            for part in inside.parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=handle)
                step = os.open(part, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = step
            yield handle
        finally:
            os.close(handle)


def as_folder(text: str) -> str:
    """Return a folder's path so that it says that it is one: with one slash at its end."""
    return f"{text.rstrip(SEPARATORS)}/"


def _open_file(folder: int | None, place: Place) -> int:
    """Open a file that is one, in a folder that is held."""
    if not place.inside.name:
        raise UnreadableError(f"{place.shown}: is a folder, not a picture")
    name = place.path if folder is None else place.inside.name
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), place)
    return os.open(name, _FILE, dir_fd=folder)


def _check_regular(status: os.stat_result, place: Place) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableError(f"{place.shown}: is a folder, not a picture")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError(f"{place.shown}: is no file that can be read")


def _held(handle: int | None, place: Place) -> Path:
    """Name a folder that is held; if the system can, by its handle."""
    if handle is not None and OPEN_FOLDERS.is_dir():
        return OPEN_FOLDERS / str(handle)
    return place.path.parent


def _can_be_name(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
