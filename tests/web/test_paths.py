"""What paths answer beside their work: HEAD, caches, and what the OpenAPI document says of them."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from PIL import Image
from serving import TOKEN, detail, file_of


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/api/models", "/page/main.js"])
def test_head_is_answered_as_get_without_a_body(service, path) -> None:
    got, head = service.get(path), service.client.head(service.address + path, timeout=60)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers.get(name) == got.headers.get(name)


def test_the_pages_files_are_asked_for_anew_and_not_sent_again(service) -> None:
    first = service.get("/page/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = service.get("/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "no-cache"


def test_the_document_says_that_a_token_is_needed(service, guarded) -> None:
    document = guarded.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    ((name, scheme),) = document["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for path, methods in document["paths"].items():
        for operation in methods.values():
            public = path in ("/healthz", "/readyz", "/problems")
            assert operation.get("security") == (None if public else [{name: []}]), path
    assert "securitySchemes" not in service.get("/openapi.json").json()["components"]  # it asks for none


def test_the_document_says_what_films_are_and_how_they_are_followed(service) -> None:
    document = service.get("/openapi.json").json()
    answers = document["paths"]["/api/jobs/{id}/result"]["get"]["responses"]
    assert {"video/mp4", "video/webm", "image/gif"} <= set(answers["200"]["content"])
    events = document["paths"]["/api/jobs/{id}/events"]["get"]["responses"]["200"]["content"]
    schema = events["text/event-stream"]["schema"]
    assert schema["contentSchema"]["$ref"].rpartition("/")[2] in document["components"]["schemas"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data": b"", "headers": {"Content-Type": "application/zip"}},
        {"files": {"files": ("", b"")}},
        {"files": [("files", ("a.png", b"")), ("files", ("b.png", b""))]},
        {"files": {"files": ("a.zip", b"PK\x05\x06" + bytes(18))}},
    ],
    ids=["nothing", "empty body", "field left empty", "empty files", "empty archive"],
)
def test_an_empty_batch_is_refused(service, options) -> None:
    assert "send pictures" in detail(service.post("/api/batch", **options), 422)


def test_a_batch_takes_the_options_of_a_picture(service) -> None:
    files = {"files": ("a.png", file_of()), "background_image": ("b.png", file_of(Image.new("RGB", (9, 9))))}
    options = {"foreground": "original", "fit": "tile", "crop": "5", "format": "webp"}
    answer = service.post("/api/batch", files=files, data=options)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (name,) = archive.namelist()
        files["file"] = files.pop("files")
        single = service.post("/api/remove", files=files, data=options)
        assert archive.read(name) == single.content


def test_a_batch_says_of_each_picture_what_was_wrong(service) -> None:
    files = [("files", ("a.png", file_of())), ("files", ("b.png", b"no picture"))]
    with zipfile.ZipFile(io.BytesIO(service.post("/api/batch", files=files).content)) as archive:
        (error,) = json.loads(archive.read("errors.json"))
    assert (error["name"], error["status"], error["code"]) == ("b.png", 415, "unreadable")


@pytest.mark.parametrize(("format", "side"), [("webp", 16_384), ("jpg", 65_501), ("avif", 32_769)])
def test_what_a_format_cannot_hold_is_told_with_its_limit(service, format, side) -> None:
    wide = file_of(Image.new("L", (side, 1)))
    options = {"format": format, "type": "map"}
    answer = service.post("/api/remove", files={"file": ("wide.png", wide)}, data=options)
    assert "pixels a side, and the result is" in detail(answer, 413)
    assert answer.json()["code"] == "too-large"


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n0 0 9 9 rectfill\n%%EOF\n"


def test_drawings_that_other_programs_would_draw_are_refused_wherever_they_come(service) -> None:
    said = "is PostScript, which is drawn by other programs and not read here"
    assert f"a.png: {said}" in detail(service.post("/api/remove", files={"file": ("a.png", EPS)}), 415)
    behind = {"file": ("a.png", file_of()), "background_image": ("b.png", EPS)}
    assert f"the background: {said}" in detail(service.post("/api/remove", files=behind), 415)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("c.jpg", EPS)
    with zipfile.ZipFile(io.BytesIO(service.post("/api/batch", data=packed.getvalue()).content)) as archive:
        assert f"c.jpg: {said}" in archive.read("errors.json").decode()
