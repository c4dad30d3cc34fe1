"""What assistants can ask for: pictures of open folders, or pictures sent along, cut out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from mcp.types import CallToolResult, ContentBlock

from ..errors import OutputConflictError
from ..options.service import Limits
from ..service.models import describe
from ..service.requests import PictureOptions
from .arguments import (
    Arguments,
    BatchArguments,
    BatchItem,
    BatchReport,
    CutOutArguments,
    MatteArguments,
    Report,
    Served,
)
from .contents import LARGEST, answer, fitted, image, link, preview
from .folders import Folders, Place, as_folder
from .listing import ListArguments, Listing, list_folder
from .tool import Progress, Start, Tool, options_of, started, told
from .work import Work, result_name

if TYPE_CHECKING:
    from ..service.pictures import CutOut, Order
    from ..service.services import Services


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

    def __init__(self, services: Start, folders: Folders, limits: Limits) -> None:
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
            title = "List pictures and films"
            tools.append(Tool(self.list_folder, title, ListArguments, Listing, writes=False))
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
        others are done; progress is reported. Of a folder, pictures that are called as results of others
        there are left out, and told; name them in paths to work on them all the same.
        """
        paths, results = await run_sync(self._work.listed, call.folder, call.paths)
        services = await started(self._services, progress)
        order = services.pictures.order(options_of(PictureOptions, call))
        with services.admission.enter():  # one request; how many pictures it has is limited beside
            items = await self._all(call, paths, order, services, progress)
        failed = sum(item.error is not None for item in items)
        done = len(items) - failed
        return answer(BatchReport(done=done, failed=failed, items=items, left_out=results))

    async def list_folder(self, call: ListArguments, progress: Progress) -> CallToolResult:
        """List the pictures and films of a folder (not of folders in it): names, bytes, sizes in pixels.

        A page at a time, by name; give next of an answer as after for the following page.
        """
        return answer(await run_sync(list_folder, self._folders, call))

    async def list_models(self, call: Arguments, progress: Progress) -> CallToolResult:
        """List the models that can be asked for, types, formats, limits, and the folders that are open."""
        services = await started(self._services, progress)
        models = describe(services.workers.networks, services.settings)
        return answer(Served(**models.model_dump(), folders=[str(root) for root in self._folders.roots]))

    async def _one(
        self, call: MatteArguments, progress: Progress, background_image: str | None = None, **more: str
    ) -> CallToolResult:
        """Work on one picture and say what came of it."""
        began = time.monotonic()
        source = await run_sync(self._work.source, call.path, call.image_base64)
        behind = None
        if background_image is not None:
            behind = (await run_sync(self._work.read, background_image, "background_image")).data
        services = await started(self._services, progress)
        format = await run_sync(self._work.format, call.output, call.format)
        order = services.pictures.order(options_of(PictureOptions, call, format=format, **more), behind)
        place = await run_sync(self._work.target, call.path, call.output, order)
        with services.admission.enter():
            done = await self._work.one(services, order, source, call.path, place, call.overwrite)
            picture: list[ContentBlock] = []
            if place is None:
                picture = await self._sent(done, order, services)
            elif call.preview:
                picture = [await run_sync(preview, done.data)]
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
        return answer(report, *picture)

    async def _sent(self, done: CutOut, order: Order, services: Services) -> list[ContentBlock]:
        """Return a result that is not written: itself, or a smaller one and where the whole can be read."""
        if len(done.data) <= LARGEST:
            return [await run_sync(image, done.data, order.media_type)]
        name = result_name(None, order)
        kept = services.kept.keep(done.data, done.size, name)
        return [
            await run_sync(fitted, done.data),
            link(kept.id, name, len(done.data)),
        ]

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
