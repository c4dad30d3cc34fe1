"""``/api/pictures``: a picture that is sent once, and results of it that are asked for by its id."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ...service.kept import KeptPicture
from ...service.naming import shown_name
from ...service.requests import KeptOptions
from ..problems import Problem
from ..uploads import read_file, read_uploads
from . import Running
from .pictures import ANSWER, FILE_NAMES, PICTURE_TYPES, answered
from .schemas import asks_for, problems

router = APIRouter(tags=["kept pictures"])

GONE = "there is no such picture, or its time is over; send it again"
IDS = 1000
"""Most pictures that are forgotten by one request."""


class KeptStatus(BaseModel):
    """A picture that is kept."""

    id: str
    bytes: int = Field(description="Of its file.")
    width: int = Field(description="In pixels, before it is turned upright.")
    height: int
    expires: float = Field(description="Seconds until it is forgotten, unless it is asked for.")


class Nothing(BaseModel):
    """Options of a request that has none."""

    model_config = ConfigDict(extra="forbid")


class Forgotten(BaseModel):
    """Which pictures are not wanted any more."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field(max_length=IDS)
    after: float = Field(
        0.0, ge=0, le=3600, description="Seconds for which they are kept in case they are asked for again."
    )


def status_of(picture: KeptPicture) -> KeptStatus:
    """Return what clients are told of a picture."""
    height, width = picture.size
    expires = round(max(picture.until - time.monotonic(), 0.0), 1)
    return KeptStatus(id=picture.id, bytes=len(picture.data), width=width, height=height, expires=expires)


def find_picture(
    services: Running, id: Annotated[str, PathParameter(min_length=1, max_length=100)]
) -> KeptPicture:
    """Return the picture that a path names."""
    picture = services.kept.find(id)
    if picture is None:
        raise Problem(404, GONE)
    return picture


Found = Annotated[KeptPicture, Depends(find_picture)]


@router.post(
    "/api/pictures",
    status_code=201,
    summary="Keep a picture for several results",
    response_model=KeptStatus,
    responses={
        201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "Of the picture."}}},
        **problems(400, 408, 413, 415, 422, 501, 503),
    },
    openapi_extra=asks_for(Nothing, "file", "image", raw=PICTURE_TYPES),
)
async def keep(request: Request, services: Running) -> Response:
    """Send the picture as the body, or in a form as ``file``. It is kept in memory, for a while."""
    most = services.limits.bytes
    async with AsyncExitStack() as stack:
        uploads = await read_uploads(request, Nothing, stack, names=FILE_NAMES, most=1)
        files = await uploads.files(most)
        if not files:
            raise Problem(422, "send one picture: as the body, or in a form as file")
        data, name = await read_file(files[0], most), files[0].filename or ""
    with services.admission.enter():
        size = await services.pictures.measure(data, shown_name(name))
    picture = services.kept.keep(data, size, name)
    return JSONResponse(status_of(picture).model_dump(), 201, {"Location": f"/api/pictures/{picture.id}"})


@router.post(
    "/api/pictures/forget",
    status_code=204,
    summary="Forget kept pictures",
    responses=problems(400, 408, 413, 422),
)
async def forget(services: Running, asked: Forgotten) -> Response:
    """Forget several pictures, at once or after a while; those that are gone already are passed over."""
    services.kept.forget(asked.ids, asked.after)
    return Response(status_code=204)


@router.get("/api/pictures/{id}", summary="A kept picture", responses=problems(404, 422))
async def show(picture: Found) -> KeptStatus:
    """Tell of a kept picture, whose time begins anew."""
    return status_of(picture)


@router.get(
    "/api/pictures/{id}/result",
    summary="A result of a kept picture",
    response_class=Response,
    responses={**ANSWER, **problems(404, 413, 415, 422, 501, 503, 504)},  # type: ignore[dict-item]
)
async def result(
    request: Request, services: Running, picture: Found, options: Annotated[KeptOptions, Query()]
) -> Response:
    """Cut out a kept picture. The network runs for a new ``mode`` or ``resize`` only."""
    behind = None
    if options.behind is not None and (behind := services.kept.find(options.behind)) is None:
        raise Problem(404, f"behind: {GONE}")
    order = services.pictures.order(options, None if behind is None else behind.data)
    name = shown_name(picture.name)
    work = services.pictures.cut_out(picture.data, order, name=name, kept=picture)
    try:
        return await answered(request, services, order, work, picture.name)
    finally:
        services.kept.make_room()  # its matte may have come


@router.delete(
    "/api/pictures/{id}", status_code=204, summary="Forget a kept picture", responses=problems(404, 422)
)
async def delete(services: Running, picture: Found) -> Response:
    """Forget a picture and what was made of it."""
    services.kept.forget([picture.id])
    return Response(status_code=204)
