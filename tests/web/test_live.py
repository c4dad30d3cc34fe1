"""Cameras over a WebSocket."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image
from serving import TOKEN, bomb, detail, file_of, wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


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
