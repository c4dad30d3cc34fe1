"""``/api/remove`` and ``/api/batch``: pictures."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, closing
from functools import partial
from itertools import islice
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from anyio import CancelScope
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from ...errors import TooLargeError
from ...options.service import Limits
from ...service.archives import Archive, ArchiveWriter, is_archive
from ...service.naming import safe_path, safe_stem, shown_name
from ...service.pictures import CutOut, Order
from ...service.requests import AddressOptions, PictureOptions
from ...service.services import Services
from ..problems import Problem, kind_told, told
from ..uploads import read_file, read_uploads, unless_gone
from . import Running
from .schemas import BINARY, asks_for, problems

router = APIRouter(tags=["pictures"])

FILE_NAMES = ("file", "image")
PICTURE_TYPES = ("image/*", "application/octet-stream")
ANSWER = {
    200: {
        "description": "The result.",
        "content": {
            kind: {"schema": BINARY}
            for kind in ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/avif")
        },
        "headers": {
            "Content-Disposition": {"schema": {"type": "string"}, "description": "A name for the file."},
            "Server-Timing": {"schema": {"type": "string"}, "description": "What it took, by stage, in ms."},
            "X-Queue-Position": {
                "schema": {"type": "integer"},
                "description": "How many requests were worked on or waited before this one.",
            },
            "X-Crop-Box": {
                "schema": {"type": "string"},
                "description": "After a crop: left, top, width and height in the upright picture.",
            },
        },
    }
}


@router.post(
    "/api/remove",
    summary="Cut out one picture",
    response_class=Response,
    responses={**ANSWER, **problems(400, 408, 413, 415, 422, 429, 501, 503, 504)},  # type: ignore[dict-item]
    openapi_extra=asks_for(PictureOptions, "file", "image", "background_image", raw=PICTURE_TYPES),
)
async def remove(request: Request, services: Running) -> Response:
    """Send the picture as the body, or in a form as ``file``; options stand in the query or the form."""
    most = services.limits.bytes
    async with AsyncExitStack() as stack:
        uploads = await read_uploads(request, PictureOptions, stack, names=FILE_NAMES, most=1)
        order = services.pictures.order(uploads.options, await uploads.behind(most))
        url = uploads.options.url
        if url and not uploads.form:
            return await _from_address(request, services, url, order)
        files = await uploads.files(most)
        if url or not files:
            raise Problem(422, "send one picture: as the body, or in a form as file")
        data, name = await read_file(files[0], most), files[0].filename or ""
    return await _answer(request, services, order, data, name)


@router.get(
    "/api/remove",
    summary="Cut out a picture at an address",
    response_class=Response,
    responses={**ANSWER, **problems(413, 415, 422, 501, 503, 504)},  # type: ignore[dict-item]
)
async def remove_from_address(
    request: Request, services: Running, options: Annotated[AddressOptions, Query()]
) -> Response:
    """Fetch a picture from ``url`` and cut it out, where the service may fetch any (``--allow-urls``)."""
    return await _from_address(request, services, options.url, services.pictures.order(options))


async def _from_address(request: Request, services: Services, url: str, order: Order) -> Response:
    if not services.settings.allow_urls:
        raise Problem(403, "this service fetches nothing from addresses; send the picture itself")
    return await _answer(request, services, order, url, url.partition("?")[0])


async def _answer(
    request: Request, services: Services, order: Order, source: bytes | str, name: str
) -> Response:
    """Cut out a picture, its file's bytes or the address of it, which the client calls by a name."""
    pictures = services.pictures

    async def work() -> CutOut:
        data = await pictures.fetch(source) if isinstance(source, str) else source
        return await pictures.cut_out(data, order, name=shown_name(name))

    return await answered(request, services, order, work(), name)


async def answered(
    request: Request, services: Services, order: Order, work: Coroutine[Any, Any, CutOut], name: str
) -> Response:
    """Do the work on a picture when it is let in, unless its client goes, and return the answer.

    Raises
    ------
    QueueFullError, ClientDisconnect
        It was not let in; nobody waits for it any more.
    """
    with closing(work), services.admission.enter():  # closed if it never began
        ahead = services.admission.count - 1
        done = await unless_gone(request, work)
    timing = ", ".join(f"{stage};dur={1000 * seconds:.1f}" for stage, seconds in done.seconds.items())
    called = f"{safe_stem(name, 'picture')}{order.settings.tag}.{order.suffix}"
    headers = {
        "Content-Disposition": disposition("inline", called),
        "Server-Timing": timing,
        "X-Queue-Position": str(ahead),
    }
    if done.box is not None:
        headers["X-Crop-Box"] = ", ".join(map(str, done.box))
    return Response(done.data, media_type=order.media_type, headers=headers)


