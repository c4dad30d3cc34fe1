"""Errors as answers: a status, and a sentence in ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from ..errors import (
    DeviceError,
    InputError,
    MissingExtraError,
    OutputError,
    TooLargeError,
    TransparentBackgroundError,
    UsageError,
    WeightsError,
)
from ..service.admission import QueueFullError
from ..service.pictures import DeadlineError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (TooLargeError, 413),
    (MissingExtraError, 501),
    (UsageError, 422),
    (InputError, 415),
    (DeviceError, 503),
    (DeadlineError, 504),
    (QueueFullError, 503),
)
"""The first that fits counts."""


class Problem(HTTPException):
    """An answer that is an error."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error as a response."""
    phrase = HTTPStatus(status).phrase
    # names that a client made up may hold halves of characters, which no JSON can
    detail = " ".join(detail.encode("utf-8", "replace").decode().split())
    content = {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def status_of(error: Exception) -> int:
    """Return the status of an error: 500 for one that nobody raised on purpose."""
    if isinstance(error, StarletteHTTPException):
        return error.status_code
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def told(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence of any error; what nobody raised on purpose is logged, not told."""
    status = status_of(error)
    if isinstance(error, StarletteHTTPException):
        return status, str(error.detail)
    if isinstance(error, ValidationError):
        return 422, validation_sentence(list(error.errors()))
    if isinstance(error, (DeviceError, WeightsError, OutputError)):
        logger.error("%s", error)  # its words are for those who run the service
        return status, _OPERATORS[next(kind for kind in _OPERATORS if isinstance(error, kind))]
    if status == 500:
        logger.error("a request failed", exc_info=error)
        return 500, "something went wrong here; the server's log says what"
    return status, str(error)


_OPERATORS: dict[type[Exception], str] = {
    DeviceError: "the device cannot do this now; try again later, or with a smaller picture",
    WeightsError: "the model's weights cannot be used; the server's log says why",
    OutputError: "the result cannot be written here; the server's log says why",
}


def as_response(error: Exception) -> Response:
    """Turn any error into a response."""
    status, detail = told(error)
    headers: dict[str, str] = {}
    if isinstance(error, QueueFullError):
        headers["Retry-After"] = str(error.retry_after)
    elif status == 503:
        headers["Retry-After"] = "5"
    elif isinstance(error, StarletteHTTPException):
        headers.update(error.headers or {})
    return problem(status, detail, headers)


def validation_sentence(errors: list[Any]) -> str:
    """Say in a sentence which options are wrong, and how."""
    parts = []
    for error in errors:
        name = ".".join(str(part) for part in error["loc"] if part not in ("query", "body"))
        message = str(error["msg"])
        if error["type"] == "extra_forbidden":
            parts.append(f"{name}: there is no such option")
        else:
            parts.append(f"{name}: {message[:1].lower()}{message[1:]}")
    return "; ".join(parts)


def install(app: FastAPI) -> None:
    """Let an application answer with problems."""

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(ValidationError)
    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, (RequestValidationError, ValidationError))
        return problem(422, validation_sentence(list(error.errors())))

    @app.exception_handler(UnicodeError)
    async def undecodable(request: Request, error: Exception) -> Response:
        return problem(400, "the form is in a character set that is not understood")

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=499)  # nobody reads it; for the metrics

    async def other(request: Request, error: Exception) -> Response:
        return as_response(error)

    for kind in (StarletteHTTPException, TransparentBackgroundError, QueueFullError, DeadlineError):
        app.add_exception_handler(kind, other)
    app.add_exception_handler(Exception, other)
