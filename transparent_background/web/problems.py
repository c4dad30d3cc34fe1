"""Errors as answers: a status, a code and a sentence in ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
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
from ..service.admission import ClientBusyError, DeadlineError, QueueFullError
from ..service.archives import ArchiveError
from ..service.kinds import ErrorKind, all_kinds, kind_of
from ..service.sentences import REQUEST, sentence, validation_sentence

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
    (ClientBusyError, 429),
    (QueueFullError, 503),
    (TransparentBackgroundError, 500),
)
"""The first that fits counts; 500 for what nobody raised on purpose."""


BY_STATUS = {
    400: ErrorKind("malformed", "The request is malformed"),
    401: ErrorKind("token-needed", "The token is missing or wrong"),
    403: ErrorKind("not-allowed", "Not allowed here"),
    404: ErrorKind("not-found", "There is no such thing"),
    405: ErrorKind("wrong-method", "The path is not asked in this way"),
    408: ErrorKind("too-slow", "The request came too slowly"),
    409: ErrorKind("not-done", "It is not done"),
    413: ErrorKind("body-too-large", "More bytes than are taken"),
    416: ErrorKind("no-such-range", "There are no such bytes in it"),
    421: ErrorKind("unknown-host", "The service is not known by that name"),
    422: kind_of(UsageError),
    429: ErrorKind("client-busy", "This client has too much in work already"),
    500: ErrorKind("unexpected", "Something went wrong that nobody expected"),
    503: ErrorKind("uploads-full", "The service is busy with other uploads"),
}
"""Kinds of answers that no class of errors stands for."""
PAGE = "/problems"
"""Where all kinds are listed; a problem's ``type`` points into it."""


class Problem(HTTPException):
    """An answer that is an error."""


def every_kind() -> list[tuple[ErrorKind, int]]:
    """Return all kinds of problems, each once, with its status; in the order of the codes."""
    found = {kind.code: (kind, status) for status, kind in BY_STATUS.items()}
    found |= {kind.code: (kind, status_of(error)) for error, kind in all_kinds().items()}
    return [found[code] for code in sorted(found)]


def status_of(error: type[Exception]) -> int:
    """Return the status of a class of errors; 500 for what nobody raised on purpose."""
    return next((status for kind, status in STATUSES if issubclass(error, kind)), 500)


def kind_told(error: Exception) -> ErrorKind:
    """Return the kind of any error."""
    if isinstance(error, (ValidationError, RequestValidationError)):
        return kind_of(UsageError)
    if isinstance(error, StarletteHTTPException):
        return BY_STATUS.get(error.status_code, BY_STATUS[500 if error.status_code >= 500 else 400])
    kinds = all_kinds()
    return next((kinds[one] for one in type(error).__mro__ if one in kinds), BY_STATUS[500])


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, kind: ErrorKind | None = None
) -> JSONResponse:
    """Return an error as a response; of no kind, that of its status."""
    kind = kind or BY_STATUS[status]
    # names that a client made up may hold halves of characters, which no JSON can
    detail = " ".join(detail.encode("utf-8", "replace").decode().split())
    content = {"type": f"{PAGE}#{kind.code}", "code": kind.code, "title": kind.title, "status": status}
    content |= {"detail": detail, "request_id": REQUEST.get()}
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def told(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence of any error; what nobody raised on purpose is logged, not told."""
    if isinstance(error, StarletteHTTPException):
        return error.status_code, str(error.detail)
    status = status_of(type(error))
    if isinstance(error, RequestValidationError):
        return status, validation_sentence(error.errors())
    return status, sentence(error)


async def answer(request: Request | None, error: Exception) -> Response:
    """Turn any error into a response."""
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)  # nobody reads it; for the metrics
    status, detail = told(error)
    headers = dict(getattr(error, "headers", None) or {})
    if status in (429, 503):
        headers.setdefault("Retry-After", str(getattr(error, "retry_after", 5)))
    return problem(status, detail, headers, kind_told(error))


HANDLERS: dict[Any, Any] = dict.fromkeys(
    (StarletteHTTPException, ClientDisconnect, Exception, *(kind for kind, _ in STATUSES)), answer
)
"""What an application answers errors with."""
