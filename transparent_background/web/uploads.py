"""What comes with a request: files, and options from the query and the form."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from ..options.service import Limits
from .problems import Problem

T = TypeVar("T")
Options = TypeVar("Options", bound=BaseModel)

FIELD_BYTES = 64 * 1024
FIELDS = 100
NAME_LENGTH = 100


@dataclass(slots=True)
class Uploads(Generic[Options]):
    """A request's files and options."""

    options: Options
    files: list[UploadFile] = field(default_factory=list)
    background: UploadFile | None = None
    body: bool = False
    """Whether the request's body is the file itself, and not read yet."""
    name: str = ""
    """Of that body, as far as a header says."""


async def read_uploads(
    request: Request, model: type[Options], stack: AsyncExitStack, *, names: Sequence[str], most: int
) -> Uploads[Options]:
    """Read a request: a form with files, or a body that is the file.

    Parameters
    ----------
    model
        Of the options; those of a form go before those of the query.
    stack
        Closes the uploads, whose temporary files have no names.
    names
        What fields with files may be called, beside ``background_image``.
    most
        How many of these there may be.

    Raises
    ------
    Problem
        The form is malformed, or has files where there should be none.
    pydantic.ValidationError
        An option is unknown or of the wrong kind.
    """
    values: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return Uploads(model.model_validate(values), body=True, name=_name_in(request))
    form = await stack.enter_async_context(
        request.form(max_files=most + 1, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    )
    files: list[UploadFile] = []
    background = None
    for name, value in form.multi_items():
        if isinstance(value, str):
            if name in (*names, "background_image"):
                if value:
                    raise Problem(400, f"{name}: send it as a file, with a file name")
                continue  # what browsers send for a file field that was left empty
            values[name] = value
        elif name == "background_image":
            background = value if value.size else None
        elif name in names:
            files.append(value)
        else:
            raise Problem(422, f"{name}: there is no file of this name; send {' or '.join(names)}")
    return Uploads(model.model_validate(values), files, background)


def _name_in(request: Request) -> str:
    """Return the file name that ``Content-Disposition`` has."""
    header = request.headers.get("content-disposition")
    if not header:
        return ""
    message = Message()
    message["Content-Disposition"] = header.replace("\r", " ").replace("\n", " ")
    try:
        return message.get_filename() or ""
    except (ValueError, TypeError):  # a character set or numbering that does not exist
        return ""


async def read_file(file: UploadFile, limits: Limits) -> bytes:
    """Return an upload's bytes.

    Raises
    ------
    Problem
        There are more than a picture may have, or none.
    """
    name = shown_name(file.filename)
    if (file.size or 0) > limits.bytes:
        raise Problem(413, f"{name}: is too large; at most {limits.bytes / 2**20:.0f} MiB are taken here")
    data = await file.read()
    if not data:
        raise Problem(415, f"{name}: is empty (0 bytes)")
    return data


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return a body that is a picture.

    Raises
    ------
    Problem
        There are more bytes than a picture may have.
    """
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limits.bytes:
            raise Problem(
                413, f"the picture is too large; at most {limits.bytes / 2**20:.0f} MiB are taken here"
            )
        chunks.append(chunk)
    return b"".join(chunks)


async def save_body(request: Request, path: Path, most: int) -> int:
    """Write a body to a file as it comes; return its bytes."""
    size = 0
    with path.open("wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise Problem(413, f"the film is too large; at most {most / 2**20:.0f} MiB are taken here")
            await asyncio.to_thread(file.write, chunk)
    return size


async def save_file(upload: UploadFile, path: Path) -> None:
    """Write an upload to a file."""

    def copy() -> None:
        upload.file.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file, 1 << 20)

    await asyncio.to_thread(copy)


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do something for a client whose request has been read, and stop if it goes away.

    Raises
    ------
    ClientDisconnect
        It has.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        for pending in (task, gone):
            pending.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def shown_name(name: str | None, default: str = "the picture") -> str:
    """Return what to call an upload in a message: the last part of its name, printable and short."""
    text = re.split(r"[/\\]", name or "")[-1]
    text = "".join(character for character in text if character.isprintable()).strip()
    return text[:NAME_LENGTH] or default


def safe_stem(name: str | None, default: str) -> str:
    """Return what results are called after: the stem of a name, with nothing in it that a system forbids."""
    text = re.split(r"[/\\]", name or "")[-1]
    stem = text.rpartition(".")[0] or text
    stem = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "", stem).strip(" .")
    printable = "".join(character for character in stem if character.isprintable())
    return printable[:NAME_LENGTH] or default


def safe_path(name: str, default: str) -> str:
    """Return an archive member's folder and stem, relative: ``x/a/b`` for ``/x/../a/b.jpg``."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")]
    folders = [safe_stem(f"{part}.x", "folder") for part in parts[:-1]]
    return "/".join([*folders[-8:], safe_stem(parts[-1] if parts else "", default)])
