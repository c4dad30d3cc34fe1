"""Several pictures in one call."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from mcp_helpers import (
    ASTRONAUT,
    call,
    check_cutout,
    report_of,
    told,
    until,
)
from PIL import Image

from transparent_background import Remover
from transparent_background.assistants.folders import Folders
from transparent_background.assistants.tools import BatchArguments, PictureTools
from transparent_background.assistants.work import Work
from transparent_background.options.service import ServiceSettings
from transparent_background.service.services import Services


def test_a_folder_is_worked_through(address: str, folder: Path) -> None:
    shutil.copy(ASTRONAUT, folder / "b.jpg")
    (folder / "broken.png").write_bytes(b"a text")
    (folder / "notes.txt").write_text("not a picture by its name either")
    report = report_of(call(address, "remove_background_batch", folder="."))
    assert (report["done"], report["failed"]) == (2, 1)
    items = {item["path"]: item for item in report["items"]}
    assert list(items) == ["astronaut.jpg", "b.jpg", "broken.png"]
    assert "is not a picture" in items["broken.png"]["error"]
    check_cutout(Image.open(items["b.jpg"]["output"]))
    # the results of this run are no sources of the next
    again = report_of(call(address, "remove_background_batch", folder=str(folder), overwrite=True))
    assert (again["done"], again["failed"]) == (2, 1)


def test_results_of_other_types_are_no_sources_unless_they_are_named(address: str, folder: Path) -> None:
    for kind in ("rgba", "map", "white"):
        report_of(call(address, path="astronaut.jpg", type=kind))
    shutil.copy(ASTRONAUT, folder / "other_white.jpg")  # of no picture that is here
    report = report_of(call(address, "remove_background_batch", folder=".", type="green"))
    assert [item["path"] for item in report["items"]] == ["astronaut.jpg", "other_white.jpg"]
    assert report["left_out"] == ["astronaut_map.png", "astronaut_rgba.png", "astronaut_white.png"]
    named = report_of(call(address, "remove_background_batch", paths=["astronaut_white.png"]))
    assert (named["done"], named["left_out"]) == (1, [])


def test_results_of_a_batch_take_no_others_place(address: str, folder: Path) -> None:
    with Image.open(folder / "astronaut.jpg") as picture:
        picture.resize((64, 64)).save(folder / "astronaut.png")
        picture.resize((64, 64)).save(folder / "astronaut_rgba.png")
    paths = ["astronaut.jpg", "astronaut.png", "../x.jpg"]
    arguments = {"paths": paths, "output": "cut", "overwrite": True}
    report = report_of(call(address, "remove_background_batch", **arguments))
    errors = [item["error"] for item in report["items"]]
    assert errors[0] is None
    assert errors[1] == "cut/astronaut_rgba.png: its result would take the place of that of astronaut.jpg"
    assert "'..'" in errors[2]
    report = report_of(
        call(
            address,
            "remove_background_batch",
            paths=["astronaut.jpg", "astronaut_rgba.png"],
            overwrite=True,
        )
    )
    assert "would take the place of a source of this batch" in report["items"][0]["error"]


def test_a_batch_has_a_limit(address: str, folder: Path) -> None:
    for number in range(5):
        shutil.copy(ASTRONAUT, folder / f"{number}.jpg")
    text = told(call(address, "remove_background_batch", folder="."))
    assert text == "there are 6 pictures; at most 5 are taken at once"
    assert told(call(address, "remove_background_batch")) == "give either folder or paths"
    (folder / "empty").mkdir()
    text = told(call(address, "remove_background_batch", folder="empty"))
    assert text == "there is no picture to work on"


def test_a_batch_that_breaks_off_leaves_nothing_going_on(
    folder: Path, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServiceSettings(folders=(str(folder),))
    going: set[str] = set()
    ended: list[str] = []

    async def one(self: Any, services: Any, order: Any, source: Any, name: str, *_: Any) -> None:
        if name == "0.jpg":
            await until(lambda: len(going) == 2)
            return
        going.add(name)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def gone(*arguments: Any) -> None:
        raise ConnectionError("the client is gone")

    monkeypatch.setattr(Work, "one", one)
    for number in range(3):
        shutil.copy(ASTRONAUT, folder / f"{number}.jpg")

    async def session() -> None:
        services = Services([{"lite": remover}], settings)

        async def started() -> Services:
            return services

        tools = PictureTools(started, Folders(settings.folders), settings.limits)
        async with services.running():
            with pytest.RaisesGroup(ConnectionError):
                await tools.remove_background_batch(BatchArguments(paths=["0.jpg", "1.jpg", "2.jpg"]), gone)
            assert sorted(ended) == ["1.jpg", "2.jpg"]
            assert services.pictures.admission.count == 0

    asyncio.run(session())
