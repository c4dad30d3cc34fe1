"""What a request asks for: schemas made from the declared options, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from ..errors import UnknownTypeError, UsageError
from ..options.cameras import CameraOptions
from ..options.declare import Door, Option, Subject, declared, offered
from ..options.films import FilmOptions
from ..options.network import NetworkOptions
from ..options.recipe import KEPT, Recipe, read_values
from ..options.result import ResultOptions
from ..options.result_types import Backdrop, ResultType, parse_type
from ..options.settings import Settings, read_settings
from . import rembg

TYPES = ("rgba", "map", "green", "white", "blur", "overlay")
RECIPE = 10_000
"""Most characters of a recipe."""
UPLOADED = Path("background_image")
"""Stands for a picture that came with the request and is in memory."""


def field_of(entry: Option, subject: Subject) -> tuple[Any, Any]:
    """Return an option as pydantic takes it: its type, and its field with words and bounds."""
    kind: Any = {"flag": bool, "whole": int, "number": float, "text": str, "choice": str}[entry.kind]
    choices = entry.served.get(subject) or entry.choices
    text = entry.served_help or entry.help
    words: dict[str, Any] = {"description": f"{text[0].upper()}{text[1:]}."}
    if choices:
        kind = Literal[choices]
    elif kind is str:
        kind, words["max_length"] = Annotated[str, BeforeValidator(_as_text)], entry.length
    else:
        bounds = {"ge": entry.least, "gt": entry.above, "le": entry.most}
        words |= {name: bound for name, bound in bounds.items() if bound is not None}
    return (kind if entry.default is not None else kind | None), Field(entry.default, **words)


def _as_text(value: object) -> object:
    """Take 20 for "20", as assistants write both."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def fields_of(*classes: type, door: Door, subject: Subject) -> dict[str, Any]:
    """Return the options that a doorway offers for a subject, as pydantic takes them."""
    return {entry.name: field_of(entry, subject) for entry in offered(*classes, door=door, subject=subject)}


class Asked(BaseModel):
    """What every request has in common."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    recipe: str | None = Field(
        None, max_length=RECIPE, description="Options in YAML or JSON; what else is asked for counts more."
    )


_PICTURE = (ResultOptions, NetworkOptions)
_Picture: Any = create_model(
    "Picture", __base__=Asked, **fields_of(*_PICTURE, door="http", subject="picture"), **rembg.FIELDS
)
_Film: Any = create_model(
    "Film", __base__=Asked, **fields_of(*_PICTURE, FilmOptions, door="http", subject="film")
)
_Camera: Any = create_model("Camera", **fields_of(*_PICTURE, CameraOptions, door="http", subject="camera"))


class PictureOptions(_Picture):  # type: ignore[misc]
    """What can be asked of a picture."""

    url: str | None = Field(
        None, max_length=2000, description="Where the picture is, if the service may fetch any."
    )


class KeptOptions(_Picture):  # type: ignore[misc]
    """What can be asked of a picture that is kept."""

    behind: str | None = Field(
        None,
        max_length=100,
        description="Id of a kept picture to put behind; it goes before the type.",
    )
    largest: int | None = Field(
        None,
        ge=16,
        le=16384,
        description="Make a result whose longer side has at most so many pixels, sooner than the whole.",
    )


class AddressOptions(PictureOptions):
    """What can be asked of a picture at an address."""

    url: str = Field(min_length=1, max_length=2000, description="Where the picture is.")


class FilmJobOptions(_Film):  # type: ignore[misc]
    """What can be asked of a film."""

    abandon: float | None = Field(
        None,
        ge=1,
        le=86_400,
        description="Cancel the film when nobody has asked about it for so many seconds; else it goes on.",
    )


class LiveOptions(_Camera):  # type: ignore[misc]
    """What a camera's client asks for; sent first, and whenever it changes."""

    model_config = ConfigDict(extra="forbid")

    background_image: str | None = Field(None, description="A picture's file in base64, to put behind.")


def asked_for(options: BaseModel) -> dict[str, Any]:
    """Return the options that were given, on top of those of a recipe; others keep their defaults.

    Raises
    ------
    UsageError, pydantic.ValidationError
        The recipe makes no sense.
    """
    values = options.model_dump(exclude_unset=True)
    recipe = values.pop("recipe", None)
    if recipe:
        known = type(options).model_fields
        kept = {name: value for name, value in read_recipe(recipe).items() if name in known}
        values = type(options).model_validate({**kept, **values}).model_dump(exclude_unset=True)
    return values


def read_recipe(text: str) -> dict[str, Any]:
    """Check a recipe that a client sent, and return its options.

    What a service does not offer is passed on unread, and so is a type that names a file: files are the
    client's, and nobody learns here which ones this machine has.

    Raises
    ------
    UsageError
        Something in it makes no sense.
    """
    values, known = read_values(text), declared(*KEPT)
    kind = values.get("type")
    unread = {name for name in values if name in known and "http" not in (known[name].doors or ())} | {"type"}
    try:
        for name, value in values.items():
            if name in known and len(str(value)) > known[name].length:
                raise UsageError(f"{name} is too long")
        if kind is not None and not PurePath(str(kind)).suffix:
            parse_result_type(kind)
        recipe = Recipe({name: value for name, value in values.items() if name not in unread})
    except UsageError as error:
        raise type(error)(f"recipe: {error}") from error
    return {**recipe, **{name: value for name, value in values.items() if name in unread}}


def parse_result_type(text: str) -> ResultType:
    """Read a type; no path of the server's own files is one.

    Raises
    ------
    UnknownTypeError
    """
    with suppress(UsageError):
        kind = parse_type(text)
        if not isinstance(kind, Backdrop):
            return kind
    raise UnknownTypeError(
        f"type {text!r} is unknown; choose {', '.join(TYPES)}, a colour ([255, 0, 0], #ff0000 or a CSS "
        "name), or send a picture as background_image"
    )


def settings_for(values: Mapping[str, Any], behind: Path | None) -> Settings:
    """Check a request's options for a result; if a file came to be put ``behind``, the type is not looked at.

    Raises
    ------
    UsageError
        One of them is out of range, or they do not fit each other.
    """
    kind = parse_result_type(str(values.get("type", "rgba"))) if behind is None else Backdrop(behind)
    rest = {name: value for name, value in values.items() if name != "type"}
    return replace(read_settings(rest), type=kind)
