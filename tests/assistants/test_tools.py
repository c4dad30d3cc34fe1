"""Pictures of a folder and pictures that are sent, cut out."""

from __future__ import annotations

import asyncio
import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import BlobResourceContents, CallToolResult, ResourceLink
from mcp_helpers import (
    ASTRONAUT,
    call,
    check_cutout,
    picture_of,
    report_of,
    sent,
    told,
)
from PIL import Image

from transparent_background import Remover


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
        assert written.getpixel((10, 10)) == pytest.approx((10, 200, 30), abs=35)


def test_a_link_inside_the_folder_is_followed(address: str, folder: Path) -> None:
    (folder / "link.jpg").symlink_to("astronaut.jpg")
    assert report_of(call(address, path="link.jpg"))["output"] == str(folder / "link_rgba.png")


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


def test_a_picture_that_is_sent_comes_back_whole(address: str, folder: Path) -> None:
    result = call(address, image_base64=sent())
    picture = picture_of(result)
    assert (picture.format, picture.size) == ("PNG", (512, 512))
    check_cutout(picture)
    assert report_of(result)["output"] is None
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


def test_a_large_result_comes_smaller_with_a_link_to_the_whole(address: str, folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1100, 1100, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=60)
    arguments = {"image_base64": base64.b64encode(file.getvalue()).decode(), "type": "white"}
    arguments |= {"reverse": True, "format": "png"}

    async def session() -> tuple[CallToolResult, bytes]:
        async with Client(address) as client:
            result = await client.call_tool("remove_background", arguments)
            (link,) = [content for content in result.content if isinstance(content, ResourceLink)]
            (whole,) = (await client.read_resource(link.uri)).contents
            assert isinstance(whole, BlobResourceContents)
            assert (whole.mime_type, link.mime_type, link.name) == (
                "image/png",
                "image/png",
                "picture_white_reverse.png",
            )
            with pytest.raises(MCPError, match="there is no such result"):
                await client.read_resource(f"{link.uri}x")
            assert (await client.list_resources()).resources == []  # others cannot find it
            return result, base64.b64decode(whole.blob)

    result, whole = asyncio.run(session())
    report = report_of(result)
    assert (report["output"], report["width"], report["bytes"]) == (None, 1100, len(whole))
    assert len(whole) > 3 << 20 > len(result.content[1].data) * 3 / 4
    with Image.open(io.BytesIO(whole)) as image:
        assert image.size == (1100, 1100)
    assert picture_of(result).size in ((1100, 1100), (1024, 1024))


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
