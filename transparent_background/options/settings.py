"""What to make of every source, photo, film or frame: checked once, then handed down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from .declare import check_names, declared, read, with_old_names
from .films import FilmOptions, ForegroundFilm
from .result import ResultOptions


@dataclass(frozen=True, kw_only=True)
class Settings(ResultOptions):
    """What to make of every source."""

    film: FilmOptions = field(default_factory=FilmOptions)
    """What concerns films only."""


def read_settings(values: Mapping[str, Any], *, named: Callable[[str], str] = str) -> Settings:
    """Check options of results and films, by name; those of others are passed over.

    Parameters
    ----------
    named
        Gives what messages call an option.

    Raises
    ------
    UsageError
        A value makes no sense, or two do not fit each other.
    """
    values = with_old_names(values, ResultOptions, FilmOptions)
    if values.get("foreground") in get_args(ForegroundFilm):  # an earlier way to ask for the film
        values |= {"foreground_film": values.pop("foreground")}
    result = read(ResultOptions, values, named=named)
    film = read(FilmOptions, values, named=named)
    return Settings(film=film, **{name: getattr(result, name) for name in declared(ResultOptions)})


def settings_of(**values: Any) -> Settings:
    """Check options given as keyword arguments.

    Raises
    ------
    UsageError
        One is unknown, or its value makes no sense.
    """
    known = declared(ResultOptions, FilmOptions)
    values = with_old_names(values, ResultOptions, FilmOptions)
    check_names(values, known)
    return read_settings(values)
