"""Connections: who sends or reads too slowly, who hangs up, and the end."""

from __future__ import annotations

import select
import socket
import threading
import time

import pytest
import requests
from PIL import Image
from serving import file_of, serve, wait_until
from websockets.sync.client import connect

from transparent_background.web import server


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


@pytest.mark.slow
def test_who_does_not_read_is_hung_up_on(remover, monkeypatch) -> None:
    monkeypatch.setattr(server, "STALL", 0.5)
    with serve([{"lite": remover}], limits={"bytes": 8 << 20}) as service, ask_for_much(service) as client:
        assert select.select([client], [], [], 30)[0]  # the answer has begun
        wait_until(lambda: not service.server.server_state.connections)


def test_where_there_is_no_time_who_does_not_read_is_hung_up_on(remover, caplog) -> None:
    with serve([{"lite": remover}], limits={"bytes": 8 << 20}) as service, ask_for_much(service) as client:
        assert select.select([client], [], [], 30)[0]  # the answer has begun
        service.server.should_exit = service.server.force_exit = True  # as two signals do
        started = time.monotonic()
        wait_until(lambda: not service.services.taking)
    assert time.monotonic() - started < 10  # not STALL, nor timeout_graceful_shutdown
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.slow
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
        assert client.recv(100).startswith(b"HTTP/1.1 400")
    assert service.get("/healthz").text == "ok"


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


def test_answers_are_sent_at_once(service) -> None:
    """Without TCP_NODELAY the body of a kept connection's answer waits for the client's system: 40 ms."""
    with requests.Session() as client:
        assert client.get(f"{service.address}/healthz").text == "ok"
        connections = [
            one.transport.get_extra_info("socket") for one in service.server.server_state.connections
        ]
        assert connections
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in connections)


def test_a_service_that_drains_says_so_and_goes_on(remover) -> None:
    with serve([{"lite": remover}], limits={"drain": 600}) as service:
        assert service.get("/readyz").status_code == 200
        service.server.should_exit = True
        wait_until(lambda: service.get("/readyz").status_code == 503)
        assert service.get("/healthz").status_code == 200
        assert service.post("/api/remove", data=file_of()).status_code == 200
        service.server.force_exit = True  # as a second signal does


def test_a_full_queue_is_not_ready(remover) -> None:
    with serve([{"lite": remover}], limits={"queue": 1}) as service:
        with service.services.admission.enter():
            response = service.get("/readyz")
            assert (response.status_code, response.text) == (503, "busy")
            refused = service.post("/api/remove", data=file_of())
            assert refused.status_code == 503
            assert refused.json()["code"] == "queue-full"
        assert service.get("/readyz").text == "ok"
