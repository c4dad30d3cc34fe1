"""The main command's arguments, and what they come to. Imports the standard library only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .._version import __version__
from ..errors import UsageError
from ..options.cameras import CameraOptions
from ..options.declare import Option, Subject, declared, given, read
from ..options.films import FilmOptions
from ..options.network import NetworkOptions
from ..options.result import ResultOptions
from ..options.result_types import parse_type, split_types
from ..options.running import RunOptions
from ..options.settings import Settings, read_settings
from ..options.suffixes import FILM_SUFFIXES, PICTURE_SUFFIXES
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
    given: tuple[str, ...]
    """The names of those that stand in the command."""
    further: tuple[Settings, ...]
    """For more results of the same mattes: as ``settings`` but for the type."""


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
    end = argv.index("--") if "--" in argv else len(argv)
    arguments = parser.parse_intermixed_args(_bare_last(argv[:end]))
    sources = (*arguments.sources, *arguments.source, *argv[end + 1 :])
    if not sources:
        parser.error("a source is missing: a picture, a film, a folder, or - for standard input")
    values = given(vars(arguments), *GROUPS)
    names = tuple(values)
    if "recipe" in values:
        from ..options.recipe import Recipe

        values = {**Recipe.load(values["recipe"]), **values}
    network = read(NetworkOptions, values, flags=True)
    if network.jit and network.resize in ("dynamic", "blend"):
        raise UsageError(f"--jit works at one size; it cannot be had with --resize {network.resize}")
    first, *others = split_types(str(values.get("type", "rgba")))
    settings = read_settings({**values, "type": first}, flags=True)
    return Request(
        sources,
        settings,
        network,
        read(RunOptions, values, flags=True),
        read(CameraOptions, values, flags=True),
        values,
        names,
        tuple(replace(settings, type=parse_type(other)) for other in others),
    )


def _bare_last(argv: Sequence[str]) -> list[str]:
    """Put options that need no value behind everything else where a source follows, which is not theirs.

    ``--crop photo.jpg`` crops a photo, ``--crop 20 photo.jpg`` too; ``--matte mask.mov`` names a new file.
    """
    takes_none = {entry.flag: entry for entry in declared(*GROUPS).values() if entry.bare is not None}
    kept: list[str] = []
    bare: list[str] = []
    for word, following in zip(argv, [*argv[1:], "-"], strict=True):
        entry = takes_none.get(word)
        alone = entry is not None and not following.startswith("-") and not _is_value(entry, following)
        (bare if alone else kept).append(word)
    return kept + bare


def _is_value(entry: Option, text: str) -> bool:
    path = Path(text)
    if path.suffix.lower() in PICTURE_SUFFIXES | FILM_SUFFIXES and path.is_file():
        return False
    try:
        entry.read(text)
    except UsageError:
        return False
    return True


SUBJECTS: Mapping[Subject, str] = {"picture": "pictures", "film": "films", "camera": "cameras"}


def check_effects(request: Request, subjects: Collection[Subject]) -> str | None:
    """Refuse options that do nothing for any source of a run.

    Those of a recipe are passed over: one recipe serves all kinds of sources.

    Parameters
    ----------
    subjects
        What the sources are.

    Returns
    -------
    str or None
        A line about options that do nothing for some of the sources.

    Raises
    ------
    UsageError
        An option of the command does nothing here; it is named, and what it is for.
    """
    known = declared(*GROUPS)
    lines = []
    for name in request.given:
        option = known[name]
        applies = option.subjects or SUBJECTS.keys()
        if name == "foreground" and request.settings.film.foreground_film is not None:
            applies = known["foreground_film"].subjects or applies  # its earlier name
        idle = [word for subject, word in SUBJECTS.items() if subject in subjects and subject not in applies]
        if not idle:
            continue
        flag = f"--no-{option.flag[2:]}" if option.default is True else option.flag
        told = f"{flag} does nothing for {' and '.join(idle)}"
        if len(idle) == len(subjects):
            of = " and ".join(word for subject, word in SUBJECTS.items() if subject in applies)
            raise UsageError(f"{told}; it is for {of}: leave it out")
        lines.append(told)
    return ", ".join(lines) or None
