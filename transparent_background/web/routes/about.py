"""What a service is, and how it does."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from ...service.models import Models, describe
from ..running import Running
from .schemas import problems

router = APIRouter(tags=["about"])


@router.get("/api/models", summary="Models, types, formats and limits", responses=problems())
async def models(services: Running) -> Models:
    """Return what can be asked for here; the default model comes first."""
    return describe(services)


@router.get("/healthz", response_class=PlainTextResponse, summary="Whether the process lives")
async def healthz() -> str:
    """Answer."""
    return "ok"


@router.get(
    "/readyz",
    response_class=PlainTextResponse,
    summary="Whether work is taken",
    responses={503: {"description": "It is not ready, or it is being stopped."}},
)
async def readyz(services: Running) -> Response:
    """Answer 200 when the networks are loaded and there is room for a picture."""
    if not services.ready or services.admission.closing:
        return PlainTextResponse("not ready", 503)
    if services.admission.count >= services.admission.limit:
        return PlainTextResponse("busy", 503)
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
