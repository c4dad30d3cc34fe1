"""What comes with a request: files, and options from the query and the form."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request

from ..errors import TooLargeError, UnreadableError
from ..service.naming import shown_name
from .problems import Problem

T = TypeVar("T")
Options = TypeVar("Options", bound=BaseModel)

FIELD_BYTES = 64 * 1024
FIELDS = 100
SPOOLED = 1 << 20  # bytes of a body that are kept in memory; a larger one is in a file without a name


@dataclass(slots=True)
class Uploads(Generic[Options]):
    """A request's options, and the files that come with it."""

    request: Request
    stack: AsyncExitStack
    """Closes the uploads, whose temporary files have no names."""
    options: Options
    form: list[UploadFile] | None = None
    """The files of a form; None: the body is the file, and not read yet."""
    background: UploadFile | None = None

    async def behind(self, most: int) -> bytes | None:
        """Return the file to put behind, if there is one; raises as :func:`read_file`."""
        return None if self.background is None else await read_file(self.background, most)

    async def files(self, most: int) -> list[UploadFile]:
        """Return the files that were sent; a body that is one is read now.

        Raises
        ------
        TooLargeError
            The body has more bytes than so many.
        """
        if self.form is not None:
            return self.form
        file: Any = self.stack.enter_context(SpooledTemporaryFile(SPOOLED))  # noqa: SIM115
        body = UploadFile(file, size=0, filename=_name_in(self.request), headers=self.request.headers)
        async for chunk in self.request.stream():
            await body.write(chunk)
            check_size(body, most)
        await body.seek(0)
        return [body] if body.size else []


async def read_uploads(
    request: Request, model: type[Options], stack: AsyncExitStack, *, names: Sequence[str], most: int
) -> Uploads[Options]:
    """Read a request: a form with files, or a body that is the file.

    Options of the form go before those of the query. Fields of these ``names`` have files, ``most`` in all,
    and there may be one in ``background_image``; the stack closes them.

    Raises
    ------
    Problem
        The form is malformed, or has files where there should be none.
    pydantic.ValidationError
        An option is unknown or of the wrong kind.
    """
    values: dict[str, Any] = dict(request.query_params)
    if media_type_of(request.headers.get("content-type")) not in (
        "multipart/form-data",
        "application/x-www-form-urlencoded",
    ):
        return Uploads(request, stack, model.model_validate(values))
    try:
        form = await stack.enter_async_context(
            request.form(max_files=most + 1, max_fields=FIELDS, max_part_size=FIELD_BYTES)
        )
    except UnicodeError as error:
        raise Problem(400, "the form is in a character set that is not understood") from error
    files: list[UploadFile] = []
    background = None
    for name, value in form.multi_items():
        if isinstance(value, str):
            if name not in (*names, "background_image"):
                values[name] = value
            elif value:  # it is empty where a browser's file field was left empty
                raise Problem(400, f"{name}: send it as a file, with a file name")
        elif name == "background_image":
            background = value if value.size else None
        elif name in names:
            files.append(value)
        else:
            raise Problem(422, f"{name}: there is no file of this name; send {' or '.join(names)}")
    if len(files) > most:
        raise Problem(422, f"{names[0]}: {len(files)} files came; at most {most} may be sent at once")
    return Uploads(request, stack, model.model_validate(values), files, background)


def media_type_of(header: str | None) -> str:
    """Return the media type of a ``Content-Type``, without what follows it."""
    return (header or "").partition(";")[0].strip().lower()


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


def check_size(file: UploadFile, most: int) -> None:
    """Refuse a file of more than so many bytes.

    Raises
    ------
    TooLargeError
    """
    if (file.size or 0) > most:
        name = shown_name(file.filename, "the file")
        raise TooLargeError(f"{name}: is too large; at most {most / 2**20:.0f} MiB are taken here")


async def read_file(file: UploadFile, most: int) -> bytes:
    """Return an upload's bytes.

    Raises
    ------
    TooLargeError, UnreadableError
        There are more than so many, or none.
    """
    check_size(file, most)
    data = await file.read()
    if not data:
        raise UnreadableError(f"{shown_name(file.filename)}: is empty (0 bytes)")
    return data


async def save_file(upload: UploadFile, path: Path) -> None:
    """Write an upload to a file."""

    def copy() -> None:
        upload.file.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file, 1 << 20)

    await run_in_threadpool(copy)


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Do something for a client whose request has been read, and stop if it goes away.

    Raises
    ------
    ClientDisconnect
        It has.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        leaving.result()  # raises if what is read of it is refused
        raise ClientDisconnect
    finally:
        doing.cancel()
        leaving.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)
