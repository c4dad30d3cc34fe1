"""Opening films and streams with PyAV, with errors in our words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from ...errors import InputError, SourceNotFoundError, UnreadableError, needing
from ..files import name_of, open_file, url_scheme
from .boxes import check_boxes
from .playlists import check_playlist

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

FilmSource: TypeAlias = str | os.PathLike[str] | BinaryIO

# seconds without an answer, on opening and on reading
FILM_TIMEOUTS, LIVE_TIMEOUTS = (15.0, 30.0), (10.0, 5.0)

_RTSP = {"rtsp_transport": "tcp"}  # over UDP lost packets tear the picture
_HTTP = {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "5"}
FILM_OPTIONS = {"rtsp": _RTSP, "rtsps": _RTSP, "http": _HTTP, "https": _HTTP}

# FFmpeg looks at a live stream for a second only. What comes meanwhile is kept: without it, decoding would
# have to wait for the next key frame; and since the reader takes all there is, it makes nothing late.
_LIVE = {"flags": "low_delay", "analyzeduration": "1000000"}
LIVE_OPTIONS = {"rtsp": {**_LIVE, **_RTSP}, "rtsps": {**_LIVE, **_RTSP}}


def import_av(what: str) -> None:
    """Make sure that PyAV is there.

    Raises
    ------
    MissingExtraError
        It is not; the message says how to get it.
    """
    with needing("video", f"{what}: films need PyAV"):
        import av  # noqa: F401


def open_input(
    source: FilmSource, *, options: Mapping[str, str] | None = None, live: bool = False
) -> InputContainer:
    """Open a film for reading.

    Parameters
    ----------
    options
        FFmpeg's, beside those for the kind of address.
    live
        Whether an address is read as a camera: what was missed is gone, and nothing is waited for long.

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
    if scheme is None and isinstance(source, (str, os.PathLike)):
        source = os.fspath(source)
        with open_file(Path(source), "film") as file:
            if not file.read(1):
                raise UnreadableError(f"{source}: is empty (0 bytes)")
        check_playlist(Path(source))
        check_boxes(Path(source))
    settings = LIVE_OPTIONS.get(scheme or "", _LIVE) if live else FILM_OPTIONS.get(scheme or "", {})
    timeouts = LIVE_TIMEOUTS if live else FILM_TIMEOUTS
    # metadata that is no UTF-8 is no reason to refuse a film; PyAV 19 has no such option any more
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
    try:
        return av.open(
            source,
            options={**settings, **(options or {})},
            timeout=timeouts if scheme else None,
            **lenient,
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise describe(error, name, "cannot be opened", timeouts[0]) from error


def describe(error: Exception, name: str, what: str, timeout: float = FILM_TIMEOUTS[1]) -> InputError:
    """Turn an error of PyAV into one of ours."""
    import av

    if isinstance(error, InputError):
        return error
    if isinstance(error, av.error.InvalidDataError):
        return UnreadableError(
            f"{name}: {what}: it is no film, damaged at its start, or its end with the index is missing"
        )
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError)):
        return UnreadableError(f"{name}: {what}: no answer in {timeout:g} s")
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    kind = SourceNotFoundError if isinstance(error, FileNotFoundError) else UnreadableError
    return kind(f"{name}: {what}: {str(text).splitlines()[0]}")


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Choose the stream of pictures; a cover picture in a sound file is none.

    Raises
    ------
    UnreadableError
        There is none, or one that nothing here can decode.
    """
    from av.stream import Disposition

    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not films:
        sound = "only sound" if container.streams.audio else "no pictures"
        raise UnreadableError(f"{name}: has no video stream ({sound} in it)")
    best = container.streams.best("video")
    stream = best if best in films else films[0]
    if stream.codec_context is None:
        raise UnreadableError(f"{name}: its video is of a codec that is not known here")
    return stream
