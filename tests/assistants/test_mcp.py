"""Assistants' tools, by the official client over HTTP: what they make, what they refuse."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

import anyio
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult
from mcp_helpers import (
    ASTRONAUT,
    call,
    check_cutout,
    converse,
    picture_of,
    report_of,
    running,
    sent,
    told,
)
from PIL import Image

from transparent_background import Remover
from transparent_background.assistants import tools as tools_module
from transparent_background.assistants.folders import Folders
from transparent_background.assistants.server import make_mcp
from transparent_background.assistants.stdio import LazyServices
from transparent_background.assistants.tools import BatchArguments, PictureTools
from transparent_background.assistants.work import Work
from transparent_background.options.service import Limits, ServiceSettings
from transparent_background.service.services import Services

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover("lite", device="cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def address(remover: Remover, root: Path) -> Iterator[str]:
    limits = Limits(bytes=1_000_000, pixels=2_000_000, batch=5)
    with running(remover, folders=(str(root),), limits=limits) as url:
        yield url


@pytest.fixture
def folder(root: Path) -> Iterator[Path]:
    """Return the open folder, with the astronaut in it and nothing else."""
    shutil.copy(ASTRONAUT, root / "astronaut.jpg")
    yield root
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


# what is offered


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_tools_are_described_with_all_their_arguments(address: str, root: Path, mode: str) -> None:
    async def session() -> None:
        async with Client(address, mode=mode) as client:
            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert str(root) in (client.instructions or "")
        assert list(listed) == ["remove_background", "get_matte", "remove_background_batch", "list_models"]
        for tool in listed.values():
            assert tool.title and tool.description and "\n" not in tool.description
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema is not None
            for name, values in tool.input_schema["properties"].items():
                assert values.get("description"), (tool.name, name)
        hints = {name: tool.annotations for name, tool in listed.items()}
        assert hints["list_models"].read_only_hint
        assert not hints["remove_background"].read_only_hint
        assert hints["remove_background"].destructive_hint
        assert not any(hint.open_world_hint for hint in hints.values())

    asyncio.run(session())


def test_models_are_those_of_the_http_service_and_folders_are_told(address: str, root: Path) -> None:
    report = report_of(call(address, "list_models"))
    assert report.pop("folders") == [str(root)]
    answer = httpx2.get(address.replace("/mcp", "/api/models"))
    assert report == answer.json()
    assert [model["name"] for model in report["models"]] == ["lite"]


# pictures of a folder


def test_a_cut_out_is_written_beside_its_source(address: str, folder: Path) -> None:
    result = call(address, path="astronaut.jpg")
    report = report_of(result)
    written = folder / "astronaut_rgba.png"
    assert report["output"] == str(written)
    assert (report["width"], report["height"], report["mode"]) == (512, 512, "lite")
    assert (report["type"], report["format"], report["bytes"]) == ("rgba", "png", written.stat().st_size)
    assert report["seconds"] > 0
    check_cutout(Image.open(written))
    check_cutout(picture_of(result))
    assert sorted(path.name for path in folder.iterdir()) == ["astronaut.jpg", "astronaut_rgba.png"]


def test_previews_are_small_and_can_be_left_out(address: str, folder: Path) -> None:
    Image.new("RGB", (1200, 300), "navy").save(folder / "wide.png")
    result = call(address, path="wide.png", type="white", output="wide.jpg")
    preview = picture_of(result)
    assert (preview.size, preview.format) == ((512, 128), "JPEG")
    assert report_of(result)["width"] == 1200
    result = call(address, path="wide.png", preview=False)
    assert [content.type for content in result.content] == ["text"]


def test_the_matte_is_the_removers(address: str, folder: Path, remover: Remover) -> None:
    result = call(address, "get_matte", path=str(folder / "astronaut.jpg"))
    assert report_of(result)["type"] == "map"
    with Image.open(folder / "astronaut_map.png") as written:
        assert written.mode == "L"
        matte = np.asarray(written, np.float32) / 255
    assert np.abs(matte - remover.alpha(str(ASTRONAUT))).max() <= 1 / 255


@pytest.mark.parametrize(
    ("arguments", "name", "kind", "mode"),
    [
        ({"output": "cut.webp"}, "cut.webp", "WEBP", "RGBA"),
        ({"output": "new/folders/"}, "new/folders/astronaut_rgba.png", "PNG", "RGBA"),
        ({"output": "there", "type": "map"}, "there/astronaut_map.png", "PNG", "L"),
        ({"format": "jpg", "background": "#ff0000"}, "astronaut_rgba.jpg", "JPEG", "RGB"),
        ({"type": "[1, 2, 3]", "reverse": True}, "astronaut_[1, 2, 3]_reverse.png", "PNG", "RGB"),
    ],
)
def test_outputs_and_formats(
    address: str, folder: Path, arguments: dict[str, Any], name: str, kind: str, mode: str
) -> None:
    (folder / "there").mkdir()
    report = report_of(call(address, path="astronaut.jpg", **arguments))
    assert report["output"] == str(folder / name)
    with Image.open(folder / name) as written:
        assert (written.format, written.mode) == (kind, mode)


def test_crop_threshold_and_numbers_as_texts(address: str, folder: Path) -> None:
    with Image.open(folder / "astronaut.jpg") as picture:
        wide = Image.new("RGB", (768, 512), picture.getpixel((0, 0)))
        wide.paste(picture, (256, 0))
        wide.save(folder / "astronaut.jpg")
    report = report_of(call(address, path="astronaut.jpg", crop=5, threshold="0.5"))
    assert report["width"] < 768
    with Image.open(report["output"]) as written:
        assert set(np.unique(np.asarray(written)[..., 3])) == {0, 255}


def test_a_picture_of_the_folder_can_be_put_behind(address: str, folder: Path) -> None:
    Image.new("RGB", (64, 64), (10, 200, 30)).save(folder / "meadow.png")
    report = report_of(call(address, path="astronaut.jpg", background_image="meadow.png"))
    with Image.open(report["output"]) as written:
        assert written.getpixel((10, 10)) == pytest.approx((10, 200, 30), abs=25)


def test_a_link_inside_the_folder_is_followed(address: str, folder: Path) -> None:
    (folder / "link.jpg").symlink_to("astronaut.jpg")
    assert report_of(call(address, path="link.jpg"))["output"] == str(folder / "link_rgba.png")


# nothing is lost


def test_what_is_there_is_replaced_only_if_asked(address: str, folder: Path) -> None:
    written = folder / "astronaut_rgba.png"
    written.write_bytes(b"precious")
    assert "is there already; overwrite=true" in told(call(address, path="astronaut.jpg"))
    assert written.read_bytes() == b"precious"
    report_of(call(address, path="astronaut.jpg", overwrite=True))
    check_cutout(Image.open(written))


def test_a_source_is_never_replaced(address: str, folder: Path) -> None:
    before = (folder / "astronaut.jpg").read_bytes()
    os.link(folder / "astronaut.jpg", folder / "same.jpg")
    for output in ("astronaut.jpg", "same.jpg"):
        result = call(address, path="astronaut.jpg", output=output, type="white", overwrite=True)
        assert told(result) == f"{output}: is the source; choose another output"
    assert (folder / "astronaut.jpg").read_bytes() == before


def test_of_two_calls_for_one_output_one_is_refused(address: str, folder: Path) -> None:
    async def session() -> list[CallToolResult]:
        async with Client(address) as client:
            arguments = {"path": "astronaut.jpg", "output": "one.png"}
            return await asyncio.gather(*(client.call_tool("remove_background", arguments) for _ in range(3)))

    results = asyncio.run(session())
    assert sorted(result.is_error for result in results) == [False, True, True]
    check_cutout(Image.open(folder / "one.png"))


# paths


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../outside/secret.png", "'..'"),
        ("there/../../outside/secret.png", "'..'"),
        ("{outside}/secret.png", "is not in a folder that is open"),
        ("{outside}/missing.png", "is not in a folder that is open"),
        ("/etc/passwd", "is not in a folder that is open"),
        ("/dev/zero", "is not in a folder that is open"),
        ("{folder}/link.png", "is not in a folder that is open"),
        ("link.png", "is not in a folder that is open"),
        ("away/secret.png", "is not in a folder that is open"),
        ("dangling.png", "is not in a folder that is open"),
        ("C:\\Windows\\win.ini", "write paths with /"),
        ("..\\outside\\secret.png", "write paths with /"),
        ("\\\\server\\share\\a.png", "write paths with /"),
        ("a\x00.png", "too long, or has characters"),
        ("a\n.png", "too long, or has characters"),
        ("a" * 5000, "too long, or has characters"),
        ("a" * 300 + ".png", "cannot be opened: File name too long"),
        ("", "is empty"),
        ("astronaut.jpg/x.png", "cannot be opened: Not a directory"),
        ("~/secret.png", "is not in a folder that is open"),
        ("file:///etc/passwd", "no such file"),
        ("loop.png", "is no file that can be read"),
    ],
)
@pytest.mark.parametrize("argument", ["path", "background_image"])
def test_no_source_lies_outside_the_folders(
    address: str, folder: Path, outside: Path, argument: str, path: str, says: str
) -> None:
    (folder / "loop.png").symlink_to("loop.png")
    path = path.format(outside=outside, folder=folder)
    arguments = {"path": "astronaut.jpg", argument: path}
    assert says in told(call(address, **arguments))
    assert sorted(entry.name for entry in folder.iterdir() if not entry.is_symlink()) == ["astronaut.jpg"]


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("../outside/new.png", "'..'"),
        ("{outside}/new.png", "is not in a folder that is open"),
        ("{outside}/", "is not in a folder that is open"),
        ("/tmp/new.png", "is not in a folder that is open"),
        ("away/new.png", "is not in a folder that is open"),
        ("away/new/new.png", "is not in a folder that is open"),
        ("away", "is not in a folder that is open"),
        ("link.png", "is not in a folder that is open"),
        ("dangling.png", "is not in a folder that is open"),
        ("..\\new.png", "write paths with /"),
        ("new\x00.png", "too long, or has characters"),
        ("a" * 5000, "too long, or has characters"),
        ("a" * 300 + ".png", "cannot be written: the name is too long"),
        ("", "is empty"),
        ("astronaut.jpg/new.png", "cannot be written: Not a directory"),
        ("fifo.png", "something that is no file has that name"),
        ("new.sh", "end it with .png"),
        ("new", "end it with .png"),
        (".png", "end it with .png"),
        ("new.png.jpg", None),
    ],
)
def test_no_output_lies_outside_the_folders(
    address: str, folder: Path, outside: Path, output: str, says: str | None
) -> None:
    os.mkfifo(folder / "fifo.png")
    before = {entry: entry.read_bytes() for entry in outside.iterdir()}
    output = output.format(outside=outside, folder=folder)
    result = call(address, path="astronaut.jpg", output=output, overwrite=True)
    if says is None:
        assert report_of(result)["format"] == "jpg"
    else:
        assert says in told(result)
    assert {entry: entry.read_bytes() for entry in outside.iterdir()} == before


def test_of_files_elsewhere_not_even_their_being_there_is_told(address: str, outside: Path) -> None:
    texts = {
        told(call(address, path=f"{outside}/{name}")).replace(name, "NAME")
        for name in ("secret.png", "missing.png")
    }
    assert len(texts) == 1


@pytest.fixture
def outside(folder: Path) -> Path:
    """Return a folder that is not open; links in the open one lead to it."""
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    shutil.copy(ASTRONAUT, outside / "secret.png")
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "dangling.png").symlink_to(outside / "missing.png")
    (folder / "away").symlink_to(outside)
    return outside


def test_what_is_no_file_is_not_opened(address: str, folder: Path) -> None:
    os.mkfifo(folder / "fifo.png")  # to open it would be to wait for ever
    (folder / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket.png"))
        assert told(call(address, path="socket.png")) == "socket.png: is no file that can be read"
    assert told(call(address, path="fifo.png")) == "fifo.png: is no file that can be read"
    assert told(call(address, path="folder.png")) == "folder.png: is a folder, not a picture"
    assert told(call(address, path=".")) == ".: is a folder, not a picture"


# what is refused


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"this is a text\n", "odd.png: is not a picture, whatever its name says"),
        (b"", "odd.png: is empty (0 bytes)"),
        (ASTRONAUT.read_bytes()[:5000], "cannot be decoded: image file is truncated"),
        (bytes(1_000_001), "odd.png: is too large; at most 0.9537 MiB are taken here"),
    ],
)
def test_files_that_are_no_pictures(address: str, folder: Path, data: bytes, says: str) -> None:
    (folder / "odd.png").write_bytes(data)
    assert says in told(call(address, path="odd.png"))
    assert says in told(call(address, path="astronaut.jpg", background_image="odd.png")).replace(
        "the background", "odd.png"
    )
    assert not list(folder.glob("*_rgba.png"))


def test_pictures_of_too_many_pixels(address: str, folder: Path) -> None:
    Image.new("L", (3000, 1000)).save(folder / "wide.png")
    assert "has 3.0 million pixels; at most 2 million" in told(call(address, path="wide.png"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"type": "no such type"}, "type 'no such type' is unknown; choose rgba, map"),
        ({"type": "/etc/passwd"}, "type '/etc/passwd' is unknown"),
        ({"mode": "nope"}, "mode 'nope' is not served here; choose from lite"),
        ({"threshold": 7}, "threshold: input should be less than or equal to 1"),
        ({"crop": "a lot"}, "crop "),
        ({"format": "gif"}, "format: input should be 'png'"),
        ({"format": "png", "output": "a.jpg"}, "output 'a.jpg' is no png by its name"),
        ({"quality": 0}, "quality: input should be greater"),
        ({"background": "nothing", "format": "jpg"}, "background 'nothing' is no colour"),
        ({"treshold": 0.5}, "treshold: there is no such argument"),
        ({"image_base64": "AAAA"}, "give either path or image_base64"),
        ({"path": None}, "give either path or image_base64"),
        ({"path": 5}, "path: input should be a valid string"),
    ],
)
def test_arguments_that_make_no_sense(
    address: str, folder: Path, arguments: dict[str, Any], says: str
) -> None:
    assert says in told(call(address, **{"path": "astronaut.jpg", **arguments}))
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


def test_what_breaks_is_logged_and_not_told(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: Any) -> None:
        raise RuntimeError("the secret of /etc/shadow")

    monkeypatch.setattr("transparent_background.service.pictures._finish", broken)
    text = told(call(address, path="astronaut.jpg"))
    assert text == "something went wrong here; the server's log says what"
    assert any(record.exc_info and "secret" in str(record.exc_info[1]) for record in caplog.records)


# pictures that are sent


def test_a_picture_that_is_sent_comes_back_whole(address: str, folder: Path) -> None:
    result = call(address, image_base64=sent())
    picture = picture_of(result)
    assert (picture.format, picture.size) == ("PNG", (512, 512))
    check_cutout(picture)
    assert report_of(result)["output"] is None
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


def test_a_data_address_and_another_format(address: str) -> None:
    result = call(address, "get_matte", image_base64=f"data:image/jpeg;base64,{sent()}", format="webp")
    assert picture_of(result).format == "WEBP"


def test_a_picture_that_is_sent_can_be_written(address: str, folder: Path) -> None:
    report = report_of(call(address, image_base64=sent(), output="new/"))
    assert report["output"] == str(folder / "new" / "picture_rgba.png")
    check_cutout(Image.open(report["output"]))


def test_what_is_sent_must_be_a_picture_in_base64(address: str) -> None:
    assert told(call(address, image_base64="no base64!")) == "image_base64: is no base64"
    assert "is not a picture" in told(call(address, image_base64=base64.b64encode(b"a text").decode()))
    large = base64.b64encode(bytes(1_000_100)).decode()
    assert "is too large; at most 0.9537 MiB" in told(call(address, image_base64=large))


# several pictures


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


# over HTTP


def test_a_token_is_asked_for(remover: Remover) -> None:
    with running(remover, token=TOKEN) as url:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        for wrong in ({}, {"Authorization": "Bearer wrong"}):
            answer = httpx2.post(url, content="{}", headers={**headers, **wrong})
            assert answer.status_code == 401

        async def session(token: str) -> list[str]:
            async with (
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                return [tool.name for tool in (await client.list_tools()).tools]

        assert asyncio.run(session(TOKEN)) == ["remove_background", "get_matte", "list_models"]
        with pytest.raises(BaseException, match=r"401|unhandled errors"):
            asyncio.run(session("wrong"))


def test_without_a_folder_pictures_are_sent(remover: Remover) -> None:
    calls = [
        ("remove_background", {"path": str(ASTRONAUT)}),
        ("remove_background", {"image_base64": sent(), "output": "a.png"}),
        ("remove_background", {"image_base64": sent()}),
        ("list_models", {}),
    ]
    with running(remover) as url:
        for mode in ("auto", "legacy"):
            by_path, by_output, by_picture, models = converse(url, calls, mode=mode)
            assert "no folder is open to this service" in told(by_path)
            assert "--folder PATH" in told(by_output)
            check_cutout(picture_of(by_picture))
            assert report_of(models)["folders"] == []


def test_other_pages_other_names_and_large_bodies_are_refused(address: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

    def status(**more: str) -> int:
        return httpx2.post(address, content="{}", headers={**headers, **more}).status_code

    assert status(Host="evil.example") == 421
    assert status(Origin="https://evil.example") == 403
    assert httpx2.post(address, content=b"{" * 4_000_000, headers=headers).status_code == 413
    for method in ("GET", "DELETE"):
        answer = httpx2.request(method, address, headers=headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    metrics = httpx2.get(address.replace("/mcp", "/metrics")).text
    assert 'path="/mcp",status="405"' in metrics


def hang_up(address: str, entered: threading.Event) -> None:
    """Send a request by hand, and close the connection when it is worked on."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    message |= {"params": {"name": "remove_background", "arguments": {"path": "astronaut.jpg"}}}
    body = json.dumps(message).encode()
    host, port = address.split("/")[2].split(":")
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        assert entered.wait(30)


