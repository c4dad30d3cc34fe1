"""A tool: what is told of it, how it is called, and how it says what was wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import anyio
from mcp.types import CallToolResult, ToolAnnotations
from mcp.types import Tool as DescribedTool
from pydantic import BaseModel, ValidationError

from ..errors import DeviceError, TransparentBackgroundError, UsageError
from ..service.sentences import sentence, validation_sentence
from .arguments import Arguments

if TYPE_CHECKING:
    from ..service.services import Services

WAITING = 1.0  # seconds between reports while the network is loaded

A = TypeVar("A", bound=BaseModel)

Progress: TypeAlias = Callable[[float, "float | None", "str | None"], Awaitable[None]]
"""Tells a client how much is done, of how much, and of what."""

Start: TypeAlias = Callable[[], Awaitable["Services"]]
"""Gives the service, which it may have to start first."""


class Tool:
    """A tool: a method whose docstring is for assistants, and what it takes and gives."""

    def __init__(
        self,
        run: Callable[[Any, Progress], Awaitable[CallToolResult]],
        title: str,
        arguments: type[Arguments],
        report: type[BaseModel],
        *,
        writes: bool,
        idempotent: bool = True,
    ) -> None:
        self.run, self.arguments = run, arguments
        self.described = DescribedTool(
            name=run.__name__,
            title=title,
            description=" ".join((run.__doc__ or "").split()),
            input_schema=arguments.model_json_schema(),
            output_schema=report.model_json_schema(),
            annotations=ToolAnnotations(
                read_only_hint=not writes,
                destructive_hint=writes,  # with overwrite=true a file is replaced
                idempotent_hint=idempotent,
                open_world_hint=False,
            ),
        )
        """What clients are told of it."""

    async def call(self, values: dict[str, Any], progress: Progress) -> CallToolResult:
        """Check what it is called with, and run it.

        Raises
        ------
        UsageError
            An argument is unknown, or makes no sense.
        """
        if unknown := values.keys() - self.arguments.model_fields.keys():
            raise UsageError(f"{', '.join(sorted(unknown))}: there is no such argument")
        return await self.run(checked(self.arguments, values), progress)


async def started(start: Start, progress: Progress) -> Services:
    """Return the service; report every second while networks are loaded, so that clients go on waiting."""
    seconds = 0
    while True:
        with anyio.move_on_after(WAITING):
            return await start()
        seconds += 1
        await progress(seconds, None, "the model is being loaded or downloaded")


def checked(model: type[A], values: dict[str, Any]) -> A:
    """Make a model of values.

    Raises
    ------
    UsageError
        One makes no sense.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(validation_sentence(error.errors())) from error


def options_of(model: type[A], call: Arguments, **more: str | None) -> A:
    """Return what a call asks of its pictures or its film; None leaves an option as it is.

    Raises
    ------
    UsageError
        One makes no sense.
    """
    values = {**call.model_dump(include=set(model.model_fields)), **more}
    return checked(model, {name: value for name, value in values.items() if value is not None})


def told(error: Exception) -> str:
    """Say in a sentence what was wrong; what nobody raised on purpose is logged, and not told."""
    # an assistant works on its user's machine and files: what cannot be had or written is for it to know
    own = isinstance(error, TransparentBackgroundError) and not isinstance(error, DeviceError)
    return " ".join((str(error) if own else sentence(error)).split())
