"""Who is let in, and what malicious or broken clients get."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import tempfile
import threading
import time
import zlib
from pathlib import Path

import pytest
import requests
from PIL import Image

pytest.importorskip("fastapi")

from serving import detail, file_of, opened, serve, wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from transparent_background import Remover
from transparent_background.errors import UsageError
from transparent_background.options.result_types import parse_type
from transparent_background.options.service import Limits, ServiceSettings
from transparent_background.service.live import LiveSession
from transparent_background.service.workers import ModelWorkers
from transparent_background.web import server

TOKEN = "open-sesame_123"
LIMITS = {"bytes": 1 << 20, "pixels": 1_000_000, "patience": 0.6, "slowest": 1 << 20, "cameras": 2}


@pytest.fixture(scope="module")
def remover():
    return Remover("lite", device="cpu")


@pytest.fixture(scope="module")
def service(remover):
    with serve([{"lite": remover}], limits=LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(remover):
    with serve([{"lite": remover}], token=TOKEN, allow_origins=("https://shop.example",)) as running:
        yield running


def temporary_files() -> set[Path]:
    return set(Path(tempfile.gettempdir()).iterdir())


# -- tokens ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x"])
@pytest.mark.parametrize("path", ["/api/models", "/metrics", "/openapi.json", "/api/jobs/x", "/nowhere"])
def test_without_the_token_nothing_is_told(guarded, path, header) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = guarded.get(path, headers=headers)
    assert "token is needed" in detail(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"


def test_with_the_token_all_is_well(guarded) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/api/models", headers=headers).status_code == 200
    opened(guarded.post("/api/remove", files={"file": ("a.png", file_of())}, headers=headers))


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_token(guarded, path) -> None:
    assert guarded.get(path).text == "ok"


# -- other sites' pages -----------------------------------------------------------------------------------


def test_pages_of_other_sites_may_not_post(service) -> None:
    headers = {"Origin": "https://evil.example"}
    files = {"file": ("a.png", file_of())}
    assert "other sites" in detail(service.post("/api/remove", files=files, headers=headers), 403)
    assert "other sites" in detail(service.post("/api/remove", files=files, headers={"Origin": "null"}), 403)
    own = {"Origin": service.address}
    opened(service.post("/api/remove", files=files, headers=own))


def test_a_rebound_name_is_refused(service) -> None:
    """What a page at evil.example asks after its name has been made to mean this machine."""
    response = service.get("/api/models", headers={"Host": f"evil.example:{service.port}"})
    assert "--allow-host" in detail(response, 421)
    assert service.get("/api/models", headers={"Host": f"localhost:{service.port}"}).status_code == 200


def test_an_allowed_site_may(guarded) -> None:
    preflight = requests.options(
        f"{guarded.address}/api/remove",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
        timeout=10,
    )
    assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
    headers = {"Origin": "https://shop.example", "Authorization": f"Bearer {TOKEN}"}
    response = guarded.post("/api/remove", files={"file": ("a.png", file_of())}, headers=headers)
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    evil = {**headers, "Origin": "https://evil.example"}
    assert detail(guarded.post("/api/remove", data=file_of(), headers=evil), 403)


def test_pictures_in_other_sites_pages_cannot_ask_either(service) -> None:
    """A browser GETs what an <img> names, without an origin."""
    for site in ("cross-site", "same-site"):
        response = service.get("/api/remove?url=https://example.com/a.png", headers={"Sec-Fetch-Site": site})
        assert "other sites" in detail(response, 403)
    assert service.get("/api/models", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert service.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link to the page


def test_names_are_checked_at_every_address_unless_a_token_is_needed() -> None:
    assert ServiceSettings(host="0.0.0.0").hosts == ("0.0.0.0", "localhost", "127.0.0.1", "::1")
    assert ServiceSettings(host="0.0.0.0", token="x").hosts is None
    assert "cutouts.example" in ServiceSettings(allow_hosts=("cutouts.example",), token="x").hosts


def test_addresses_in_numbers_are_no_rebound_names(service) -> None:
    for host in ("192.168.1.7:7860", "[fe80::1]:7860", "10.0.0.1"):
        assert service.get("/healthz", headers={"Host": host}).status_code == 200
    for host in ("1.2.3.4.evil.example", "[", "", "a b"):
        assert service.get("/healthz", headers={"Host": host}).status_code in (400, 421)


def test_refusals_can_be_read_by_allowed_sites(guarded) -> None:
    headers = {"Origin": "https://shop.example"}
    response = guarded.get("/api/models", headers=headers)
    assert detail(response, 401)
    assert response.headers["access-control-allow-origin"] == "https://shop.example"


def test_below_a_proxys_path_all_is_as_it_is(remover) -> None:
    with serve([{"lite": remover}], server={"root_path": "/cutout"}, token=TOKEN) as service:
        assert service.get("/healthz").text == "ok"
        assert service.get("/").status_code == 200
        assert service.get("/page/main.js").status_code == 200
        assert detail(service.get("/api/models"), 401)
        large = file_of(Image.effect_noise((1300, 1300), 90).convert("RGB"))
        assert len(large) > 1 << 20
        headers = {"Authorization": f"Bearer {TOKEN}"}
        response = service.post("/api/remove?type=map", files={"file": ("a.png", large)}, headers=headers)
        assert opened(response).mode == "L"
        assert response.headers["cache-control"] == "no-store"


def test_every_answer_has_the_security_headers(service) -> None:
    for response in (service.get("/healthz"), service.get("/nowhere"), service.post("/api/remove")):
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "server" not in response.headers
    assert detail(service.get("/nowhere"), 404)
    assert detail(service.get("/api/batch"), 405)


# -- too much ---------------------------------------------------------------------------------------------


def test_too_many_bytes_are_refused_before_they_come(service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(
            b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 999999999\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_too_many_bytes_are_refused_while_they_come(service) -> None:
    """Chunked, so that no length is told; nothing is left of them."""
    before = temporary_files()

    def endless():
        for _ in range(10_000):
            yield bytes(1 << 16)

    try:
        response = service.post("/api/remove", data=endless(), headers={"Content-Type": "image/png"})
        assert detail(response, 413)
    except requests.ConnectionError:
        pass  # it hung up on us in the middle, as it may
    large = {"file": ("a.png", bytes((1 << 20) + 1))}
    assert "too large" in detail(service.post("/api/remove", files=large), 413)
    assert temporary_files() == before


def test_uploads_together_are_bounded(remover) -> None:
    """What one client says it will send leaves no room for another's, until it has gone."""
    with serve([{"lite": remover}], limits={"upload_bytes": 1 << 20}) as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(
                b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: 9000000\r\n\r\n1"
            )
            response = None

            def refused() -> bool:
                nonlocal response
                response = service.post("/api/remove", data=file_of())
                return response.status_code == 503

            wait_until(refused)
            assert "other uploads" in detail(response, 503)
            assert response.headers["retry-after"]
        wait_until(lambda: service.post("/api/remove", data=file_of()).status_code == 200)


