"""Opening films and streams with PyAV, with errors in our words."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from ...errors import InputError, MissingExtraError, SourceNotFoundError, UnreadableError
from ..files import open_file

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

FilmSource: TypeAlias = str | os.PathLike[str] | BinaryIO

OPEN_TIMEOUT, READ_TIMEOUT = 15.0, 30.0  # seconds without an answer, of streams

_STREAM_OPTIONS = {
    "rtsp": {"rtsp_transport": "tcp"},  # over UDP lost packets tear the picture
    "rtsps": {"rtsp_transport": "tcp"},
    "http": {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "5"},
    "https": {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "5"},
}


def import_av(what: str) -> None:
    """Make sure that PyAV is there.

    Raises
    ------
    MissingExtraError
        It is not; the message says how to get it.
    """
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f'{what}: films need PyAV; run: pip install "transparent-background[video]"'
        ) from error


def lenient() -> dict[str, Any]:
    """Return what makes ``av.open`` take metadata that is no UTF-8; PyAV 19 has no such option any more."""
    import av

    return {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


def url_scheme(source: object) -> str | None:
    """Return ``rtsp`` for ``rtsp://...``; None for files."""
    match = re.match(r"([a-z][a-z0-9+.-]+)://", source, re.IGNORECASE) if isinstance(source, str) else None
    return match[1].lower() if match else None


def name_of(source: FilmSource) -> str:
    """Return what to call a source in a message; of an address, without the password in it."""
    if isinstance(source, str) and url_scheme(source):
        return re.sub(r"//[^/@]*@", "//", source)
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "name", "<stream>"))


def open_input(
    source: FilmSource, *, format: str | None = None, options: dict[str, str] | None = None
) -> InputContainer:
    """Open a film for reading.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    SourceNotFoundError, UnreadableError
        It is not there, empty, no film, damaged at its start, or may not be read.
    """
    name = name_of(source)
    import_av(name)
    import av

    scheme = url_scheme(source)
    target: object = source
    if scheme is None and isinstance(source, (str, os.PathLike)):
        _check_file(Path(source))
        target = os.fspath(source)
    settings = {**_STREAM_OPTIONS.get(scheme or "", {}), **(options or {})}
    timeout = (OPEN_TIMEOUT, READ_TIMEOUT) if scheme else None
    try:
        opened: InputContainer = av.open(
            target,
            mode="r",
            format=format,
            options=settings,
            timeout=timeout,
            **lenient(),
        )
        return opened
    except (av.FFmpegError, OSError, ValueError) as error:
        raise describe(error, name, "cannot be opened") from error


def _check_file(path: Path) -> None:
    with open_file(path, "film") as file:
        if not file.read(1):
            raise UnreadableError(f"{path}: is empty (0 bytes)")


def describe(error: Exception, name: str, what: str) -> InputError:
    """Turn an error of PyAV into one of ours."""
    import av

    if isinstance(error, InputError):
        return error
    if isinstance(error, av.error.InvalidDataError):
        return UnreadableError(
            f"{name}: {what}: it is no film, damaged at its start, or its end with the index is missing"
        )
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError)):
        return UnreadableError(f"{name}: {what}: no answer in {OPEN_TIMEOUT:g} s")
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    kind = SourceNotFoundError if isinstance(error, FileNotFoundError) else UnreadableError
    return kind(f"{name}: {what}: {str(text).splitlines()[0]}")


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Choose the stream of pictures; a cover picture in a sound file is none.

    Raises
    ------
    UnreadableError
        There is none.
    """
    from av.stream import Disposition

    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not films:
        sound = "only sound" if container.streams.audio else "no pictures"
        raise UnreadableError(f"{name}: has no video stream ({sound} in it)")
    best = container.streams.best("video")
    chosen: VideoStream = best if best in films else films[0]
    return chosen
