"""What the tools take and give, with the words that assistants read."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from ..service.models import Models

PREVIEW = 512  # pixels of the longest side


def _text(value: object) -> object:
    """Take 20 for "20", as assistants write both."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


OnePath = Annotated[
    str | None,
    Field(description="Picture in an open folder: absolute, or relative to the first of them."),
]
Base64 = Annotated[
    str | None,
    Field(
        description="In place of path: the picture's file itself, in base64. The result comes back likewise."
    ),
]
Output = Annotated[
    str | None,
    Field(
        description="File (png, webp, jpg, tiff or avif, by its suffix) or folder for the result, in an open "
        "folder. Default: beside the picture, with the type in its name, such as photo_rgba.png."
    ),
]
Type = Annotated[
    str,
    Field(
        max_length=100,
        description="rgba (transparent background), map (the matte, white on the object), green, white, "
        "blur (of the background), overlay, or a colour to put behind: #rrggbb, a CSS name, [r, g, b].",
    ),
]
Mode = Annotated[
    str | None, Field(max_length=100, description="Model, as list_models tells; default: the first of them.")
]
Threshold = Annotated[
    float | None, Field(ge=0, le=1, description="Cut hard where the matte exceeds this; default: soft edges.")
]
Reverse = Annotated[bool, Field(description="Remove the object, keep the background.")]
Crop = Annotated[
    str | None,
    BeforeValidator(_text),
    Field(
        max_length=20, description="Crop to the object with so many pixels (20) or percent (5%) around it."
    ),
]
Format = Annotated[
    str | None,
    Field(max_length=10, description="png, webp, jpg, tiff or avif; default: output's suffix, else png."),
]
Quality = Annotated[int | None, Field(ge=1, le=100, description="Of jpg, webp (100 is lossless) and avif.")]
Colour = Annotated[
    str, Field(max_length=100, description="Colour under an rgba result in a format without transparency.")
]
Behind = Annotated[
    str | None,
    Field(description="Picture in an open folder to put behind the object; type is of no account then."),
]
Overwrite = Annotated[
    bool, Field(description="Replace the output if it is there. A source is never replaced.")
]
Preview = Annotated[
    bool, Field(description=f"Also return a small picture of the result, at most {PREVIEW} pixels large.")
]


OneFolder = Annotated[
    str | None, Field(description="Open folder, or one in it, whose pictures are worked on.")
]
Paths = Annotated[list[str] | None, Field(description="In place of folder: pictures in open folders.")]
OutputFolder = Annotated[
    str | None, Field(description="Folder for the results, in an open folder; default: beside each picture.")
]


class Report(BaseModel):
    """What came of a picture."""

    output: str | None = Field(description="File that was written; null: the picture is in this answer.")
    width: int = Field(description="Of the result, in pixels.")
    height: int
    mode: str = Field(description="Model that was used.")
    type: str
    format: str
    bytes: int = Field(description="Size of the result's file.")
    seconds: float


class BatchItem(BaseModel):
    """What came of one picture of several."""

    path: str
    output: str | None = None
    error: str | None = None


class BatchReport(BaseModel):
    """What came of several pictures."""

    done: int
    failed: int
    items: list[BatchItem]


class Served(Models):
    """What can be asked for, and where files may be."""

    folders: list[str] = Field(
        description="Folders that are open: their files may be read and written. None: send image_base64."
    )
