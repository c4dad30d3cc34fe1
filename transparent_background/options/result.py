"""What to make of a picture or a frame."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from ..types import BackgroundFit
from .declare import Door, Subject, choice, declared, flag, number, text, whole
from .result_types import RGB, ResultType, Rgba, parse_type
from .values import Padding, parse_colour, parse_format, parse_padding

ForegroundColours: TypeAlias = Literal["auto", "estimate", "original"]

STILL_OR_FILM: frozenset[Subject] = frozenset(("picture", "film"))
NOT_PAGE: frozenset[Door] = frozenset(("command", "python", "http", "assistant"))
WHITE: RGB = (255, 255, 255)
PICTURE_FORMATS = ("png", "webp", "jpg", "tiff", "avif")
"""What a service answers with."""
SERVED_FILMS = ("mov", "mp4", "webm", "mkv", "gif", "apng", "webp")


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """What to make of a picture or a frame; the values as they are handed down."""

    IN_COMMON: ClassVar = {"group": "the result"}

    type: ResultType = text(
        "rgba (transparent), map (the matte), green, white, blur, overlay, a colour ('[255, 0, 0]', "
        "'#ff0000', a CSS name), or a picture or film to put behind",
        default="rgba",
        parsed=Rgba("rgba"),
        parse=lambda value, name: parse_type(value),
        short=("-t",),
        served_help="rgba (transparent), map (the matte, white on the object), green, white, blur, overlay, "
        "or a colour to put behind: #rrggbb, a CSS name, [r, g, b]; a background_image goes before it",
        default_help="rgba; of cameras blur",
        doors=NOT_PAGE,  # the page has tiles and a file for it
    )
    threshold: float | None = number(
        "make the matte hard: object above this, background elsewhere",
        least=0,
        most=1,
        metavar="0..1",
        short=("-th",),
        label="Hard edge",
        section="Cut-out",
        hint="Keep what is at least this sure",
        unit="%",
    )
    reverse: bool = flag(
        "remove the object, keep the background",
        short=("-R",),
        label="Keep the background, remove the object",
        section="Cut-out",
    )
    fit: BackgroundFit = choice(
        BackgroundFit,
        "how a picture behind fills the frame",
        default="cover",
        old=("background_fit",),
        doors=NOT_PAGE,  # the page shows it beside the file
    )
    foreground: ForegroundColours = choice(
        ForegroundColours,
        "edge colours: estimate takes the old background out of them, original keeps them as "
        "transparent-background 1.3.4 did over colours and pictures; auto estimates where another background "
        "or none takes its place",
        default="auto",
        label="Colours of hair and soft edges",
        section="Edges",
        choice_labels={
            "auto": "Automatic",
            "estimate": "Freed of the old background",
            "original": "As in the original",
        },
        subjects=STILL_OR_FILM,
    )
    crop: Padding | None = text(
        "crop to the object, with so many pixels (20) or percent (5%) around it",
        parse=parse_padding,
        metavar="PAD",
        bare="0",
        label="Crop to the object",
        section="Cut-out",
        hint="Room around it",
        unit="%",
        subjects=frozenset(("picture",)),
    )
    format: str | None = text(
        "png, jpg, webp, tiff, avif, gif, bmp ...; of films mp4, mov, mkv, webm, gif, apng, webp, or png, "
        "jpg ... for one picture a frame",
        parse=parse_format,
        short=("-f",),
        default_help="png for rgba, else the source's; of films mov for rgba, else mp4",
        label="File format",
        section="File",
        subjects=STILL_OR_FILM,
        served={"picture": (*PICTURE_FORMATS, "jpeg"), "film": SERVED_FILMS},
    )
    quality: int | None = whole(
        "quality of JPEG, WebP (100 is lossless) and AVIF",
        least=1,
        most=100,
        metavar="1..100",
        default_help="95, 92, 85",
        label="Quality",
        section="File",
        start=90,
        subjects=STILL_OR_FILM,
    )
    background: RGB = text(
        "colour under rgba cut-outs in formats without transparency",
        default="white",
        parsed=WHITE,
        parse=parse_colour,
        metavar="COLOUR",
        label="This format has no transparency. Colour under the cut-out",
        section="File",
        subjects=STILL_OR_FILM,
    )

    @property
    def tag(self) -> str:
        """What follows the source's stem in a result's name."""
        text = self.type.text.replace(os.sep, "_").replace("/", "_")
        return f"_{text}_reverse" if self.reverse else f"_{text}"


def check_threshold(value: float | str | None) -> float | None:
    """Read a threshold; text is taken too, as in transparent-background 1.3.4.

    Raises
    ------
    UsageError
        It is not a number from 0 to 1.
    """
    return declared(ResultOptions)["threshold"].read(value)
