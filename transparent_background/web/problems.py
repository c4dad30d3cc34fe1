"""Errors as answers: a status, and a sentence in ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from ..errors import (
    DeviceError,
    InputError,
    MissingExtraError,
    TooLargeError,
    TransparentBackgroundError,
    UsageError,
)
from ..service.admission import DeadlineError, QueueFullError
from ..service.archives import ArchiveError
from ..service.sentences import sentence, validation_sentence

MEDIA_TYPE = "application/problem+json"
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (ValidationError, 422),
    (RequestValidationError, 422),
    (TooLargeError, 413),
    (MissingExtraError, 501),
    (UsageError, 422),
    (ArchiveError, 400),
    (InputError, 415),
    (DeviceError, 503),
    (DeadlineError, 504),
    (QueueFullError, 503),
    (TransparentBackgroundError, 500),
)
"""The first that fits counts; 500 for what nobody raised on purpose."""


class Problem(HTTPException):
    """An answer that is an error."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error as a response."""
    phrase = HTTPStatus(status).phrase
    # names that a client made up may hold halves of characters, which no JSON can
    detail = " ".join(detail.encode("utf-8", "replace").decode().split())
    content = {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def told(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence of any error; what nobody raised on purpose is logged, not told."""
    if isinstance(error, StarletteHTTPException):
        return error.status_code, str(error.detail)
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    if isinstance(error, RequestValidationError):
        return status, validation_sentence(error.errors())
    return status, sentence(error)


async def answer(request: Request, error: Exception) -> Response:
    """Turn any error into a response."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)  # nobody reads it; for the metrics
    status, detail = told(error)
    headers = dict(getattr(error, "headers", None) or {})
    if status == 503:
        headers.setdefault("Retry-After", str(getattr(error, "retry_after", 5)))
    return problem(status, detail, headers)


HANDLERS: dict[Any, Any] = dict.fromkeys(
    (StarletteHTTPException, ClientDisconnect, Exception, *(kind for kind, _ in STATUSES)), answer
)
"""What an application answers errors with."""
