"""What a service is, and how it does."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ...service.models import Control, Models, controls, describe
from ...service.requests import RECIPE, read_recipe
from ..problems import Problem, every_kind
from . import Running
from .schemas import problems

router = APIRouter(tags=["about"])
public = APIRouter(tags=["about"])
"""What is answered without a token."""


@router.head("/api/models", include_in_schema=False)
@router.get("/api/models", summary="Models, types, formats and limits", responses=problems())
async def models(services: Running) -> Models:
    """Return what can be asked for here; the default model comes first."""
    return describe(services.workers.networks, services.settings)


@router.get("/api/options", summary="The options, with their words and bounds", responses=problems())
async def options() -> list[Control]:
    """Return the options that the page shows, in its order."""
    return controls()


@router.post(
    "/api/recipe",
    summary="Check a recipe",
    responses=problems(400, 408, 413, 422),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Options in YAML or JSON.",
            "content": {"text/plain": {"schema": {"type": "string", "maxLength": RECIPE}}},
        }
    },
)
async def recipe(request: Request) -> dict[str, Any]:
    """Return the options of a recipe; files that they name are not looked for."""
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise Problem(400, "the recipe is no text in UTF-8") from error
    if len(text) > RECIPE:
        raise Problem(413, f"the recipe is too long; at most {RECIPE} characters are taken")
    return await run_in_threadpool(read_recipe, text)


@public.get("/problems", response_class=HTMLResponse, summary="Kinds of errors")
async def list_problems() -> str:
    """Return every kind of error; the ``type`` of an error points into this page."""
    rows = "".join(
        f'<dt id="{kind.code}"><code>{kind.code}</code> ({status})</dt><dd>{escape(kind.title)}.</dd>'
        for kind, status in every_kind()
    )
    title = "Kinds of errors"
    return f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><dl>{rows}</dl></html>'


@public.head("/healthz", response_class=PlainTextResponse, include_in_schema=False)
@public.get("/healthz", response_class=PlainTextResponse, summary="Whether the process lives")
async def healthz() -> str:
    """Answer."""
    return "ok"


@public.head("/readyz", include_in_schema=False)
@public.get(
    "/readyz",
    response_class=PlainTextResponse,
    summary="Whether work is taken",
    responses={503: {"description": "It is not ready, or it is being stopped."}},
)
async def readyz(services: Running) -> Response:
    """Answer 200 when the networks are loaded and there is room for a picture."""
    if not services.ready:
        return PlainTextResponse("not ready", 503)
    if services.admission.count >= services.admission.limit:
        return PlainTextResponse("busy", 503, {"Retry-After": str(services.admission.retry_after())})
    return PlainTextResponse("ok")


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    summary="Counters for Prometheus",
    responses=problems(),
)
async def metrics(request: Request, services: Running) -> Response:
    """Return the counters."""
    text, media_type = services.metrics.text(request.headers.get("accept", ""))
    return Response(text, media_type=media_type)
