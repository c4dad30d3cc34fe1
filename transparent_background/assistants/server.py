"""The MCP server: its tools, and what is said of them."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
)

from .._version import __version__
from ..errors import UsageError
from ..options.service import Limits
from ..service.admission import Admission
from .answers import Answers
from .contents import SCHEME, media_type_of
from .film_tools import FilmTools
from .folders import Folders
from .tool import told
from .tools import PictureTools

if TYPE_CHECKING:
    from ..service.services import Services

NAME = "transparent-background"


class PictureServer(Server[Any]):
    """An MCP server whose errors are sentences, and that refuses arguments nobody knows.

    Parameters
    ----------
    services
        Gives the networks; awaited when a tool needs them.
    folders
        The folders whose files the tools may read and write; with none, pictures are sent and come back.
    limits
        How large pictures may be, and how many calls, of whatever tool, are worked on at once.
    answers
        Where answers are written, if it is to be known which are still owed.
    """

    def __init__(
        self,
        services: Callable[[], Awaitable[Services]],
        folders: Folders,
        limits: Limits,
        answers: Answers | None = None,
    ) -> None:
        self.working = Admission(limits.queue)
        """Calls that are worked on; one for several pictures counts as one."""
        self._answers = answers
        self._services = services
        tools = PictureTools(services, folders, limits).listed()
        if folders.roots and find_spec("av") is not None:
            tools += FilmTools(services, folders, limits).listed()
        self._tools = {tool.described.name: tool for tool in tools}
        super().__init__(
            NAME,
            title="Background removal",
            instructions=_instructions(folders),
            version=__version__,
            on_list_tools=self._list,
            on_call_tool=self._call,
            on_list_resources=self._list_resources,
            on_read_resource=self._read,
        )

    async def _list(
        self, context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[tool.described for tool in self._tools.values()])

    async def _list_resources(
        self, context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        """Return none: results can be read by whoever was given their address, and by nobody else."""
        return ListResourcesResult(resources=[])

    async def _read(
        self, context: ServerRequestContext[Any], params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        """Return the whole of a result that was too large for an answer."""
        kept = None
        if params.uri.startswith(SCHEME):
            kept = (await self._services()).kept.find(params.uri.removeprefix(SCHEME))
        if kept is None:
            text = "there is no such result, or its time is over; ask for it again, with output"
            raise MCPError(INVALID_PARAMS, text)
        blob = await run_sync(base64.b64encode, kept.data)
        contents = BlobResourceContents(
            uri=params.uri, mime_type=media_type_of(kept.name), blob=blob.decode()
        )
        return ReadResourceResult(contents=[contents])

    async def _call(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        """Call a tool; whatever was wrong is answered with one sentence."""
        with ExitStack() as stack:
            if self._answers is not None and context.request_id is not None:
                stack.enter_context(self._answers.owing(context.request_id))
            try:
                stack.enter_context(self.working.enter())
                tool = self._tools.get(params.name)
                if tool is None:
                    raise UsageError(f"Unknown tool: {params.name}")
                return await tool.call(params.arguments or {}, context.session.report_progress)
            except Exception as error:
                text = TextContent(type="text", text=told(error))
                return CallToolResult(content=[text], is_error=True)


def _instructions(folders: Folders) -> str:
    if not folders.roots:
        return (
            "Cuts the main object out of photos. No folder is open: send pictures as image_base64, results "
            "come back as pictures."
        )
    names = ", ".join(str(root) for root in folders.roots)
    return (
        f"Cuts the main object out of photos and films. Files in these folders can be named: {names}. "
        "Relative paths start at the first one. Results are written there, and a small picture of them comes "
        "back. list_folder shows what is there; films go on by themselves after start_film."
    )
