"""Uploads that are to be films: of a kind and size that is taken, before anything is decoded."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, TooLargeError, UnreadableError
from ..media.reading import animation, read_header
from ..media.video.opening import open_input, video_stream
from ..options.films import Selection
from ..options.service import Limits
from ..options.suffixes import FILM_SUFFIXES, PICTURE_SUFFIXES
from ..options.values import scaled_size

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,mpeg,mpegts,mpegvideo,h264,hevc,av1,ivf,obu,m4v,mjpeg,"
    "ogg,mxf,dv,nsv,rm,rawvideo,yuv4mpegpipe,vob,gif,swf,nut,amr,wtv,viv,roq,bink,smk,dxa,avs,drc,dirac"
)
"""FFmpeg's names of what is taken: containers that hold their film themselves. Play lists (HLS, DASH, concat,
SDP, image sequences) name other files and addresses, which would be the server's own."""


def check_film(path: Path, limits: Limits, selection: Selection, name: str, *, still: bool = False) -> None:
    """See that an upload is a film of a kind and size that is taken; ``still``: one picture will do as well.

    Raises
    ------
    UnreadableError
        It is no film.
    TooLargeError
        It has too many pixels, frames or seconds, as far as its header says.
    """
    try:
        if path.suffix in PICTURE_SUFFIXES or (still and path.suffix not in FILM_SUFFIXES):
            _check_picture(path, limits, selection, still=still)
        else:
            _check_container(path, limits, selection)
    except TooLargeError:
        raise
    except InputError as error:
        raise UnreadableError(f"{name}: {str(error).rpartition(f'{path}: ')[2]}") from error


def _check_picture(path: Path, limits: Limits, selection: Selection, *, still: bool) -> None:
    header = read_header(path, min(limits.pixels, limits.frame_pixels))
    _check_pixels(header.size, limits, selection)
    info = animation(path)
    if info is not None:
        _check_frames(info.frames, limits)
    elif not still:
        raise UnreadableError(f"{path}: is one picture, not a film; send it to /api/remove")


def _check_container(path: Path, limits: Limits, selection: Selection) -> None:
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    with open_input(path, options=options) as container:
        stream = video_stream(container, str(path))
        _check_pixels((stream.height, stream.width), limits, selection)
        seconds = 0.0 if container.duration is None else container.duration / 1_000_000
        part = seconds
        if selection.end is not None:
            part = min(seconds, float(selection.end - (selection.start or 0)))
        if part > limits.film_seconds:
            raise TooLargeError(
                f"the film is {seconds:.0f} s long; at most {limits.film_seconds:.0f} s are taken here "
                "(start and end choose a part)"
            )
        if selection.end is None:
            _check_frames(stream.frames, limits)


def _check_frames(frames: int, limits: Limits) -> None:
    if frames > limits.film_frames:
        raise TooLargeError(f"the film has {frames} frames; at most {limits.film_frames} are taken here")


def _check_pixels(size: tuple[int, int], limits: Limits, selection: Selection) -> None:
    most = min(limits.pixels, limits.frame_pixels)
    sizes = [size]
    if selection.scale is not None:
        sizes.append(scaled_size(size, selection.scale))
    for height, width in sizes:
        if height * width > most:
            raise TooLargeError(
                f"frames of {width} x {height} have {height * width / 1e6:.1f} million pixels; at most "
                f"{most / 1e6:g} million are taken here"
            )
