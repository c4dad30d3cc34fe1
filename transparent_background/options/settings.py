"""What to make of every source, photo, film or frame: checked once, then handed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from .declare import check_names, declared, read, with_old_names
from .films import FilmOptions, ForegroundFilm
from .result import ResultOptions


@dataclass(frozen=True, kw_only=True)
class Settings(ResultOptions):
    """What to make of every source."""

    film: FilmOptions = field(default_factory=FilmOptions)
    """What concerns films only."""


def read_settings(values: Mapping[str, Any], *, flags: bool = False) -> Settings:
    """Check options of results and films, by name; those of others are passed over.

    Parameters
    ----------
    flags
        As for :func:`read`.

    Raises
    ------
    UsageError
        A value makes no sense, or two do not fit each other.
    """
    values = with_old_names(values, ResultOptions, FilmOptions)
    if values.get("foreground") in get_args(ForegroundFilm):  # an earlier way to ask for the film
        values |= {"foreground_film": values.pop("foreground")}
    return replace(read(Settings, values, flags=flags), film=read(FilmOptions, values, flags=flags))


def settings_of(**values: Any) -> Settings:
    """Check options given as keyword arguments.

    Raises
    ------
    UsageError
        One is unknown, or its value makes no sense.
    """
    values = with_old_names(values, ResultOptions, FilmOptions)
    check_names(values, declared(ResultOptions, FilmOptions))
    return read_settings(values)
