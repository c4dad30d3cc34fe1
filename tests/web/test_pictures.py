"""Pictures over HTTP: what comes back is what the remover gives, and what is wrong is said in a sentence."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_object
from PIL import Image

pytest.importorskip("fastapi")

from serving import Running, detail, difference, file_of, opened, serve

from transparent_background import Remover

SAMPLE = Path(__file__).parents[2] / "samples" / "astronaut.jpg"


@pytest.fixture(scope="module")
def service():
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def remover():
    return Remover("lite", device="cpu")


def remove(service: Running, data: bytes, name: str = "photo.png", **fields: object):
    return service.post("/api/remove", files={"file": (name, data)}, data=fields)


def test_a_form_gives_the_removers_cut_out(service, remover) -> None:
    response = remove(service, SAMPLE.read_bytes(), "astronaut.jpg")
    expected = remover.process(SAMPLE)
    assert response.headers["content-type"] == "image/png"
    assert 'filename="astronaut_rgba.png"' in response.headers["content-disposition"]
    assert difference(opened(response), expected) <= 1


def test_a_body_is_a_picture_too_and_the_query_has_the_options(service, remover) -> None:
    response = service.post(
        "/api/remove?type=map", data=SAMPLE.read_bytes(), headers={"Content-Type": "image/jpeg"}
    )
    got = opened(response)
    assert got.mode == "L"
    alpha = np.rint(remover.alpha(SAMPLE) * 255).astype(int)
    assert np.abs(np.asarray(got) - alpha).max() <= 1


@pytest.mark.parametrize("kind", ["green", "white", "blur", "overlay", "#102030", "tomato", "[1, 2, 3]"])
def test_every_type_is_that_of_the_remover(service, remover, kind) -> None:
    image = Image.fromarray(draw_object())
    got = opened(remove(service, file_of(image), type=kind))
    assert difference(got, remover.process(image, type=kind)) <= 1


def test_threshold_and_reverse(service, remover) -> None:
    image = Image.fromarray(draw_object())
    got = opened(remove(service, file_of(image), type="map", threshold="0.5", reverse="true"))
    assert set(np.unique(got)) <= {0, 255}
    assert np.asarray(got)[48, 64] == 0  # the disc's middle


def test_a_picture_is_put_behind(service) -> None:
    blue = file_of(Image.new("RGB", (40, 40), (0, 0, 255)))
    response = service.post(
        "/api/remove", files={"file": ("a.png", file_of()), "background_image": ("sea.png", blue)}
    )
    got = opened(response)
    assert got.mode == "RGB"
    assert got.getpixel((2, 2)) == pytest.approx((0, 0, 255), abs=8)
    assert got.getpixel((64, 48))[0] > 180


def test_crop_cuts_to_the_object(service) -> None:
    response = remove(service, file_of(), crop="0")
    got = opened(response)
    assert got.width < 100
    assert got.height < 90
    left, top, width, height = map(int, response.headers["x-crop-box"].split(", "))
    assert (width, height) == got.size
    whole = opened(remove(service, file_of()))
    assert difference(whole.crop((left, top, left + width, top + height)), got) == 0


@pytest.mark.parametrize(
    ("format", "kind", "mode"),
    [("png", "PNG", "RGBA"), ("webp", "WEBP", "RGBA"), ("jpg", "JPEG", "RGB"), ("tiff", "TIFF", "RGBA")],
)
def test_formats(service, format, kind, mode) -> None:
    response = remove(service, file_of(), format=format)
    got = opened(response)
    assert (got.format, got.mode) == (kind, mode)
    assert response.headers["content-type"] == f"image/{'jpeg' if format == 'jpg' else format}"


def test_orientation_and_depth_are_kept(service) -> None:
    image = Image.fromarray(draw_object())
    exif = image.getexif()
    exif[0x0112] = 6  # turned by a quarter
    assert opened(remove(service, file_of(image, "JPEG", exif=exif), "p.jpg")).size == image.size[::-1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"type": "no such"}, "type 'no such' is unknown"),
        ({"type": "/etc/passwd"}, "is unknown"),
        ({"type": str(SAMPLE)}, "is unknown"),
        ({"threshold": "2"}, "threshold: "),
        ({"mode": "base9"}, "mode 'base9' is not served here; choose from lite"),
        ({"colour": "red"}, "colour: there is no such option"),
        ({"format": "exe"}, "format: "),
        ({"crop": "x"}, "crop "),
        ({"quality": "0"}, "quality: "),
        ({"background": "no colour"}, "is no colour"),
    ],
)
def test_wrong_options_are_named(service, fields, said) -> None:
    sentence = detail(remove(service, file_of(), **fields), 422)
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        SAMPLE.read_bytes()[:3000],
        file_of()[:200],
    ],
    ids=["text", "a head alone", "half a JPEG", "half a PNG"],
)
def test_what_is_no_picture_is_said_by_its_name(service, data) -> None:
    assert "lies.png" in detail(remove(service, data, "lies.png"), 415)


def test_an_empty_file_and_no_file(service) -> None:
    assert "empty" in detail(remove(service, b"", "nothing.png"), 415)
    assert "send one picture" in detail(service.post("/api/remove"), 422)
    assert "send one picture" in detail(service.post("/api/remove", data={"type": "map"}), 422)


def test_a_path_in_a_name_is_not_shown_and_not_used(service) -> None:
    response = remove(service, file_of(), "../../etc/pass\r\nwd.png")
    assert response.headers["content-disposition"].startswith('inline; filename="pass')
    assert "/" not in response.headers["content-disposition"].partition("filename*")[0]


def test_rembgs_clients_work_unchanged(service, remover) -> None:
    """The fields of rembg 2.0.86's ``/api/remove``."""
    image = Image.fromarray(draw_object())
    fields = {"model": "u2net", "a": "true", "af": 240, "ab": 10, "ae": 10, "om": "false", "ppm": "false"}
    got = opened(remove(service, file_of(image), **fields))
    assert difference(got, remover.process(image, foreground="estimate")) <= 1
    mask = opened(remove(service, file_of(image), om="true"))
    assert mask.mode == "L"
    hard = opened(remove(service, file_of(image), om="true", ppm="true"))
    assert set(np.unique(hard)) == {0, 255}
    response = service.post("/api/remove?bgc=255,0,0,255", files={"file": ("a.png", file_of(image))})
    red = opened(response)
    assert red.getpixel((1, 1)) == pytest.approx((255, 0, 0), abs=6)
    half = opened(service.post("/api/remove?bgc=255,0,0,128", files={"file": ("a.png", file_of(image))}))
    assert half.mode == "RGBA"
    assert half.getpixel((1, 1)) == pytest.approx((255, 0, 0, 128), abs=4)
    assert half.getpixel((64, 48))[3] > 250


