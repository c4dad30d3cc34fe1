"""What assistants can ask for with films: start one, look how far it is, cancel it."""

from __future__ import annotations

from anyio.to_thread import run_sync
from mcp.types import CallToolResult

from ..options.service import Limits
from ..service.requests import FilmJobOptions
from .contents import answer
from .films import FilmArguments, FilmId, FilmLook, FilmReport, Films
from .folders import Folders
from .tool import Progress, Start, Tool, options_of, started


class FilmTools:
    """The tools; ``start`` gives the service, ``folders`` are open, ``limits`` say how large films may be."""

    def __init__(self, start: Start, folders: Folders, limits: Limits) -> None:
        self._start, self._films = start, Films(folders, limits)

    def listed(self) -> list[Tool]:
        """Return the tools."""
        return [
            Tool(self.start_film, "Start a film", FilmArguments, FilmReport, writes=True, idempotent=False),
            Tool(self.film_progress, "Look at a film", FilmLook, FilmReport, writes=False),
            Tool(self.cancel_film, "Cancel a film", FilmId, FilmReport, writes=True),
        ]

    async def start_film(self, call: FilmArguments, progress: Progress) -> CallToolResult:
        """Begin to cut the main object out of a film; it goes on by itself, which may take minutes or hours.

        Answers at once with an id and the file that the result will be in: film_progress tells how far it is.
        Without output the result is written beside the film; nothing that is there is replaced without
        overwrite. Transparent films are mov, webm, mkv, apng, webp or gif; mp4 has no transparency.
        """
        services = await started(self._start, progress)
        format = await run_sync(self._films.format, call.output, call.format)
        options = options_of(FilmJobOptions, call, format=format)
        return answer(await self._films.start(services.films, call, options))

    async def film_progress(self, call: FilmLook, progress: Progress) -> CallToolResult:
        """Tell how far a film is; waits some seconds for its end, and reports frames meanwhile.

        Call it again until state is done, failed or cancelled. The result is in output once it is done.
        """
        films = (await started(self._start, progress)).films
        film = self._films.find(films, call.id)
        return answer(await self._films.look(films, film, call.wait, progress))

    async def cancel_film(self, call: FilmId, progress: Progress) -> CallToolResult:
        """Stop a film that waits or is worked on; nothing is left of it. A film that has ended stays."""
        films = (await started(self._start, progress)).films
        film = self._films.find(films, call.id)
        await films.cancel(film)
        return answer(self._films.report(films, film))
