"""What assistants can ask for: pictures of open folders, or pictures sent along, cut out."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

from anyio import CancelScope
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent

from ..errors import DeviceError, OutputConflictError, TransparentBackgroundError
from ..options.service import Limits
from ..service.models import describe
from .arguments import (
    PREVIEW,
    Base64,
    BatchItem,
    BatchReport,
    Behind,
    Colour,
    Crop,
    Format,
    Mode,
    OneFolder,
    OnePath,
    Output,
    OutputFolder,
    Overwrite,
    Paths,
    Preview,
    Quality,
    Report,
    Reverse,
    Served,
    Threshold,
    Type,
)
from .folders import Folders, Place, as_folder
from .work import Wish, Work, make_job, result_name

if TYPE_CHECKING:
    from ..service.requests import Job
    from ..service.services import Services

WAITING = 1.0  # seconds between reports while the network is loaded


class PictureTools:
    """The tools, as methods whose arguments are documented for assistants.

    Parameters
    ----------
    services
        Gives the networks, which it may have to start first.
    folders
        That are open.
    limits
        Of pictures.
    """

    def __init__(self, services: Callable[[], Awaitable[Services]], folders: Folders, limits: Limits) -> None:
        self._services, self._folders = services, folders
        self._work = Work(folders, limits)

    async def remove_background(
        self,
        context: Context[Any, Any],
        path: OnePath = None,
        image_base64: Base64 = None,
        output: Output = None,
        type: Type = "rgba",
        mode: Mode = None,
        threshold: Threshold = None,
        reverse: Reverse = False,
        crop: Crop = None,
        format: Format = None,
        quality: Quality = None,
        background: Colour = "white",
        background_image: Behind = None,
        overwrite: Overwrite = False,
        preview: Preview = True,
    ) -> Annotated[CallToolResult, Report]:
        """Cut the main object out of a photo: on transparency, a colour, its own blur or another picture.

        Give path or image_base64. The result is written beside the picture unless output says where;
        nothing that is there is replaced without overwrite.
        """
        wish = Wish(
            path=path,
            image_base64=image_base64,
            output=output,
            background_image=background_image,
            overwrite=overwrite,
            preview=preview,
        )
        options = {"type": type, "mode": mode, "threshold": threshold, "reverse": reverse, "crop": crop}
        options |= {"format": format, "quality": quality, "background": background}
        return await self._answer(context, wish, options)

    async def get_matte(
        self,
        context: Context[Any, Any],
        path: OnePath = None,
        image_base64: Base64 = None,
        output: Output = None,
        mode: Mode = None,
        threshold: Threshold = None,
        reverse: Reverse = False,
        format: Format = None,
        overwrite: Overwrite = False,
        preview: Preview = True,
    ) -> Annotated[CallToolResult, Report]:
        """Get the matte of a photo's main object: a grey picture, white where the object is, black elsewhere.

        Give path or image_base64. The result is written beside the picture as NAME_map.png unless output
        says where; nothing that is there is replaced without overwrite.
        """
        wish = Wish(path=path, image_base64=image_base64, output=output, overwrite=overwrite, preview=preview)
        options = {"type": "map", "mode": mode, "threshold": threshold, "reverse": reverse, "format": format}
        return await self._answer(context, wish, options)

    async def remove_background_batch(
        self,
        context: Context[Any, Any],
        folder: OneFolder = None,
        paths: Paths = None,
        output: OutputFolder = None,
        type: Type = "rgba",
        mode: Mode = None,
        threshold: Threshold = None,
        reverse: Reverse = False,
        crop: Crop = None,
        format: Format = None,
        quality: Quality = None,
        background: Colour = "white",
        overwrite: Overwrite = False,
    ) -> BatchReport:
        """Cut out all pictures of a folder (not those of folders in it), or several that are named.

        Results are called as those of remove_background. Pictures that fail are told in the answer, the
        others are done; progress is reported.
        """
        options = {"type": type, "mode": mode, "threshold": threshold, "reverse": reverse, "crop": crop}
        options |= {"format": format, "quality": quality, "background": background}
        texts = await asyncio.to_thread(self._work.listed, folder, paths)
        services = await self._started(context)
        job = make_job(options)
        services.pictures.mode_of(job.mode)
        if folder is not None and output is None:  # results of an earlier run are no sources
            results = {result_name(text, job) for text in texts}
            texts = [text for text in texts if PurePath(text).name not in results]
        into = None if output is None else as_folder(output)
        wishes = [Wish(path=text, output=into, overwrite=overwrite) for text in texts]
        with services.pictures.admission.enter():  # one request; how many pictures it has is limited beside
            items = await self._all(context, services, wishes, job)
        failed = sum(item.error is not None for item in items)
        return BatchReport(done=len(items) - failed, failed=failed, items=items)

    async def list_models(self, context: Context[Any, Any]) -> Served:
        """List the models that can be asked for, types, formats, limits, and the folders that are open."""
        models = describe(await self._started(context))
        return Served(**models.model_dump(), folders=[str(root) for root in self._folders.roots])

    async def _started(self, context: Context[Any, Any]) -> Services:
        """Return the networks; report every second while they are loaded, so that clients go on waiting."""
        starting = asyncio.ensure_future(self._services())
        seconds = 0
        try:
            while not (await asyncio.wait({starting}, timeout=WAITING))[0]:
                seconds += 1
                await context.report_progress(seconds, message="the model is being loaded or downloaded")
            return starting.result()
        finally:
            starting.cancel()

    async def _answer(
        self, context: Context[Any, Any], wish: Wish, options: dict[str, Any]
    ) -> CallToolResult:
        """Work on one picture and say what came of it."""
        began = time.monotonic()
        source = await asyncio.to_thread(self._work.source, wish)
        behind = await asyncio.to_thread(self._work.behind, wish)
        services = await self._started(context)
        format = await asyncio.to_thread(self._work.format, wish, options["format"])
        job = make_job(options | {"format": format}, behind=behind is not None)
        services.pictures.mode_of(job.mode)
        place = await asyncio.to_thread(self._work.target, wish, job)
        with services.pictures.admission.enter():
            done = await self._work.one(services, wish, source, job, place, behind)
            picture: ImageContent | None = None
            if place is None:
                picture = await services.pictures.run(_image, done.data, done.media_type)
            elif wish.preview:
                picture = await services.pictures.run(_preview, done.data)
        report = Report(
            output=None if place is None else str(place.path),
            width=done.size[1],
            height=done.size[0],
            mode=services.pictures.mode_of(job.mode),
            type=job.settings.type.text,
            format=done.suffix,
            bytes=len(done.data),
            seconds=round(time.monotonic() - began, 3),
        )
        content: list[ContentBlock] = [TextContent(type="text", text=report.model_dump_json())]
        if picture is not None:
            content.append(picture)
        return CallToolResult(content=content, structured_content=report.model_dump())

    async def _all(
        self, context: Context[Any, Any], services: Services, wishes: list[Wish], job: Job
    ) -> list[BatchItem]:
        """Work on several pictures, a few at once; report each that is done."""
        places = await asyncio.to_thread(self._work.places, wishes, job)
        turns = asyncio.Semaphore(services.settings.threads + services.workers.lanes)
        finished = 0

        async def one(wish: Wish, place: Place | str) -> BatchItem:
            nonlocal finished
            item = BatchItem(path=str(wish.path))
            async with turns:
                try:
                    if isinstance(place, str):
                        raise OutputConflictError(place)
                    source = await asyncio.to_thread(self._work.source, wish)
                    await self._work.one(services, wish, source, job, place)
                    item.output = str(place.path)
                except Exception as error:
                    item.error = sentence(error)
            finished += 1
            await context.report_progress(finished, len(wishes), item.path)
            return item

        tasks = [asyncio.ensure_future(one(*pair)) for pair in zip(wishes, places, strict=True)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:  # when the client has gone, nobody waits for the rest
            for task in tasks:
                task.cancel()
            with CancelScope(shield=True):
                await asyncio.gather(*tasks, return_exceptions=True)


def sentence(error: Exception) -> str:
    """Say in a sentence what was wrong; what nobody raised on purpose is logged, and not told."""
    # an assistant works on its user's machine and files: what cannot be had or written is for it to know
    if isinstance(error, TransparentBackgroundError) and not isinstance(error, DeviceError):
        return " ".join(str(error).split())
    from ..web.problems import told

    return " ".join(told(error)[1].split())


def _image(data: bytes, media_type: str) -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=media_type)


def _preview(data: bytes) -> ImageContent:
    """Make a small picture: PNG where it is transparent or grey, else JPEG."""
    from PIL import Image

    from ..images.exif import without_warnings

    with without_warnings():
        opened = Image.open(io.BytesIO(data))
    with opened as image:
        image.thumbnail((PREVIEW, PREVIEW))
        small = image if image.mode in ("L", "RGB") else image.convert("RGBA")
        kind = "JPEG" if small.mode == "RGB" else "PNG"
        file = io.BytesIO()
        small.save(file, format=kind)
    return _image(file.getvalue(), f"image/{kind.lower()}")