def test_addresses_are_refused_unless_allowed(service) -> None:
    url = "http://127.0.0.1:1/a.png"
    assert "fetches nothing" in detail(service.get("/api/remove", params={"url": url}), 403)
    assert "fetches nothing" in detail(service.post("/api/remove", data={"url": url}), 403)


def test_private_addresses_are_refused_even_so(remover) -> None:
    with serve([{"lite": remover}], allow_urls=True) as service:
        for url in (f"{service.address}/readyz", "http://localhost/a.png", "file:///etc/passwd"):
            assert detail(service.get("/api/remove", params={"url": url}), 422)


def test_a_picture_is_fetched_where_that_is_allowed(remover, monkeypatch) -> None:
    asked = []

    def fetch(url: str, **options: object) -> bytes:
        asked.append((url, options["max_bytes"]))
        return file_of()

    monkeypatch.setattr("transparent_background.service.pictures.fetch", fetch)
    with serve([{"lite": remover}], allow_urls=True) as service:
        url = "https://example.com/a/disc.png?size=1"
        response = service.get("/api/remove", params={"url": url, "om": "true"})
        assert opened(response).mode == "L"
        assert 'filename="disc_map.png"' in response.headers["content-disposition"]
        assert opened(service.post("/api/remove", data={"url": url})).mode == "RGBA"
        both = service.post("/api/remove", data={"url": url}, files={"file": ("a.png", file_of())})
        assert "send one picture" in detail(both, 422)
        assert [address for address, _ in asked] == [url, url]


@pytest.mark.parametrize("charset", ["undefined", "punycode", "unicode_escape", "utf-16", "no-such"])
def test_odd_character_sets_of_forms_are_no_surprise(service, charset) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="\\ud800type"\r\n\r\nmap\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="\\ud800.png"\r\n\r\n1\r\n--x--\r\n'
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    response = service.post("/api/remove", data=body, headers={"Content-Type": kind})
    assert response.status_code in (400, 422)
    assert detail(response, response.status_code)


