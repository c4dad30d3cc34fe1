"""What the tools take and give, with the words that assistants read."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from ..options.network import NetworkOptions
from ..options.result import ResultOptions
from ..service.models import Models
from ..service.requests import fields_of

PREVIEW = 512  # pixels of the longest side
OF_MATTES = ("mode", "threshold", "reverse", "format", "resize")
"""The options that a matte has; the others are of what is made with it."""


class Arguments(BaseModel):
    """What tools take; others are refused."""

    model_config = ConfigDict(extra="forbid")


class Written(Arguments):
    """What becomes of files that are there."""

    overwrite: bool = Field(
        False, description="Replace the output if it is there. A source is never replaced."
    )


class OnePicture(Written):
    """Which picture is worked on, and where its result goes."""

    path: str | None = Field(
        None, description="Picture in an open folder: absolute, or relative to the first of them."
    )
    image_base64: str | None = Field(
        None,
        description="In place of path: the picture's file itself, in base64. The result comes back likewise; "
        "one of more than 3 MiB as a smaller picture, with a link to the whole.",
    )
    output: str | None = Field(
        None,
        description="File (png, webp, jpg, tiff or avif, by its suffix) or folder for the result, in an open "
        "folder. Default: beside the picture, with the type in its name, such as photo_rgba.png.",
    )
    preview: bool = Field(
        True, description=f"Also return a small picture of the result, at most {PREVIEW} pixels large."
    )


class ManyPictures(Written):
    """Which pictures are worked on, and where their results go."""

    folder: str | None = Field(None, description="Open folder, or one in it, whose pictures are worked on.")
    paths: list[str] | None = Field(None, description="In place of folder: pictures in open folders.")
    output: str | None = Field(
        None, description="Folder for the results, in an open folder; default: beside each picture."
    )


_RESULT = fields_of(ResultOptions, NetworkOptions, door="assistant", subject="picture")
_MATTE = {name: field for name, field in _RESULT.items() if name in OF_MATTES}
_OneMatte: Any = create_model("OneMatte", __base__=OnePicture, **_MATTE)
_OneCutOut: Any = create_model("OneCutOut", __base__=OnePicture, **_RESULT)
_ManyCutOuts: Any = create_model("ManyCutOuts", __base__=ManyPictures, **_RESULT)


class MatteArguments(_OneMatte):  # type: ignore[misc]
    """What a matte is made of, and where it goes."""


class CutOutArguments(_OneCutOut):  # type: ignore[misc]
    """What a cut-out is made of, and where it goes."""

    background_image: str | None = Field(
        None,
        description="Picture in an open folder to put behind the object; type is of no account then.",
    )


class BatchArguments(_ManyCutOuts):  # type: ignore[misc]
    """What cut-outs are made of, and where they go."""


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
    left_out: list[str] = Field(
        description="Pictures of the folder that are called as results of others there, and were left out."
    )


class Served(Models):
    """What can be asked for, and where files may be."""

    folders: list[str] = Field(
        description="Folders that are open: their files may be read and written. None: send image_base64."
    )
