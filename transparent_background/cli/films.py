"""The main command's options for films. Imports the standard library only until a film is asked for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from ..options.films import FilmOptions


def add_options(group: argparse._ArgumentGroup) -> None:
    """Add them to a group."""
    group.add_argument(
        "--codec",
        metavar="NAME",
        help="h264, hevc, vp9, av1, prores, ffv1 (lossless), or an FFmpeg encoder (default: by the format)",
    )
    group.add_argument(
        "--crf",
        type=float,
        metavar="N",
        help="constant quality, smaller is better (default: no visible loss)",
    )
    group.add_argument("--bitrate", metavar="RATE", help="in place of it: 8M, 800k")
    group.add_argument(
        "--preset", metavar="NAME", help="the encoder's speed: veryfast ... slow; of ProRes: hq, 4444xq ..."
    )
    group.add_argument("--pix-fmt", metavar="NAME", help="FFmpeg's pixel format, such as yuv420p10le")
    group.add_argument("--start", metavar="TIME", help="begin there: seconds (12.5) or a clock (1:30)")
    group.add_argument("--end", metavar="TIME", help="end there")
    group.add_argument("--fps", metavar="RATE", help="frames a second (default: as they are)")
    group.add_argument("--scale", metavar="SIZE", help="0.5, 50%%, 1280x720, 1280x, 720p")
    group.add_argument("--every", type=int, default=1, metavar="N", help="only every so manieth frame")
    group.add_argument(
        "--temporal",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="steady the mattes along the motion (default: on)",
    )
    group.add_argument(
        "--sound",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="pass on sound, subtitles, chapters and metadata (default: on)",
    )
    group.add_argument(
        "--matte",
        nargs="?",
        const=True,
        default=False,
        metavar="FILE",
        help="also write the matte as a film: --matte, --matte=FILE",
    )
    group.add_argument(
        "--background-play",
        default="loop",
        choices=("loop", "hold"),
        help="what a shorter film behind does at its end (default: loop)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="write in segments; if stopped, the same command goes on after the last one",
    )


FOREGROUND_FILMS = ("straight", "premultiplied")


def read_options(options: argparse.Namespace) -> FilmOptions:
    """Check the options and bring them to the film room's terms.

    Raises
    ------
    UsageError
        One of them makes no sense.
    """
    from ..options.films import EncodingOptions, FilmOptions, Selection, parse_bitrate, parse_rate, parse_time

    matte: Any = options.matte
    if options.crf is not None and options.bitrate is not None:
        raise UsageError("--crf and --bitrate exclude each other")
    return FilmOptions(
        selection=Selection(
            start=parse_time(options.start, "--start"),
            end=parse_time(options.end, "--end"),
            fps=parse_rate(options.fps),
            every=options.every,
            scale=options.scale,
        ),
        encoding=EncodingOptions(
            codec=options.codec,
            crf=options.crf,
            bitrate=parse_bitrate(options.bitrate),
            preset=options.preset,
            pix_fmt=options.pix_fmt,
        ),
        resize=options.resize,
        temporal=options.temporal,
        sound=options.sound,
        matte=matte if isinstance(matte, bool) else Path(matte).expanduser(),
        foreground=options.foreground if options.foreground in FOREGROUND_FILMS else None,
        background_play=options.background_play,
        batch=options.batch,
        resume=options.resume,
    )
