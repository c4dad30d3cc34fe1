"""What the OpenAPI document says of requests and answers that FastAPI cannot see in a signature."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ..problems import MEDIA_TYPE

BINARY = {"type": "string", "format": "binary"}

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what was wrong."},
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


def query_parameters(model: type[BaseModel], *, leave_out: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Document a model's fields as parameters of the query."""
    schema = model.model_json_schema()
    parameters = []
    for name, values in schema["properties"].items():
        if name not in leave_out:
            values = {key: value for key, value in values.items() if key != "title"}
            text = values.pop("description", "")
            parameters.append(
                {"name": name, "in": "query", "required": False, "description": text, "schema": values}
            )
    return parameters


def upload_body(
    model: type[BaseModel], files: dict[str, Any], *, raw: tuple[str, ...], required: tuple[str, ...]
) -> dict[str, Any]:
    """Document a body: a form of a model's fields and files, or a file of one of some types."""
    properties = {name: dict(values) for name, values in model.model_json_schema()["properties"].items()}
    properties |= files
    form = {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    content |= {kind: {"schema": BINARY} for kind in raw}
    return {"required": True, "content": content}