def cancel(address: str, entered: threading.Event) -> None:
    """Call a tool by the client, and cancel that when it is worked on."""

    async def session() -> None:
        async with Client(address) as client:
            calling = asyncio.ensure_future(client.call_tool("remove_background", {"path": "astronaut.jpg"}))
            assert await asyncio.to_thread(entered.wait, 30)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    asyncio.run(session())


@pytest.mark.parametrize("leave", [hang_up, cancel])
def test_who_goes_away_leaves_the_queue(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, leave: Callable[..., None]
) -> None:
    entered, release, cancelled = threading.Event(), threading.Event(), threading.Event()

    async def held(self: Any, *arguments: Any, **options: Any) -> Any:
        entered.set()
        try:
            while not release.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    monkeypatch.setattr(tools_module.Work, "one", held)
    try:
        leave(address, entered)
        assert cancelled.wait(30)
    finally:
        release.set()
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_a_file_that_is_being_written_is_waited_for_when_its_call_is_cancelled(
    folder: Path, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServiceSettings(folders=(str(folder),))
    entered, release = threading.Event(), threading.Event()
    write = Folders.write

    def held(*arguments: Any, **options: Any) -> None:
        entered.set()
        assert release.wait(30)
        write(*arguments, **options)

    monkeypatch.setattr(Folders, "write", held)

    async def session() -> None:
        services = Services([{"lite": remover}], settings)

        async def started() -> Services:
            return services

        server = make_mcp(started, Folders(settings.folders), settings.limits)
        async with services.running(), Client(server, mode="legacy") as client:
            calling = asyncio.ensure_future(client.call_tool("remove_background", {"path": "astronaut.jpg"}))
            assert await asyncio.to_thread(entered.wait, 30)
            calling.cancel()
            report_of(await client.call_tool("list_models", {}))  # the cancellation has been heard of
            counts = server.working.count, services.pictures.admission.count
            release.set()
            await server.working.drain()
            assert (folder / "astronaut_rgba.png").exists()
            await asyncio.gather(calling, return_exceptions=True)
            assert counts == (1, 1)

    asyncio.run(session())


def test_a_batch_that_breaks_off_leaves_nothing_going_on(
    folder: Path, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServiceSettings(folders=(str(folder),))
    going: set[str] = set()
    ended: list[str] = []

    async def one(self: Any, services: Any, order: Any, source: Any, place: Any, name: str, **_: Any) -> None:
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


def test_calls_of_every_tool_are_counted_and_refused_at_the_end(remover: Remover) -> None:
    settings = ServiceSettings()

    async def session() -> None:
        services = Services([{"lite": remover}], settings)
        going_on = asyncio.Event()

        async def started() -> Services:
            await going_on.wait()
            return services

        server = make_mcp(started, Folders([]), settings.limits)
        async with Client(server) as client:
            calling = asyncio.ensure_future(client.call_tool("list_models", {}))
            await until(lambda: server.working.count == 1)
            draining = asyncio.ensure_future(server.working.drain())
            await until(lambda: server.working.closing)
            assert told(await client.call_tool("list_models", {})) == "the service is being stopped"
            assert not draining.done()
            going_on.set()
            await draining
            assert report_of(await calling)["default"] == "lite"

    asyncio.run(session())


# while the network is loaded


def test_progress_is_told_while_the_network_is_loaded_and_of_a_batch(
    folder: Path, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools_module, "WAITING", 0.01)
    settings = ServiceSettings(folders=(str(folder),))
    progress: list[tuple[float, float | None, str | None]] = []

    async def session() -> CallToolResult:
        told = asyncio.Event()
        services = Services([{"lite": remover}], settings)

        async def started() -> Services:
            await told.wait()
            return services

        async def note(done: float, total: float | None, message: str | None) -> None:
            progress.append((done, total, message))
            told.set()

        server = make_mcp(started, Folders(settings.folders), settings.limits)
        async with services.running(), Client(server) as client:
            return await client.call_tool("remove_background_batch", {"folder": "."}, progress_callback=note)

    report = report_of(asyncio.run(session()))
    assert report["done"] == 1
    assert progress[0] == (1, None, "the model is being loaded or downloaded")
    assert progress[-1] == (1, 1, "astronaut.jpg")


def test_loading_goes_on_when_the_call_that_began_it_is_given_up(remover: Remover) -> None:
    settings = ServiceSettings()
    entered, release = threading.Event(), threading.Event()
    loads = []

    def load() -> list[dict[str, Remover]]:
        loads.append(1)
        entered.set()
        assert release.wait(30)
        return [{"lite": remover}]

    async def session() -> None:
        services = LazyServices(load, settings)
        server = make_mcp(services, Folders([]), settings.limits)
        async with anyio.create_task_group() as tasks, Client(server) as client:
            tasks.start_soon(services.run)
            calling = asyncio.ensure_future(client.call_tool("list_models", {}))
            assert await asyncio.to_thread(entered.wait, 30)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            release.set()
            assert report_of(await client.call_tool("list_models", {}))["default"] == "lite"
            assert await services.close()

    asyncio.run(session())
    assert loads == [1]
