"""What the OpenAPI document says of requests and answers that FastAPI cannot see in a signature."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ..problems import MEDIA_TYPE, every_kind

BINARY = {"type": "string", "format": "binary"}
FILES = {"files": {"type": "array", "items": BINARY}}  # of which there may be several

PROBLEM = {
    "type": "object",
    "required": ["type", "code", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "/problems#code"},
        "code": {"type": "string", "enum": [kind.code for kind, _ in every_kind()]},
        "title": {"type": "string", "description": "What all errors of the code have in common."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what was wrong."},
        "request_id": {
            "type": ["string", "null"],
            "description": "As in X-Request-ID, and in the server's log.",
        },
    },
}

MEANINGS = {
    400: "The body is malformed.",
    401: "The token is missing or wrong.",
    403: "Not allowed here.",
    404: "There is no such thing.",
    408: "The request came too slowly.",
    409: "It is not done.",
    413: "Too many bytes, pixels, frames or seconds.",
    415: "It is no picture or film that can be read.",
    416: "There are no such bytes in it.",
    421: "The service is not known by that name.",
    422: "An option is unknown or out of range.",
    429: "This client has too much in work already; Retry-After says when to try again.",
    501: "A part that is needed is not installed on the server.",
    503: "Busy, or being stopped; Retry-After says when to try again.",
    504: "It was not done in time.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document errors, and those that every path has."""
    return {
        status: {
            "description": MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": PROBLEM}},
        }
        for status in sorted({401, 403, 421, *statuses})
    }


def asks_for(
    model: type[BaseModel],
    *files: str,
    raw: tuple[str, ...],
    required: str = "",
    leave_out: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Document a request for a route: options in the query or a form, and files in a form or as the body.

    ``raw`` are media types of a body that is the file itself; the query has not the options ``leave_out``.
    """
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": values.get("description", ""),
            "schema": {key: value for key, value in values.items() if key not in ("title", "description")},
        }
        for name, values in properties.items()
        if name not in leave_out
    ]
    form = {
        "type": "object",
        "required": [required] if required else [],
        "properties": properties | {name: FILES.get(name, BINARY) for name in files},
        "additionalProperties": False,
    }
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    content |= {kind: {"schema": BINARY} for kind in raw}
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}
