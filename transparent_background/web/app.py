"""The application: paths, page and what every request passes, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPBearer
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from .._version import __version__
from ..assistants.folders import Folders
from ..assistants.server import PictureServer
from ..options.service import MIB, ServiceSettings
from ..service.services import Services
from ..service.workers import Network
from .bodies import BodyLimits
from .mcp import Endpoint
from .middleware import CountRequests, Doorkeeper, RequestIds, SecurityHeaders
from .problems import HANDLERS
from .routes import about, films, kept, live, pictures

PAGE = Path(__file__).parent / "page"

ASKED_HEADERS = (
    "Authorization",
    "Content-Type",
    "X-Request-ID",
    "Mcp-Protocol-Version",
    "Mcp-Session-Id",
    "Last-Event-ID",
)
ANSWERED_HEADERS = (
    *("Content-Disposition", "Location", "Retry-After", "Server-Timing"),
    *("X-Crop-Box", "X-Queue-Position", "X-Request-ID"),
)

DESCRIPTION = """\
Cuts out pictures and films. Errors are `application/problem+json`: their `detail` is a sentence, and programs
can tell them apart by their `code`; `/problems` lists all.
Options can stand in the query or in the form.
"""


class PageFiles(StaticFiles):
    """The page's files, which browsers ask for anew: a version's modules must not meet another's."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """Return a file, or that it has not changed."""
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


def create_app(devices: Sequence[Mapping[str, Network]], settings: ServiceSettings) -> FastAPI:
    """Make the application; ``devices`` as for :class:`service.workers.ModelWorkers`.

    Its life begins and ends the networks' threads: use one application for one start.
    """
    services = Services(devices, settings)
    limits = settings.limits
    largest = {  # forms' own bytes included; others: 1 MiB
        "/api/remove": 2 * limits.bytes + MIB,
        "/api/pictures": limits.bytes + MIB,
        "/api/batch": limits.batch_bytes + MIB,
        "/api/jobs": limits.film_bytes + limits.bytes + MIB,
        "/mcp": 2 * limits.bytes + MIB,
    }

    async def started() -> Services:
        return services

    assistants = Endpoint(PictureServer(started, Folders(settings.folders), limits), largest["/mcp"])

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services.running(), assistants.running():
            yield

    app = FastAPI(
        title="transparent-background",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers=HANDLERS,
    )
    app.state.services = services
    # the doorkeeper looks at the token; this tells clients that read the document of it
    bearer = [Security(HTTPBearer(auto_error=False, description="The service's token."))]
    for module in (about, pictures, kept, films):
        app.include_router(module.router, dependencies=bearer if settings.token else [])
    for router in (about.public, live.router):
        app.include_router(router)
    app.router.routes.append(Route(assistants.path, assistants, include_in_schema=False))
    if settings.page:

        @app.head("/", include_in_schema=False)
        @app.get("/", include_in_schema=False)
        async def index() -> FileResponse:
            return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

        app.mount("/page", PageFiles(directory=PAGE), name="page")
    # the last one added is the first one passed
    app.add_middleware(BodyLimits, limits=limits, largest=largest)
    app.add_middleware(Doorkeeper, hosts=settings.hosts, origins=settings.allow_origins, token=settings.token)
    if settings.allow_origins:  # outside of what refuses, so that a page can read why
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allow_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=ASKED_HEADERS,
            expose_headers=ANSWERED_HEADERS,
        )
    app.add_middleware(CountRequests, metrics=services.metrics)
    app.add_middleware(RequestIds)
    app.add_middleware(SecurityHeaders)
    return app
