"""``/api/remove`` and ``/api/batch``: pictures."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from ...service.archives import Archive, ArchiveWriter, Member, is_archive
from ...service.pictures import CutOut
from ...service.requests import AddressOptions, Job, PictureOptions, picture_job
from ...service.services import Services, services_of
from ..problems import Problem, told
from ..uploads import (
    Uploads,
    read_body,
    read_file,
    read_uploads,
    safe_path,
    safe_stem,
    shown_name,
    unless_gone,
)
from .schemas import BINARY, problems, query_parameters, upload_body

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
    responses={**ANSWER, **problems(400, 408, 413, 415, 422, 501, 503, 504)},  # type: ignore[dict-item]
    openapi_extra={
        "parameters": query_parameters(PictureOptions),
        "requestBody": upload_body(
            PictureOptions,
            {"file": BINARY, "image": BINARY, "background_image": BINARY},
            raw=PICTURE_TYPES,
            required=(),
        ),
    },
)
async def remove(request: Request) -> Response:
    """Send the picture as the body, or in a form as ``file``; options stand in the query or the form."""
    services = services_of(request)
    async with AsyncExitStack() as stack:
        uploads = await read_uploads(request, PictureOptions, stack, names=FILE_NAMES, most=1)
        job = picture_job(uploads.options, behind=uploads.background is not None)
        services.pictures.mode_of(job.mode)
        behind = None
        if uploads.background is not None:
            behind = await read_file(uploads.background, services.limits)
        url = uploads.options.url
        if url and not uploads.files:
            return await _from_address(request, services, url, job, behind)
        data, name = await _picture(request, uploads, services)
    done = await unless_gone(request, services.pictures.cut_out(data, job, behind, name=shown_name(name)))
    return _answer(services, job, done, name)


async def _picture(
    request: Request, uploads: Uploads[PictureOptions], services: Services
) -> tuple[bytes, str]:
    """Return the bytes and the name of the picture that was sent."""
    if uploads.body:
        data = await read_body(request, services.limits)
        if data:
            return data, uploads.name
    elif len(uploads.files) == 1 and not uploads.options.url:
        return await read_file(uploads.files[0], services.limits), uploads.files[0].filename or ""
    raise Problem(422, "send one picture: as the body, or in a form as file")


@router.get(
    "/api/remove",
    summary="Cut out a picture at an address",
    response_class=Response,
    responses={**ANSWER, **problems(413, 415, 422, 501, 503, 504)},  # type: ignore[dict-item]
)
async def remove_from_address(request: Request, options: Annotated[AddressOptions, Query()]) -> Response:
    """Fetch a picture from ``url`` and cut it out, where the service may fetch any (``--allow-urls``)."""
    services = services_of(request)
    job = picture_job(options)
    services.pictures.mode_of(job.mode)
    return await _from_address(request, services, options.url, job)


async def _from_address(
    request: Request, services: Services, url: str, job: Job, behind: bytes | None = None
) -> Response:
    """Fetch a picture and cut it out.

    Raises
    ------
    Problem
        The service may fetch nothing.
    UsageError, InputError
        The address is not public, or there is no picture that can be had.
    """
    if not services.settings.allow_urls:
        raise Problem(403, "this service fetches nothing from addresses; send the picture itself")
    name = url.partition("?")[0]

    async def work() -> CutOut:
        data = await services.pictures.fetch(url)
        return await services.pictures.work_on(data, job, behind, name=shown_name(name))

    with services.pictures.admission.enter():
        return _answer(services, job, await unless_gone(request, work()), name)


def _answer(services: Services, job: Job, done: CutOut, sent: str) -> Response:
    """Return a result; ``sent`` is what the client called the picture."""
    services.metrics.count_picture(services.pictures.mode_of(job.mode), done)
    timing = ", ".join(f"{stage};dur={1000 * seconds:.1f}" for stage, seconds in done.seconds.items())
    name = f"{safe_stem(sent, 'picture')}{job.settings.tag}.{done.suffix}"
    headers = {"Content-Disposition": disposition("inline", name), "Server-Timing": timing}
    if done.box is not None:
        headers["X-Crop-Box"] = ", ".join(map(str, done.box))
    return Response(done.data, media_type=done.media_type, headers=headers)


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
        **problems(400, 408, 413, 415, 422, 503),
    },
    openapi_extra={
        "parameters": query_parameters(PictureOptions, leave_out=("url",)),
        "requestBody": upload_body(
            PictureOptions,
            {"files": {"type": "array", "items": BINARY}, "background_image": BINARY},
            raw=("application/zip",),
            required=("files",),
        ),
    },
)
async def batch(request: Request) -> Response:
    """Send pictures in a form as ``files``, or a zip file as one of them or as the body."""
    services = services_of(request)
    stack = AsyncExitStack()
    try:
        uploads = await read_uploads(
            request, PictureOptions, stack, names=("files", "file"), most=services.limits.batch
        )
        if uploads.options.url:
            raise Problem(422, "url: a batch takes files only")
        job = picture_job(uploads.options, behind=uploads.background is not None)
        services.pictures.mode_of(job.mode)
        behind = None
        if uploads.background is not None:
            behind = await read_file(uploads.background, services.limits)
        files = uploads.files
        if uploads.body:
            files = [await _spooled(request, stack, services)]
        items = await run_in_threadpool(_items, files, services)
        stack.enter_context(services.pictures.admission.enter())
    except BaseException:
        await stack.aclose()
        raise
    headers = {"Content-Disposition": disposition("attachment", "pictures.zip")}
    parts = _batch(services, items, job, behind, stack)
    return StreamingResponse(parts, media_type="application/zip", headers=headers)


async def _spooled(request: Request, stack: AsyncExitStack, services: Services) -> UploadFile:
    """Keep a body in memory, or in a file without a name if it is large."""
    file = stack.enter_context(SpooledTemporaryFile(1 << 20))  # noqa: SIM115
    async for chunk in request.stream():
        await run_in_threadpool(file.write, chunk)
    file.seek(0)
    return UploadFile(file, filename="pictures.zip")  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Item:
    """One picture of a batch."""

    name: str
    file: UploadFile
    archive: Archive | None = None
    member: Member | None = None


def _items(files: list[UploadFile], services: Services) -> list[_Item]:
    """List the pictures of uploads; archives among them are looked into."""
    items: list[_Item] = []
    for upload in files:
        head = upload.file.read(4)
        upload.file.seek(0)
        if is_archive(head):
            archive = Archive(upload.file, services.limits)
            items += [_Item(member.name, upload, archive, member) for member in archive.members]
        else:
            items.append(_Item(upload.filename or "", upload))
    if not items:
        raise Problem(422, "send pictures in a form as files, or a zip file with pictures in it")
    if len(items) > services.limits.batch:
        raise Problem(
            413, f"there are {len(items)} pictures; at most {services.limits.batch} are taken at once"
        )
    return items


async def _batch(
    services: Services, items: list[_Item], job: Job, behind: bytes | None, stack: AsyncExitStack
) -> AsyncIterator[bytes]:
    """Yield the archive of the results, in the order of the pictures; a few are worked on at once."""
    writer = ArchiveWriter()
    ahead = services.settings.threads + services.workers.lanes
    working: deque[tuple[_Item, asyncio.Task[CutOut]]] = deque()
    lock = asyncio.Lock()  # an archive is read by one at a time
    rest: Iterator[_Item] = iter(items)
    async with stack:
        try:
            while True:
                while len(working) < ahead and (item := next(rest, None)) is not None:
                    working.append((item, asyncio.ensure_future(_one(services, item, job, behind, lock))))
                if not working:
                    break
                item, task = working.popleft()
                await _store(services, writer, item, job, task)
                yield writer.take()
            writer.close()
            yield writer.take()
        finally:
            for _, task in working:
                task.cancel()
            await asyncio.gather(*(task for _, task in working), return_exceptions=True)


async def _one(services: Services, item: _Item, job: Job, behind: bytes | None, lock: asyncio.Lock) -> CutOut:
    async with lock:
        if item.archive is None or item.member is None:
            data = await read_file(item.file, services.limits)
        else:
            data = await run_in_threadpool(item.archive.read, item.member)
    return await services.pictures.work_on(data, job, behind, name=shown_name(item.name))


async def _store(
    services: Services, writer: ArchiveWriter, item: _Item, job: Job, task: asyncio.Task[CutOut]
) -> None:
    try:
        done = await task
    except Exception as error:
        writer.fail(item.name, *told(error))
        return
    services.metrics.count_picture(services.pictures.mode_of(job.mode), done)
    stem = f"{safe_path(item.name, 'picture')}{job.settings.tag}"
    await run_in_threadpool(writer.add, stem, done.suffix, done.data)