def disposition(kind: str, name: str) -> str:
    """Return ``Content-Disposition`` with a name of any characters (RFC 6266)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


@router.post(
    "/api/batch",
    summary="Cut out many pictures",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An archive of the results, sent while it is made; errors.json in it says "
            "what failed.",
            "content": {"application/zip": {"schema": BINARY}},
        },
        **problems(400, 408, 413, 415, 422, 429, 503),
    },
    openapi_extra=asks_for(
        PictureOptions,
        "files",
        "background_image",
        raw=("application/zip",),
        required="files",
        leave_out=("url",),
    ),
)
async def batch(request: Request, services: Running) -> Response:
    """Send pictures in a form as ``files``, or a zip file as one of them or as the body."""
    limits = services.limits
    async with AsyncExitStack() as stack:
        uploads = await read_uploads(
            request, PictureOptions, stack, names=("files", "file"), most=limits.batch
        )
        if uploads.options.url:
            raise Problem(422, "url: a batch takes files only")
        order = services.pictures.order(uploads.options, await uploads.behind(limits.bytes))
        items = await run_in_threadpool(_items, await uploads.files(limits.batch_bytes), limits)
        stack.enter_context(services.admission.enter())
        held = stack.pop_all()
    headers = {"Content-Disposition": disposition("attachment", "pictures.zip")}
    parts = _batch(services, items, order, held)
    return StreamingResponse(parts, media_type="application/zip", headers=headers)


_Item: TypeAlias = tuple[str, Callable[[], Awaitable[bytes]]]
"""One picture of a batch: its name, and what reads it."""


def _items(files: list[UploadFile], limits: Limits) -> list[_Item]:
    """List the pictures of uploads; archives among them are looked into."""
    items: list[_Item] = []
    for upload in files if any(upload.size for upload in files) else ():
        head = upload.file.read(4)
        upload.file.seek(0)
        if is_archive(head):
            archive = Archive(upload.file, limits)
            for info in archive.members:
                items.append((info.filename, partial(run_in_threadpool, archive.read, info)))
        else:
            items.append((upload.filename or "", partial(read_file, upload, limits.bytes)))
    if not items:
        raise Problem(422, "send pictures in a form as files, or a zip file with pictures in it")
    if len(items) > limits.batch:
        raise TooLargeError(f"there are {len(items)} pictures; at most {limits.batch} are taken at once")
    return items


async def _batch(
    services: Services, items: list[_Item], order: Order, held: AsyncExitStack
) -> AsyncIterator[bytes]:
    """Yield the archive of the results, in the order of the pictures; a few are worked on at once."""
    writer, errors = ArchiveWriter(), []
    ahead = services.settings.threads + services.workers.lanes
    reading = asyncio.Lock()  # an archive is read by one at a time

    async def cut_out(name: str, read: Callable[[], Awaitable[bytes]]) -> CutOut:
        async with reading:
            data = await read()
        return await services.pictures.cut_out(data, order, name=shown_name(name))

    def begin(item: _Item) -> tuple[str, asyncio.Task[CutOut]]:
        return item[0], asyncio.ensure_future(cut_out(*item))

    rest = iter(items)
    working = deque(map(begin, islice(rest, ahead)))
    async with held:
        try:
            while working:
                name, task = working.popleft()
                try:
                    done = await task
                except Exception as error:
                    status, detail = told(error)
                    shown = name.encode("utf-8", "replace").decode()
                    code = kind_told(error).code
                    errors.append({"name": shown, "status": status, "code": code, "detail": detail})
                else:
                    stem = f"{safe_path(name, 'picture')}{order.settings.tag}"
                    await run_in_threadpool(writer.add, stem, order.suffix, done.data)
                working.extend(map(begin, islice(rest, 1)))
                yield writer.take()
            if errors:
                writer.add("errors", "json", json.dumps(errors, indent=2, ensure_ascii=False).encode())
            writer.close()
            yield writer.take()
        finally:
            writer.close()
            with CancelScope(shield=True):
                for _, task in working:
                    task.cancel()
                await asyncio.gather(*(task for _, task in working), return_exceptions=True)
