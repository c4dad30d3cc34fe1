"""What a request asks for: the names of the options, their checks, and rembg's names for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from ..errors import UsageError
from ..media.video.containers import film_format
from ..options.checks import check_threshold
from ..options.films import FilmOptions, Selection, parse_time
from ..options.padding import parse_padding
from ..options.result_types import Backdrop, ResultType, Solid, parse_type
from ..options.settings import Settings
from ..options.suffixes import format_of
from ..types import BackgroundFit, ResizeMethod

PictureFormat = Literal["png", "webp", "jpg", "jpeg", "tiff", "avif"]
FilmFormat = Literal["mov", "mp4", "webm", "mkv", "gif", "apng", "webp"]

TYPES = ("rgba", "map", "green", "white", "blur", "overlay")
FORMATS = tuple(format for format in get_args(PictureFormat) if format != "jpeg")
FILM_FORMATS: tuple[str, ...] = get_args(FilmFormat)
UPLOADED = Path("background_image")
"""Stands for the picture that came with the request."""

Foreground = Literal["auto", "estimate", "original"]


class CommonOptions(BaseModel):
    """What pictures and films have in common."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    mode: str | None = Field(None, max_length=100, description="Model, as /api/models lists them.")
    type: str = Field(
        "rgba",
        max_length=100,
        description="rgba (transparent), map (the matte), green, white, blur, overlay, or a colour: "
        "#rrggbb, a CSS name, [r, g, b]. Where a background_image comes with the request, that is used.",
    )
    threshold: float | None = Field(None, ge=0, le=1, description="Cut hard where the matte exceeds this.")
    reverse: bool = Field(False, description="Remove the object, keep the background.")
    fit: BackgroundFit = Field("cover", description="How a picture behind fills the frame.")
    foreground: Foreground = Field(
        "auto",
        description="Edge colours: estimate takes the old background out of them, original keeps them; "
        "auto estimates for rgba.",
    )
    resize: ResizeMethod | None = Field(
        None, description="What the network sees: base size, the picture's shape, or both."
    )


class PictureOptions(CommonOptions):
    """What can be asked of a picture."""

    format: PictureFormat | None = Field(None, description="Of the answer; png if none is named.")
    quality: int | None = Field(None, ge=1, le=100, description="Of jpg, webp (100 is lossless) and avif.")
    crop: str | None = Field(
        None,
        max_length=20,
        pattern=r"^\d*\.?\d*%?$",
        description="Crop to the object, with so many pixels (20) or percent (5%) around it; 0 for none.",
    )
    background: str = Field(
        "white", max_length=100, description="Colour under cut-outs in formats without transparency."
    )
    url: str | None = Field(
        None, max_length=2000, description="Where the picture is, if the service may fetch any."
    )
    model: str | None = Field(
        None, max_length=100, description="rembg's name of mode; its own models mean the default here."
    )
    om: bool = Field(False, description="rembg: only the mask, as type=map.")
    ppm: bool = Field(False, description="rembg: smooth the mask and cut it hard.")
    bgc: str | None = Field(
        None, max_length=40, description="rembg: background colour as red,green,blue,alpha of 0 to 255."
    )
    a: bool = Field(False, description="rembg: edge colours are estimated, as foreground=estimate.")
    dc: bool = Field(False, description="rembg: edge colours are estimated, as foreground=estimate.")
    af: int = Field(240, ge=0, le=255, description="rembg: taken, without effect.")
    ab: int = Field(10, ge=0, le=255, description="rembg: taken, without effect.")
    ae: int = Field(10, ge=0, le=10_000, description="rembg: taken, without effect.")
    vm: bool = Field(False, description="rembg: taken, without effect.")
    extras: str | None = Field(None, max_length=10_000, description="rembg: taken, without effect.")


class AddressOptions(PictureOptions):
    """What can be asked of a picture at an address."""

    url: str = Field(min_length=1, max_length=2000, description="Where the picture is.")


