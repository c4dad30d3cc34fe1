"""What is said of an error to whoever asked: one sentence, and nothing that is none of their business."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from pydantic import ValidationError

from ..errors import DeviceError, InputError, MissingExtraError, OutputError, UsageError, WeightsError
from .admission import DeadlineError, QueueFullError

logger = logging.getLogger(__name__)

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
"""What the request that is worked on is called, in its answer and in the log."""
OWN_WORDS = (UsageError, InputError, MissingExtraError, QueueFullError, DeadlineError)
"""Errors whose messages are meant for whoever asked."""
FOR_OPERATORS: dict[type[Exception], str] = {
    DeviceError: "the device cannot do this now; try again later, or with a smaller picture",
    WeightsError: "the model's weights cannot be used; the server's log says why",
    OutputError: "the result cannot be written here; the server's log says why",
}
"""What is said in place of messages that are meant for whoever runs the service."""


def sentence(error: Exception) -> str:
    """Say what was wrong; what nobody raised on purpose is logged and not told."""
    if isinstance(error, ValidationError):
        return validation_sentence(error.errors())
    if isinstance(error, OWN_WORDS):
        return str(error)
    for kind, words in FOR_OPERATORS.items():
        if isinstance(error, kind):
            logger.error("request %s: %s", REQUEST.get(), error)
            return words
    logger.error("request %s failed: %s: %s", REQUEST.get(), type(error).__name__, error, exc_info=error)
    return "something went wrong here; the server's log says what"


def validation_sentence(errors: Sequence[Any]) -> str:
    """Say which options are wrong, and how, from what pydantic found."""
    parts = []
    for error in errors:
        name = ".".join(str(part) for part in error["loc"] if part not in ("query", "body"))
        message = str(error["msg"])
        if error["type"] == "extra_forbidden":
            message = "there is no such option"
        parts.append(f"{name}: {message[:1].lower()}{message[1:]}")
    return "; ".join(parts)
