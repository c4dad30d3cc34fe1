"""What assistants can ask for: pictures of open folders, or pictures sent along, cut out."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.to_thread import run_sync
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent, ToolAnnotations
from mcp.types import Tool as DescribedTool
from pydantic import BaseModel, ValidationError

from ..errors import DeviceError, OutputConflictError, TransparentBackgroundError, UsageError
from ..options.service import Limits
from ..service.models import describe
from ..service.requests import PictureOptions
from ..service.sentences import sentence, validation_sentence
from .arguments import (
    PREVIEW,
    Arguments,
    BatchArguments,
    BatchItem,
    BatchReport,
    CutOutArguments,
    MatteArguments,
    Report,
    Served,
)
from .folders import Folders, Place, as_folder
from .work import Work, result_name

if TYPE_CHECKING:
    from ..service.pictures import Order
    from ..service.services import Services

WAITING = 1.0  # seconds between reports while the network is loaded

A = TypeVar("A", bound=BaseModel)

Progress = Callable[[float, "float | None", "str | None"], Awaitable[None]]
"""Tells a client how much is done, of how much, and of what."""


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
                idempotent_hint=True,
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
        return await self.run(_checked(self.arguments, values), progress)


class PictureTools:
    """The tools.

    Parameters
    ----------
    services
        Gives the service, which it may have to start first.
    folders
        The folders that are open.
    limits
        How large pictures may be.
    """

    def __init__(self, services: Callable[[], Awaitable[Services]], folders: Folders, limits: Limits) -> None:
        self._services, self._folders = services, folders
        self._work = Work(folders, limits)

    def listed(self) -> list[Tool]:
        """Return the tools that are of use with the folders that are open."""
        writes = bool(self._folders.roots)
        tools = [
            Tool(self.remove_background, "Remove a background", CutOutArguments, Report, writes=writes),
            Tool(self.get_matte, "Get a matte", MatteArguments, Report, writes=writes),
            Tool(self.list_models, "List models", Arguments, Served, writes=False),
        ]
        if writes:
            batch, title = self.remove_background_batch, "Remove many backgrounds"
            tools.insert(2, Tool(batch, title, BatchArguments, BatchReport, writes=True))
        return tools

    async def remove_background(self, call: CutOutArguments, progress: Progress) -> CallToolResult:
        """Cut the main object out of a photo: on transparency, a colour, its own blur or another picture.

        Give path or image_base64. The result is written beside the picture unless output says where;
        nothing that is there is replaced without overwrite.
        """
        return await self._one(call, progress, call.background_image)

    async def get_matte(self, call: MatteArguments, progress: Progress) -> CallToolResult:
        """Get the matte of a photo's main object: a grey picture, white where the object is, black elsewhere.

        Give path or image_base64. The result is written beside the picture as NAME_map.png unless output
        says where; nothing that is there is replaced without overwrite.
        """
        return await self._one(call, progress, type="map")

    async def remove_background_batch(self, call: BatchArguments, progress: Progress) -> CallToolResult:
        """Cut out all pictures of a folder (not those of folders in it), or several that are named.

        Results are called as those of remove_background. Pictures that fail are told in the answer, the
        others are done; progress is reported.
        """
        paths = await run_sync(self._work.listed, call.folder, call.paths)
        services = await self._started(progress)
        order = services.pictures.order(_options(call))
        if call.folder is not None and call.output is None:  # results of an earlier run are no sources
            results = {result_name(path, order) for path in paths}
            paths = [path for path in paths if PurePath(path).name not in results]
        with services.admission.enter():  # one request; how many pictures it has is limited beside
            items = await self._all(call, paths, order, services, progress)
        failed = sum(item.error is not None for item in items)
        return _result(BatchReport(done=len(items) - failed, failed=failed, items=items))

    async def list_models(self, call: Arguments, progress: Progress) -> CallToolResult:
        """List the models that can be asked for, types, formats, limits, and the folders that are open."""
        services = await self._started(progress)
        models = describe(services.workers.networks, services.settings)
        return _result(Served(**models.model_dump(), folders=[str(root) for root in self._folders.roots]))

    async def _started(self, progress: Progress) -> Services:
        """Return the networks; report every second while they are loaded, so that clients go on waiting."""
        seconds = 0
        while True:
            with anyio.move_on_after(WAITING):
                return await self._services()
            seconds += 1
            await progress(seconds, None, "the model is being loaded or downloaded")

    async def _one(
        self, call: MatteArguments, progress: Progress, background_image: str | None = None, **more: str
    ) -> CallToolResult:
        """Work on one picture and say what came of it."""
        began = time.monotonic()
        source = await run_sync(self._work.source, call.path, call.image_base64)
        behind = None
        if background_image is not None:
            behind = (await run_sync(self._work.read, background_image, "background_image")).data
        services = await self._started(progress)
        format = await run_sync(self._work.format, call.output, call.format)
        order = services.pictures.order(_options(call, format=format, **more), behind)
        place = await run_sync(self._work.target, call.path, call.output, order)
        with services.admission.enter():
            done = await self._work.one(services, order, source, call.path, place, call.overwrite)
            picture: list[ContentBlock] = []
            if place is None:
                picture = [await run_sync(_image, done.data, order.media_type)]
            elif call.preview:
                picture = [await run_sync(_preview, done.data)]
        height, width = done.size
        report = Report(
            output=None if place is None else str(place.path),
            width=width,
            height=height,
            mode=order.network.name,
            type=order.settings.type.text,
            format=order.suffix,
            bytes=len(done.data),
            seconds=round(time.monotonic() - began, 3),
        )
        return _result(report, *picture)

    async def _all(
        self, call: BatchArguments, paths: list[str], order: Order, services: Services, progress: Progress
    ) -> list[BatchItem]:
        """Work on several pictures, a few at once; report each that is done."""
        output = None if call.output is None else as_folder(call.output)
        places = await run_sync(self._work.places, paths, output, order)
        turns = anyio.Semaphore(services.settings.threads + services.workers.lanes)
        items = [BatchItem(path=path) for path in paths]
        finished = 0

        async def one(item: BatchItem, place: Place | str) -> None:
            nonlocal finished
            async with turns:
                try:
                    if isinstance(place, str):
                        raise OutputConflictError(place)
                    source = await run_sync(self._work.source, item.path)
                    await self._work.one(services, order, source, item.path, place, call.overwrite)
                    item.output = str(place.path)
                except Exception as error:
                    item.error = told(error)
            finished += 1
            await progress(finished, len(items), item.path)

        async with anyio.create_task_group() as tasks:
            for item, place in zip(items, places, strict=True):
                tasks.start_soon(one, item, place)
        return items


def told(error: Exception) -> str:
    """Say in a sentence what was wrong; what nobody raised on purpose is logged, and not told."""
    # an assistant works on its user's machine and files: what cannot be had or written is for it to know
    own = isinstance(error, TransparentBackgroundError) and not isinstance(error, DeviceError)
    return " ".join((str(error) if own else sentence(error)).split())


def _checked(model: type[A], values: dict[str, Any]) -> A:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(validation_sentence(error.errors())) from error


def _options(call: Arguments, **more: str | None) -> PictureOptions:
    """Return what a call asks of its pictures; None leaves an option as it is.

    Raises
    ------
    UsageError
        One makes no sense.
    """
    values = {**call.model_dump(include=set(PictureOptions.model_fields)), **more}
    return _checked(PictureOptions, {name: value for name, value in values.items() if value is not None})


def _result(report: BaseModel, *pictures: ContentBlock) -> CallToolResult:
    text = TextContent(type="text", text=report.model_dump_json())
    return CallToolResult(content=[text, *pictures], structured_content=report.model_dump(mode="json"))


def _image(data: bytes, media_type: str) -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=media_type)


def _preview(data: bytes) -> ImageContent:
    """Make a small picture: PNG where it is transparent or grey, else JPEG."""
    from ..images.opening import open_picture

    with open_picture(io.BytesIO(data), "the result") as image:
        image.thumbnail((PREVIEW, PREVIEW))
        small = image if image.mode in ("L", "RGB") else image.convert("RGBA")
        kind = "JPEG" if small.mode == "RGB" else "PNG"
        file = io.BytesIO()
        small.save(file, format=kind)
    return _image(file.getvalue(), f"image/{kind.lower()}")