class FilmJobOptions(CommonOptions):
    """What can be asked of a film."""

    format: FilmFormat | None = Field(
        None, description="Of the result; mov for rgba, else mp4. webm is transparent in browsers."
    )
    start: str | None = Field(None, max_length=20, description="Seconds or a clock (1:30.5).")
    end: str | None = Field(
        None, max_length=20, description="Seconds or a clock; frames from there are left out."
    )
    fps: float | None = Field(None, gt=0, le=240, description="Frames a second; none: as they are.")
    scale: str | None = Field(None, max_length=20, description="0.5, 1280x720 or 720p.")
    temporal: bool = Field(True, description="Steady the mattes along the motion.")
    sound: bool = Field(True, description="Pass on sound, subtitles and metadata.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request's options, checked."""

    mode: str | None
    settings: Settings
    resize: ResizeMethod | None = None
    format: str = "PNG"
    """Pillow's name of the format of a picture's result."""
    smooth_mask: bool = False
    """rembg's ``ppm``."""
    veil: tuple[int, int, int, int] | None = None
    """rembg's ``bgc``: a colour behind that may be transparent itself."""


def parse_result_type(text: str, *, behind: bool) -> ResultType:
    """Read a type; no path of the server's own files is one.

    Parameters
    ----------
    behind
        Whether a picture came along to be put behind.

    Raises
    ------
    UsageError
    """
    if behind:
        return Backdrop(UPLOADED)
    try:
        kind = parse_type(text)
    except UsageError:
        kind = Backdrop(UPLOADED)
    if isinstance(kind, Backdrop):
        raise UsageError(
            f"type {text!r} is unknown; choose {', '.join(TYPES)}, a colour ([255, 0, 0], #ff0000 or a CSS "
            "name), or send a picture as background_image"
        )
    return kind


def picture_job(options: PictureOptions, *, behind: bool = False) -> Job:
    """Check the options of a picture.

    Raises
    ------
    UsageError
        One of them is out of range, or they do not fit each other.
    """
    settings, veil = _common(options, behind=behind), None
    if options.bgc is not None:
        veil = _colour_with_alpha(options.bgc)
    kind = format_of(options.format or "png")
    assert kind is not None
    background = parse_type_or_none(options.background)
    if not isinstance(background, Solid):
        raise UsageError(f"background {options.background!r} is no colour")
    crop = None if options.crop is None else options.crop or "0"
    if crop is not None:
        parse_padding(crop)
    values: dict[str, Any] = {"quality": options.quality, "background": background.rgb, "crop": crop}
    if options.om:
        values |= {"type": parse_type("map"), "type_text": "map"}
    if options.a or options.dc:
        values["foreground"] = "estimate"
    return Job(
        mode=options.mode or options.model,
        settings=_replace(settings, **values),
        resize=options.resize,
        format=kind,
        smooth_mask=options.ppm,
        veil=veil,
    )


def film_job(options: FilmJobOptions, *, behind: Path | None = None) -> Job:
    """Check the options of a film.

    Parameters
    ----------
    behind
        The file of a picture or film to put behind.

    Raises
    ------
    UsageError
    """
    settings = _common(options, behind=behind is not None)
    kind = settings.type if behind is None else Backdrop(behind)
    name = options.format
    if name is not None and film_format(name) is None:
        raise UsageError(f"format {name!r} is unknown; choose {', '.join(FILM_FORMATS)}")
    from ..options.films import parse_rate

    film = FilmOptions(
        selection=Selection(
            start=parse_time(options.start, "start"),
            end=parse_time(options.end, "end"),
            fps=parse_rate(options.fps),
            scale=options.scale or None,
        ),
        resize=options.resize,
        temporal=options.temporal,
        sound=options.sound,
    )
    return Job(
        mode=options.mode,
        settings=_replace(settings, type=kind, format=name, film=film),
        resize=options.resize,
    )


def _common(options: CommonOptions, *, behind: bool) -> Settings:
    return Settings(
        type=parse_result_type(options.type, behind=behind),
        type_text="background" if behind else options.type,
        threshold=check_threshold(options.threshold),
        reverse=options.reverse,
        fit=options.fit,
        foreground=options.foreground,
    )


def _replace(settings: Settings, **values: Any) -> Settings:
    import dataclasses

    return dataclasses.replace(settings, **values)


def parse_type_or_none(text: str) -> ResultType | None:
    """Read a type, None where it is none."""
    try:
        return parse_type(text)
    except UsageError:
        return None


def _colour_with_alpha(text: str) -> tuple[int, int, int, int]:
    """Read rembg's ``255,255,255,255``; three numbers are opaque."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 3:
        parts.append("255")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) <= 255 for part in parts):
        raise UsageError(f"bgc {text!r} is not understood; give red,green,blue,alpha, each from 0 to 255")
    red, green, blue, alpha = map(int, parts)
    return red, green, blue, alpha