def bomb(side: int) -> bytes:
    """Return a small PNG of side x side black pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [2000, 30_000])
def test_decompression_bombs_are_not_decoded(service, side) -> None:
    data = bomb(side)
    assert len(data) < 1 << 18
    started = time.monotonic()
    assert "million" in detail(service.post("/api/remove", files={"file": ("a.png", data)}), 413)
    behind = {"file": ("a.png", file_of()), "background_image": ("b.png", data)}
    assert "background" in detail(service.post("/api/remove", files=behind), 413)
    assert time.monotonic() - started < 5


# -- malformed and slow --------------------------------------------------------------------------------------


def form(body: bytes, boundary: str = "x") -> dict:
    return {"data": body, "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


# Starlette leaves the file of a part that does not end to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nhalf',
        b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
        b"--x\r\nbad header\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="type"\r\n\r\n' + b"a" * 70_000 + b"\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % i for i in range(200))
        + b"--x--\r\n",
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n' for _ in range(9)
        )
        + b"--x--\r\n",
    ],
    ids=["empty", "text", "half", "nameless", "bad header", "huge field", "many fields", "many files"],
)
def test_malformed_forms_are_refused(service, body) -> None:
    before = temporary_files()
    response = service.post("/api/remove", **form(body))
    assert response.status_code in (400, 422)
    assert detail(response, response.status_code)
    assert temporary_files() == before


def test_a_form_without_a_boundary(service) -> None:
    response = service.post("/api/remove", data=b"x", headers={"Content-Type": "multipart/form-data"})
    assert detail(response, 400)


def test_a_body_that_trickles_is_given_up(service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(
            b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 1000\r\n\r\n1"
        )
        started = time.monotonic()
        assert client.recv(100).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - started < 5


def test_a_head_that_trickles_is_hung_up_on(remover, monkeypatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.4)
    with serve([{"lite": remover}]) as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as silent:
            assert silent.recv(10) == b""
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
            assert client.recv(10) == b""
        with connect(f"ws://127.0.0.1:{service.port}/api/live") as camera:
            time.sleep(0.8)  # a WebSocket is no head: it stays
            camera.send(file_of(format="JPEG"))
            assert camera.recv(20)[:2] == b"\xff\xd8"


def test_who_hangs_up_is_not_worked_for(service) -> None:
    """The queue is empty again when the client has gone, whatever was done by then."""
    body = file_of()
    head = (
        f"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(head + body)
    wait_until(lambda: service.services.pictures.admission.count == 0)
    wait_until(lambda: service.services.workers.waiting == 0)
    assert service.get("/readyz").text == "ok"


def test_a_batch_whose_client_hangs_up_is_given_up(service) -> None:
    files = [("files", (f"{i}.png", file_of())) for i in range(40)]
    response = service.post("/api/batch", files=files, stream=True)
    assert next(response.iter_content(100))
    assert service.services.pictures.admission.count == 1
    response.close()
    wait_until(lambda: service.services.pictures.admission.count == 0)
    wait_until(lambda: service.services.workers.waiting == 0)


def ask_for_much(service) -> socket.socket:
    """Ask for an answer that is larger than what systems hold, and read nothing of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", service.port))
    body = file_of(Image.effect_noise((1000, 1000), 90).convert("RGB"))
    head = (
        "POST /api/remove?format=tiff HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    client.sendall(head.encode() + body)
    return client


def connections(service) -> int:
    return len(service.server.server_state.connections)


def test_who_does_not_read_is_hung_up_on(remover, monkeypatch) -> None:
    monkeypatch.setattr(server, "STALL", 0.5)
    with serve([{"lite": remover}], limits={"bytes": 8 << 20}) as service, ask_for_much(service):
        wait_until(lambda: connections(service) == 1)
        wait_until(lambda: connections(service) == 0)


def test_who_reads_slowly_but_steadily_gets_it_all(remover, monkeypatch) -> None:
    monkeypatch.setattr(server, "STALL", 0.5)
    with serve([{"lite": remover}], limits={"bytes": 8 << 20}) as service, ask_for_much(service) as client:
        client.settimeout(20)
        length, got = None, b""
        while length is None or len(got) < length:
            got += client.recv(1 << 15)
            if length is None and b"\r\n\r\n" in got:
                head, _, got = got.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            time.sleep(0.005)
        assert length > 1 << 20


@pytest.mark.parametrize(
    "data", [b"\x00" * 100, b"GET /x\r\n\r\n", b"POST /api/remove HTTP/1.1\r\nContent-Length: -5\r\n\r\n"]
)
def test_what_is_no_http_is_answered_400(service, data) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(100)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_errors_that_nobody_expected_are_not_shown(remover, monkeypatch, caplog) -> None:
    class Broken:
        checkpoint, device, plan = remover.checkpoint, remover.device, remover.plan
        asked_resize, fingerprint = remover.asked_resize, remover.fingerprint

        def sizes_of_passes(self, *arguments, **options):
            return remover.sizes_of_passes(*arguments, **options)

        def predictions(self, *arguments, **options):
            raise ValueError("secret path /srv/weights")

    with serve([{"lite": Broken()}]) as service:
        response = service.post("/api/remove", files={"file": ("a.png", file_of())})
        assert "the server's log says what" in detail(response, 500)
        assert "secret" not in response.text
        assert any(record.exc_info for record in caplog.records)
        assert service.services.pictures.admission.count == 0


# -- cameras ----------------------------------------------------------------------------------------------


def address(service) -> str:
    return f"ws://127.0.0.1:{service.port}/api/live"


def test_frames_come_back(service) -> None:
    with connect(address(service), subprotocols=["transparent-background"]) as camera:
        assert camera.subprotocol == "transparent-background"
        camera.send(file_of(format="JPEG"))
        blurred = Image.open(io.BytesIO(camera.recv(20)))
        assert (blurred.format, blurred.size) == ("JPEG", (128, 96))
        camera.send(json.dumps({"type": "rgba", "mirror": True}))
        camera.send(file_of(format="JPEG"))
        cut = Image.open(io.BytesIO(camera.recv(20)))
        assert (cut.format, cut.mode) == ("PNG", "RGBA")
        assert cut.getpixel((64, 48))[3] > 240
        sea = base64.b64encode(file_of(Image.new("RGB", (8, 8), (0, 0, 255)))).decode()
        camera.send(json.dumps({"background_image": sea}))
        camera.send(file_of(format="JPEG"))
        assert Image.open(io.BytesIO(camera.recv(20))).getpixel((2, 2))[2] > 200


@pytest.mark.parametrize(
    "message",
    [
        '{"type": "no such"}',
        '{"type": "/etc/passwd"}',
        '{"mode": "base9"}',
        '{"colour": 1}',
        "no json",
        '{"background_image": "%%%"}',
        '{"background_image": "aGVsbG8="}',
        b"no picture",
        bomb(2000),
    ],
    ids=["type", "path", "mode", "option", "json", "base64", "background", "frame", "bomb"],
)
def test_what_is_wrong_is_said_and_the_connection_stays(service, message) -> None:
    with connect(address(service)) as camera:
        camera.send(message)
        error = json.loads(camera.recv(20))["error"]
        assert error
        assert "/etc" not in error.replace("type '/etc/passwd'", "")
        camera.send(file_of(format="JPEG"))
        assert camera.recv(20)[:2] == b"\xff\xd8"


def test_cameras_are_counted_and_other_sites_have_none(service) -> None:
    with (
        connect(address(service)),
        connect(address(service)),
        pytest.raises((InvalidStatus, ConnectionClosed)),
        connect(address(service)) as third,
    ):
        third.recv(5)
    wait_until(lambda: service.services.cameras == 0)
    with pytest.raises(InvalidStatus):
        connect(address(service), origin="https://evil.example")


def test_a_camera_needs_the_token(guarded) -> None:
    with pytest.raises(InvalidStatus):
        connect(address(guarded))
    with pytest.raises(InvalidStatus):
        connect(address(guarded), subprotocols=["bearer.%%%"])
    odd = guarded.get("/api/models", headers={"Sec-WebSocket-Protocol": "bearer.é".encode("latin-1")})
    assert detail(odd, 401)
    coded = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
    protocols = ["transparent-background", f"bearer.{coded}"]
    with connect(address(guarded), subprotocols=protocols) as camera:
        assert camera.subprotocol == "transparent-background"
        camera.send(file_of(format="JPEG"))
        assert camera.recv(20)[:2] == b"\xff\xd8"


def test_options_that_are_wrong_change_nothing(remover) -> None:
    workers = ModelWorkers([{"lite": remover}])
    session = LiveSession(workers, Limits())
    session.configure('{"type": "white"}')
    with pytest.raises(UsageError):
        session.configure('{"type": "white", "mode": "x"}')
    assert session.options.type == parse_type("white")


# -- the end -----------------------------------------------------------------------------------------------


def test_a_picture_that_was_taken_is_finished_at_the_end(remover) -> None:
    answers = []
    with serve([{"lite": remover}]) as service:

        def ask() -> None:
            answers.append(requests.post(f"{service.address}/api/remove", data=file_of(), timeout=60))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: service.services.pictures.admission.count == 4 or len(answers) == 4)
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * 4
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{service.address}/healthz", timeout=5)