@pytest.mark.parametrize("name", ["filename*=undefined''x", "filename*=a''b; filename*=c''d; filename*0=x"])
def test_odd_names_of_bodies_are_no_surprise(service, name) -> None:
    headers = {"Content-Type": "image/png", "Content-Disposition": f"attachment; {name}"}
    opened(service.post("/api/remove", data=file_of(), headers=headers))


def test_models_say_what_is_served(service) -> None:
    about = service.get("/api/models").json()
    assert about["default"] == "lite"
    assert about["models"][0]["base_size"] == [320, 320]
    assert "png" in about["formats"]


def test_a_batch_gives_an_archive(service, remover) -> None:
    image = Image.fromarray(draw_object())
    files = [("files", (f"p{i}.png", file_of(image))) for i in range(3)]
    files += [("files", ("p0.png", file_of(image))), ("files", ("bad.png", b"no picture"))]
    response = service.post("/api/batch", files=files)
    assert response.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert archive.testzip() is None
    names = archive.namelist()
    assert names == ["p0_rgba.png", "p1_rgba.png", "p2_rgba.png", "p0_rgba_2.png", "errors.json"]
    got = Image.open(io.BytesIO(archive.read("p1_rgba.png")))
    assert difference(got, remover.process(image)) <= 1
    (error,) = json.loads(archive.read("errors.json"))
    assert (error["name"], error["status"]) == ("bad.png", 415)
    assert "is not a picture" in error["detail"]


def test_an_archive_goes_in_and_its_folders_come_out(service) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/b/one.png", file_of())
        archive.writestr("../../slip.png", file_of())
        archive.writestr("C:\\windows\\two.png", file_of())
        archive.writestr("__MACOSX/._one.png", b"clutter")
    response = service.post(
        "/api/batch?type=map", data=packed.getvalue(), headers={"Content-Type": "application/zip"}
    )
    names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
    assert names == ["a/b/one_map.png", "slip_map.png", "C/windows/two_map.png"]


def test_archives_that_lie_or_unpack_to_too_much_are_refused(remover) -> None:
    def post(service, write):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            write(archive)
        data = packed.getvalue()
        return data, service.post("/api/batch", data=data, headers={"Content-Type": "application/zip"})

    limits = {"bytes": 1 << 20, "batch_bytes": 4 << 20, "batch": 5}
    with serve([{"lite": remover}], limits=limits) as service:
        data, bomb = post(service, lambda a: a.writestr("zeros.png", bytes(64 << 20)))
        assert len(data) < 1 << 17
        assert "unpacks to more" in detail(bomb, 413)
        _, many = post(service, lambda a: [a.writestr(f"{i}.png", b"") for i in range(6)])
        assert "6 files" in detail(many, 413)
        lying = data.replace((64 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
        assert lying != data
        response = service.post("/api/batch", data=lying, headers={"Content-Type": "application/zip"})
        errors = json.loads(zipfile.ZipFile(io.BytesIO(response.content)).read("errors.json"))
        assert errors[0]["status"] in (413, 415)
        for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):  # zipfile unpacks these without a bound
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", method) as archive:
                archive.writestr("zeros.png", bytes(3 << 20))
            response = service.post(
                "/api/batch", data=packed.getvalue(), headers={"Content-Type": "application/zip"}
            )
            errors = json.loads(zipfile.ZipFile(io.BytesIO(response.content)).read("errors.json"))
            assert "Deflate" in errors[0]["detail"]
        _, listed = post(service, lambda a: [a.writestr(f"{i:0200}.png", b"") for i in range(900)])
        assert "too many files" in detail(listed, 413)
        broken = service.post("/api/batch", data=data[:-40], headers={"Content-Type": "application/zip"})
        assert detail(broken, 400)


@pytest.mark.slow
def test_many_at_once_give_what_one_at_a_time_gives(remover) -> None:
    """Different sizes and types at once, on both ways to the network: side by side and in batches."""
    images = [Image.fromarray(draw_object(90 + 6 * i, 120 + 10 * (i % 3))) for i in range(12)]
    kinds = ["rgba", "map", "blur"]
    expected = [remover.process(image, type=kinds[i % 3]) for i, image in enumerate(images)]
    with serve([{"lite": remover}]) as service, ThreadPoolExecutor(12) as pool:

        def one(index: int) -> Image.Image:
            return opened(remove(service, file_of(images[index]), type=kinds[index % 3]))

        for index, got in enumerate(pool.map(one, range(12))):
            wanted = expected[index]
            wanted = wanted.convert("L") if got.mode == "L" else wanted
            assert difference(got, wanted) <= 1, index
