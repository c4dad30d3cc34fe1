"""Films: started, looked at, cancelled, and written where they are wanted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp.client import Client
from mcp_helpers import ASTRONAUT, call, report_of, told
from PIL import Image

av = pytest.importorskip("av")


def clip(path: Path, frames: int) -> Path:
    from film_makers import make_film

    with Image.open(ASTRONAUT) as photo:
        pixels = np.asarray(photo.convert("RGB").resize((160, 120)))
    return make_film(path, [np.roll(pixels, index % 8, axis=1) for index in range(frames)])


def finished(address: str, id: str) -> dict[str, Any]:
    while (report := report_of(call(address, "film_progress", id=id, wait=30)))["state"] in (
        "queued",
        "running",
    ):
        pass
    return report


def test_a_film_is_written_beside_its_source(address: str, folder: Path) -> None:
    clip(folder / "clip.mp4", 10)
    started = report_of(call(address, "start_film", path="clip.mp4", type="white", scale="50%"))
    assert started["state"] in ("queued", "running")
    assert started["output"] == str(folder / "clip_white.mp4")
    report = finished(address, started["id"])
    assert (report["state"], report["frames"], report["error"]) == ("done", 10, None)
    with av.open(report["output"]) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (80, 60)
        assert sum(1 for _ in film.decode(stream)) == 10
    assert sorted(path.name for path in folder.iterdir()) == ["astronaut.jpg", "clip.mp4", "clip_white.mp4"]
    again = told(call(address, "start_film", path="clip.mp4", type="white"))
    assert "is there already; overwrite=true" in again


def test_progress_is_told_while_one_looks(folder: Path, remover: Any) -> None:
    from transparent_background.assistants.folders import Folders
    from transparent_background.assistants.server import PictureServer
    from transparent_background.options.service import ServiceSettings
    from transparent_background.service.services import Services

    clip(folder / "clip.mp4", 40)
    settings = ServiceSettings(folders=(str(folder),))
    told: list[tuple[float, float | None, str | None]] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))

    async def session() -> dict[str, Any]:
        services = Services([{"lite": remover}], settings)

        async def started() -> Services:
            return services

        server = PictureServer(started, Folders(settings.folders), settings.limits)
        async with services.running(), Client(server) as client:
            values = {"path": "clip.mp4", "output": "new/cut.webm", "end": "0:01"}
            id = report_of(await client.call_tool("start_film", values))["id"]
            while True:
                values = {"id": id, "wait": 20}
                result = await client.call_tool("film_progress", values, progress_callback=note)
                if (report := report_of(result))["state"] not in ("queued", "running"):
                    return report

    report = asyncio.run(session())
    assert (report["state"], report["output"]) == ("done", str(folder / "new" / "cut.webm"))
    assert (folder / "new" / "cut.webm").stat().st_size > 0
    assert told and told[-1][0] == report["frames"] and told[-1][2] == "frames"


def test_a_film_can_be_cancelled(address: str, folder: Path) -> None:
    clip(folder / "long.mp4", 900)
    started = report_of(call(address, "start_film", path="long.mp4", output="cut/"))
    report = report_of(call(address, "cancel_film", id=started["id"]))
    assert report["state"] == "cancelled"
    assert not (folder / "cut").exists()
    assert finished(address, started["id"])["state"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"path": "missing.mp4"}, "missing.mp4: no such file"),
        ({"path": "../clip.mp4"}, "write paths without '..'"),
        ({"path": "astronaut.jpg"}, "is a picture by its name; remove_background takes it"),
        ({"path": "notes.mp4"}, "no film"),
        ({"path": "clip.mp4", "output": "cut.png"}, "end it with .mov, .mp4"),
        ({"path": "clip.mp4", "output": "cut.mp4", "format": "webm"}, "is no webm by its name"),
        ({"path": "clip.mp4", "output": "clip.mp4", "type": "white"}, "is the source; choose another output"),
        ({"path": "clip.mp4", "codec": "h264"}, "codec: there is no such argument"),
        ({"path": "clip.mp4", "start": "5", "end": "4"}, "must come after the start"),
        ({"path": "link.mp4"}, "is not in a folder that is open here"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    address: str, folder: Path, outside: Path, arguments: dict[str, Any], sentence: str
) -> None:
    clip(folder / "clip.mp4", 2)
    (folder / "notes.mp4").write_text("Dear Sir or Madam")
    (folder / "link.mp4").symlink_to(outside / "secret.png")
    before = (folder / "clip.mp4").read_bytes()
    assert sentence in told(call(address, "start_film", **arguments))
    assert (folder / "clip.mp4").read_bytes() == before


def test_a_film_that_nobody_started_here_is_not_told_of(address: str) -> None:
    for tool in ("film_progress", "cancel_film"):
        assert "there is no such film" in told(call(address, tool, id="x"))
