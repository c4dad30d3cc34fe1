"""The MCP server: its tools, what is said of them, and its place in the HTTP service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import ValidationError
from starlette.requests import Request

from .._version import __version__
from ..service.admission import Admission, QueueFullError
from .answers import Answers
from .folders import Folders
from .tools import PictureTools, sentence

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from ..options.service import Limits
    from ..service.services import Services

NAME = "transparent-background"


class PictureServer(MCPServer[Any]):
    """An MCP server whose errors are sentences, and that refuses arguments nobody knows.

    Parameters
    ----------
    tools
        What it offers.
    instructions
        What assistants are told first.
    calls
        That are worked on at once, of whatever tool; more are refused.
    """

    def __init__(self, tools: list[Tool], instructions: str, calls: int) -> None:
        self.working = Admission(calls)
        """Calls that are worked on; one for several pictures counts as one."""
        self._answers: Answers | None = None
        self._arguments = {tool.name: frozenset(tool.parameters["properties"]) for tool in tools}
        with _logging_left_alone():
            super().__init__(
                NAME,
                title="Background removal",
                instructions=instructions,
                version=__version__,
                tools=tools,
                log_level="WARNING",
                subscriptions=False,  # the tools stay the same; nobody need wait for changes
            )

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool.

        Raises
        ------
        ToolError
            With one sentence, whatever was wrong.
        """
        with ExitStack() as stack:
            request = None if context is None else context.request_context.request_id
            if self._answers is not None and request is not None:
                stack.enter_context(self._answers.owing(request))
            try:
                stack.enter_context(self.working.enter())
            except QueueFullError as error:
                raise ToolError(str(error)) from None
            return await self._checked(name, arguments, context)

    async def _checked(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None
    ) -> CallToolResult | InputRequiredResult:
        known = self._arguments.get(name)
        unknown = set() if known is None else arguments.keys() - known
        if unknown:
            raise ToolError(f"{', '.join(sorted(unknown))}: there is no such argument")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:  # in a thread: what has the words may have to be imported first
            raise ToolError(await asyncio.to_thread(_told, error)) from None

    async def serve_stdio(self, answers: Answers) -> None:
        """Serve one client over standard input until that ends.

        Parameters
        ----------
        answers
            Takes the messages to the client.
        """
        self._answers = answers
        server = self._lowlevel_server
        async with stdio_server() as (requests, unused):
            await unused.aclose()
            await server.run(requests, answers, server.create_initialization_options())


def _told(error: ToolError) -> str:
    """Say what a tool's error was; the library puts the tool's name before it, or pydantic's lines."""
    cause = error.__cause__
    if isinstance(cause, ValidationError) and isinstance(error, UnexpectedToolError):
        return sentence(error)  # not of the arguments: a mistake of ours
    return sentence(cause) if isinstance(cause, Exception) else str(error)


def make_mcp(services: Callable[[], Awaitable[Services]], folders: Folders, limits: Limits) -> PictureServer:
    """Make the MCP server.

    Parameters
    ----------
    services
        Gives the networks; awaited when a tool needs them.
    folders
        Whose files the tools may read and write; with none, pictures are sent and come back.
    limits
        Of pictures.
    """
    tools = PictureTools(services, folders, limits)
    writes = bool(folders.roots)
    # with overwrite=true a file is replaced
    changes = ToolAnnotations(
        read_only_hint=not writes, destructive_hint=writes, idempotent_hint=True, open_world_hint=False
    )
    reads = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    listed = [
        _tool(tools.remove_background, "Remove a background", changes),
        _tool(tools.get_matte, "Get a matte", changes),
        _tool(tools.list_models, "List models", reads),
    ]
    if writes:
        listed.insert(2, _tool(tools.remove_background_batch, "Remove many backgrounds", changes))
    return PictureServer(listed, _instructions(folders), limits.queue)


def _tool(function: Callable[..., Any], title: str, annotations: ToolAnnotations) -> Tool:
    description = " ".join((function.__doc__ or "").split())
    tool = Tool.from_function(function, title=title, description=description, annotations=annotations)
    tool.parameters["additionalProperties"] = False
    return tool


def _instructions(folders: Folders) -> str:
    if not folders.roots:
        return (
            "Cuts the main object out of photos. No folder is open: send pictures as image_base64, results "
            "come back as pictures."
        )
    names = ", ".join(str(root) for root in folders.roots)
    return (
        f"Cuts the main object out of photos. Files in these folders can be named: {names}. Relative paths "
        "start at the first one. Results are written there, and a small picture of them comes back."
    )


class Endpoint:
    """``/mcp`` as an ASGI application: streamable HTTP without sessions.

    Answers are JSON, not event streams, of which clients take no more than 1 MiB at once: less than a picture
    in base64. So there is no progress.

    Parameters
    ----------
    server
        What is served.
    body_limit
        Bytes that a request may have; the application refuses more before.
    """

    path = "/mcp"
    """Where it is, and what the metrics call it."""

    def __init__(self, server: MCPServer[Any], body_limit: int) -> None:
        server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=body_limit,
            # hosts and origins are the application's business
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        self._manager = server.session_manager

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the length of the block, once."""
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a client that goes away leaves the queue."""
        from ..web.problems import problem
        from ..web.uploads import unless_gone

        scope.setdefault("route", self)
        if scope["method"] != "POST":
            # a GET would only wait for messages that never come, and keep the service from ending
            await problem(405, "send MCP requests as POST", {"Allow": "POST"})(scope, receive, send)
            return
        request = Request(scope, receive)
        body = b"".join([chunk async for chunk in request.stream()])
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        del body  # it is large, and read once

        async def replay() -> Message:
            if not messages:
                await asyncio.Event().wait()  # that a client has gone is heard here, not there
            return messages.pop()

        await unless_gone(request, self._manager.handle_request(scope, replay, send))


def make_endpoint(services: Services, body_limit: int) -> Endpoint:
    """Make ``/mcp`` of an HTTP service: with its networks, for the folders of its settings."""

    async def started() -> Services:
        return services

    server = make_mcp(started, Folders(services.settings.folders), services.limits)
    return Endpoint(server, body_limit)


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Undo what the library does to the root logger when a server is made."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
