"""What answers hold beside words: pictures, as large as an answer should be, and where the whole is."""

from __future__ import annotations

import base64
import io
from pathlib import PurePath

from mcp.types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel

from ..options.suffixes import format_of
from .arguments import PREVIEW

LARGEST = 3 << 20
"""Bytes of a picture in an answer: 4 MiB in base64, of which programs and models take about 5."""
SIDES = (4096, 2048, 1024, PREVIEW)
"""Pixels of the longer side that a picture is brought to if it is larger; the first that fits."""
SCHEME = "transparent-background://results/"


def answer(report: BaseModel, *pictures: ContentBlock) -> CallToolResult:
    """Return a tool's answer: what came of it as text and as data, and pictures."""
    text = TextContent(type="text", text=report.model_dump_json())
    return CallToolResult(content=[text, *pictures], structured_content=report.model_dump(mode="json"))


def image(data: bytes, media_type: str) -> ImageContent:
    """Return a picture's file as an answer holds it."""
    return ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=media_type)


def preview(data: bytes, side: int = PREVIEW) -> ImageContent:
    """Return a picture at most so many pixels large: PNG where it is transparent or grey, else JPEG."""
    return image(*_smaller(data, side))


def fitted(data: bytes) -> ImageContent:
    """Return a picture that is too large for an answer as large as it may be there."""
    for side in SIDES:
        small, media_type = _smaller(data, side)
        if len(small) <= LARGEST:
            break
    return image(small, media_type)


def link(id: str, name: str, size: int) -> ResourceLink:
    """Return where the whole of a result can be read, for a while."""
    text = "The whole result; the picture in this answer is a smaller one. It is kept for a while."
    return ResourceLink(
        type="resource_link",
        uri=f"{SCHEME}{id}",
        name=name,
        description=text,
        mime_type=media_type_of(name),
        size=size,
    )


def media_type_of(name: str) -> str:
    """Return what a result is by its name, such as ``image/png``."""
    return f"image/{(format_of(PurePath(name).suffix) or 'PNG').lower()}"


def _smaller(data: bytes, side: int) -> tuple[bytes, str]:
    from ..images.opening import open_picture

    with open_picture(io.BytesIO(data), "the result") as picture:
        picture.thumbnail((side, side))
        small = picture if picture.mode in ("L", "RGB") else picture.convert("RGBA")
        kind = "JPEG" if small.mode == "RGB" else "PNG"
        file = io.BytesIO()
        small.save(file, format=kind)
    return file.getvalue(), f"image/{kind.lower()}"
