"""What a service is, and how it does."""

from __future__ import annotations

from importlib.util import find_spec

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import PlainTextResponse, Response

from ... import __version__
from ..options import FILM_FORMATS, FORMATS, TYPES
from ..services import services_of
from .schemas import problems

router = APIRouter(tags=["about"])


class Model(BaseModel):
    """One model that is served."""

    name: str
    description: str
    base_size: tuple[int, int]
    resize: str
    devices: list[str]
    plan: str
    licence: str


class TakenLimits(BaseModel):
    """The most that is taken."""

    bytes: int
    pixels: int
    film_bytes: int
    film_frames: int
    film_seconds: float
    timeout: float


class Models(BaseModel):
    """What can be asked for."""

    version: str
    default: str
    models: list[Model]
    types: list[str]
    formats: list[str]
    film_formats: list[str]
    films: bool
    urls: bool
    batch_limit: int
    limits: TakenLimits


@router.get("/api/models", summary="Models, types, formats and limits", responses=problems())
async def models(request: Request) -> Models:
    """Return what can be asked for here; the default model comes first."""
    services = services_of(request)
    workers, limits = services.workers, services.limits
    served = []
    for mode in workers.modes:
        remover = workers.remover(mode)
        served.append(
            Model(
                name=mode,
                description=remover.checkpoint.description,
                base_size=remover.checkpoint.base_size,
                resize=remover.resize,
                devices=[str(removers[mode].device) for removers in workers.devices],
                plan=remover.plan.describe(),
                licence=remover.checkpoint.licence,
            )
        )
    return Models(
        version=__version__,
        default=workers.modes[0],
        models=served,
        types=list(TYPES),
        formats=list(FORMATS),
        film_formats=list(FILM_FORMATS),
        films=find_spec("av") is not None,
        urls=services.settings.allow_urls,
        batch_limit=limits.batch,
        limits=TakenLimits(**{name: getattr(limits, name) for name in TakenLimits.model_fields}),
    )


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
async def readyz(request: Request) -> Response:
    """Answer 200 when the networks are loaded and there is room for a picture."""
    services = services_of(request)
    admission = services.pictures.admission
    if not services.ready or admission.closing:
        return PlainTextResponse("not ready", 503)
    if admission.count >= admission.limit:
        return PlainTextResponse("busy", 503)
    return PlainTextResponse("ok")


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    summary="Counters for Prometheus",
    responses=problems(),
)
async def metrics(request: Request) -> Response:
    """Return the counters."""
    text, media_type = services_of(request).metrics.text(request.headers.get("accept", ""))
    return Response(text, media_type=media_type)
