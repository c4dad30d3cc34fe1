"""The main command's arguments, and what they come to. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._version import __version__
from ..errors import UsageError
from ..options.cameras import CameraOptions
from ..options.declare import given, read
from ..options.films import FilmOptions
from ..options.network import NetworkOptions
from ..options.result import ResultOptions
from ..options.running import RunOptions
from ..options.settings import Settings, read_settings
from . import COMMANDS
from .arguments import FILE, Parser, listed

GROUPS = (RunOptions, ResultOptions, NetworkOptions, FilmOptions, CameraOptions)

EPILOG = f"""\
examples:
  transparent-background photo.jpg                      photo_rgba.png, transparent
  transparent-background photos/ -d cut --recursive     a folder, its tree mirrored in cut/
  transparent-background photo.jpg -t white -f jpg      on white, as JPEG
  transparent-background photo.jpg -t beach.jpg         in front of another picture
  transparent-background -m lite --crop=5% *.jpg        the bundled model, cropped to the object
  transparent-background - < photo.jpg > cutout.png     in a pipe
  transparent-background clip.mp4                       clip_rgba.mov, transparent, with its sound
  transparent-background clip.mp4 -t street.mp4         in front of another film
  transparent-background 0 -t blur                      a camera, to a virtual one or a window
  transparent-background photos/ --recipe shop.yaml     with the options that a file holds

commands (transparent-background COMMAND --help):
{listed(COMMANDS)}

exit codes: 0 done, 2 wrong usage, 3 weights missing or broken, 4 some inputs failed, 130 interrupted
(143 by SIGTERM, 129 by a closed terminal)
"""


@dataclass(frozen=True)
class Request:
    """What the main command is asked for, checked."""

    sources: tuple[str, ...]
    settings: Settings
    network: NetworkOptions
    run: RunOptions
    camera: CameraOptions
    values: Mapping[str, Any]
    """The options that were given, or that a recipe has, as they were written."""


def build_parser(*, sources: bool = True) -> Parser:
    """Return the parser of the main command; without its sources for scripts that complete sub-commands."""
    parser = Parser("", "Remove the background of pictures and films with InSPyReNet.", EPILOG)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    group = parser.group("what to work on")
    if sources:
        group.add_argument(
            "sources",
            nargs="*",
            metavar="SOURCE",
            help="picture, film, folder, glob in quotes, numbered pictures (frame_%%04d.png), address, "
            "camera (0), or - for standard input",
        ).complete = FILE  # type: ignore[attr-defined]
    group.add_argument(
        "-s",
        "--source",
        nargs="+",
        action="extend",
        default=[],
        metavar="SOURCE",
        help="the same, as an option",
    ).complete = FILE  # type: ignore[attr-defined]
    for title in ("the result", "the model", "running", "films", "cameras"):
        parser.group(title)
    parser.add_options(*GROUPS)
    return parser


def read_request(argv: Sequence[str]) -> Request:
    """Read the main command's arguments, and check what can be checked before anything heavy is imported.

    Raises
    ------
    UsageError
        An option makes no sense, or two do not fit each other.
    """
    parser = build_parser()
    arguments = parser.parse_intermixed_args(argv)
    sources = (*arguments.sources, *arguments.source)
    if not sources:
        parser.error("a source is missing: a picture, a film, a folder, or - for standard input")
    values = given(vars(arguments), *GROUPS)
    if "recipe" in values:
        from ..options.recipe import Recipe

        values = {**Recipe.load(values["recipe"]), **values}
    network = read(NetworkOptions, values, flags=True)
    if network.jit and network.resize in ("dynamic", "blend"):
        raise UsageError(f"--jit works at one size; it cannot be had with --resize {network.resize}")
    return Request(
        sources,
        read_settings(values, flags=True),
        network,
        read(RunOptions, values, flags=True),
        read(CameraOptions, values, flags=True),
        values,
    )
