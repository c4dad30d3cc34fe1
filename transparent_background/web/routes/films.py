"""``/api/jobs``: films, which take a while."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from ...service.attention import Attention
from ...service.film_jobs import ENDED, FilmJob, State
from ...service.naming import MEDIA_TYPES, stored_name
from ...service.requests import FilmJobOptions
from ...service.services import Services
from ..middleware import client_of
from ..problems import Problem
from ..uploads import check_size, media_type_of, read_uploads, save_file
from . import Running
from .schemas import BINARY, asks_for, problems

router = APIRouter(tags=["films"])

SUFFIXES = {"image/gif": ".gif", "image/webp": ".webp", "image/apng": ".apng", "image/png": ".png"}
"""Of pictures that may move, where a body has no name; what films are, FFmpeg finds out."""


FILMS = {kind: {"schema": BINARY} for kind in MEDIA_TYPES.values()}
EVENT = {
    "type": "string",
    "description": "Lines 'event: progress' or 'event: end', and 'data: ' with the film's state.",
    "contentMediaType": "application/json",
    "contentSchema": {"$ref": "#/components/schemas/FilmStatus"},
}


class FilmResult(BaseModel):
    """The file that came of a film."""

    name: str
    bytes: int
    media_type: str


class FilmStatus(BaseModel):
    """How far a film is."""

    id: str
    state: State
    frames: int = Field(description="Done.")
    total: int | None = Field(description="In all, as far as the file says.")
    fps: float | None = Field(description="Frames a second of the work.")
    remaining: float | None = Field(description="Seconds that the rest will take.")
    position: int | None = Field(description="Films before it; 0: it is worked on. Null once it has ended.")
    error: str | None = Field(description="Why it failed, or was cancelled.")
    notes: list[str] = Field(description="What was lost or changed on the way.")
    result: FilmResult | None
    expires: float | None = Field(description="Seconds until it is deleted.")
    abandon: float | None = Field(
        description="Seconds without a question after which it is cancelled; null: it goes on to its end."
    )


def status_of(film: FilmJob, services: Services) -> FilmStatus:
    """Return what clients are told of a film."""
    progress, result = film.progress, None
    if film.result is not None and film.state == "done":
        result = FilmResult(name=film.result.name, bytes=film.bytes, media_type=film.media_type)
    expires = None
    if film.ended is not None:
        expires = round(max(film.ended + services.limits.keep - time.monotonic(), 0), 1)
    left = progress.remaining if progress is not None and film.state == "running" else None
    return FilmStatus(
        id=film.id,
        state=film.state,
        frames=progress.frames if progress else 0,
        total=progress.total if progress else None,
        fps=round(progress.fps, 2) if progress else None,
        remaining=None if left is None else round(left, 1),
        position=services.films.position(film),
        error=film.error,
        notes=film.notes,
        result=result,
        expires=expires,
        abandon=film.attention.patience,
    )


def find_film(services: Running, id: Annotated[str, PathParameter(min_length=1, max_length=100)]) -> FilmJob:
    """Return the film that a path names."""
    film = services.films.jobs.get(id)
    if film is None:
        raise Problem(404, "there is no such film, or its time is over")
    film.attention.ask()
    return film


Found = Annotated[FilmJob, Depends(find_film)]


@router.post(
    "/api/jobs",
    status_code=202,
    summary="Give a film to work on",
    response_model=FilmStatus,
    responses={
        202: {"headers": {"Location": {"schema": {"type": "string"}, "description": "Of its state."}}},
        **problems(400, 408, 413, 415, 422, 429, 501, 503),
    },
    openapi_extra=asks_for(
        FilmJobOptions,
        "file",
        "background_image",
        raw=("video/*", "image/gif", "image/webp", "application/octet-stream"),
        required="file",
    ),
)
async def start(request: Request, services: Running) -> Response:
    """Send the film as the body, or in a form as ``file``; ``background_image`` may be a film too."""
    films, most = services.films, services.limits.film_bytes
    client = client_of(request.scope)
    async with films.receive(client) as folder, AsyncExitStack() as stack:
        uploads = await read_uploads(request, FilmJobOptions, stack, names=("file",), most=1)
        background, behind = uploads.background, None
        if background is not None:
            behind = folder / f"background{Path(stored_name(background.filename or '')).suffix}"
        settings, network = films.order(uploads.options, behind)
        files = await uploads.files(most)
        if not files or not files[0].size:
            raise Problem(422, "send a film: as the body, or in a form as file")
        check_size(files[0], most)
        name = files[0].filename or ""
        source = folder / stored_name(name or f"x{SUFFIXES.get(media_type_of(files[0].content_type), '')}")
        await save_file(files[0], source)
        if background is not None and behind is not None:
            await save_file(background, behind)
        attention = Attention(uploads.options.abandon)
        film = await films.add(source, name, settings, network, client=client, attention=attention)
    status = status_of(film, services)
    return JSONResponse(status.model_dump(), 202, {"Location": f"/api/jobs/{film.id}"})


@router.get(
    "/api/jobs/{id}", summary="How far a film is", response_model=FilmStatus, responses=problems(404, 422)
)
@router.head("/api/jobs/{id}", include_in_schema=False)
async def show(services: Running, film: Found) -> FilmStatus:
    """Return the state of a film."""
    return status_of(film, services)


@router.get(
    "/api/jobs/{id}/events",
    summary="Follow a film",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events 'progress', and 'end' at last, each with the film's state as JSON.",
            "content": {"text/event-stream": {"schema": EVENT}},
        },
        **problems(404, 422),
    },
)
async def events(services: Running, film: Found) -> Response:
    """Send the state of a film after changes, until it has ended."""

    async def lines() -> AsyncIterator[str]:
        with film.attention.watch():
            async for changed in services.films.watch(film):
                status = status_of(changed, services)
                kind = "end" if status.state in ENDED else "progress"
                yield f"event: {kind}\ndata: {status.model_dump_json()}\n\n"

    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


@router.get(
    "/api/jobs/{id}/result",
    summary="The finished film",
    response_class=FileResponse,
    responses={
        200: {"description": "The file.", "content": FILMS},
        206: {"description": "A part of it.", "content": FILMS},
        **problems(400, 404, 409, 416, 422),
    },
)
@router.head("/api/jobs/{id}/result", include_in_schema=False)
async def result(request: Request, film: Found) -> Response:
    """Return a film's file; ranges work."""
    if film.state != "done" or film.result is None:
        said = {"failed": film.error or "the film failed", "cancelled": "the film was cancelled"}
        raise Problem(409, said.get(film.state, "the film is not done yet"))
    # whoever asks for parts, or what there is, may want more
    whole = request.method == "GET" and "range" not in request.headers
    sent = BackgroundTask(film.fetched.set) if whole else None
    return FileResponse(film.result, media_type=film.media_type, filename=film.result.name, background=sent)


@router.post(
    "/api/jobs/{id}/cancel",
    summary="Stop a film",
    response_model=FilmStatus,
    responses=problems(404, 422),
)
async def cancel(services: Running, film: Found) -> FilmStatus:
    """Stop a film that waits or is worked on; nothing is left of it."""
    await services.films.cancel(film)
    return status_of(film, services)


@router.post(
    "/api/jobs/{id}/abandon",
    summary="Say how long a film goes on without you",
    response_model=FilmStatus,
    responses=problems(404, 422),
)
async def abandon(
    services: Running,
    film: Found,
    after: Annotated[
        float | None,
        Query(ge=1, le=86_400, description="Seconds without a question; none: it goes on to its end."),
    ] = None,
) -> FilmStatus:
    """Have the film cancelled when nobody has asked about it, nor follows it, for so many seconds."""
    film.attention.patience = after
    return status_of(film, services)


@router.delete("/api/jobs/{id}", status_code=204, summary="Delete a film", responses=problems(404, 422))
async def delete(services: Running, film: Found) -> Response:
    """Stop a film if it is worked on, and delete what there is of it."""
    await services.films.remove(film)
    return Response(status_code=204)
