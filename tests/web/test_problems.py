"""What is said of errors, to people and to programs, and what is not."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from serving import detail, file_of, serve

from transparent_background import errors
from transparent_background.cli.console import start_console
from transparent_background.service.kinds import all_kinds
from transparent_background.web.problems import BY_STATUS, every_kind, kind_told

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def broken(remover):
    class Broken:
        checkpoint, device, plan = remover.checkpoint, remover.device, remover.plan
        asked_resize, fingerprint = remover.asked_resize, remover.fingerprint
        sizes_of_passes, memory_of_passes = remover.sizes_of_passes, remover.memory_of_passes

        def predictions(self, *arguments, **options):
            raise ValueError("secret path /srv/weights")

    return Broken()


def test_errors_that_nobody_expected_are_not_shown(broken, caplog) -> None:
    with serve([{"lite": broken}]) as service:
        response = service.post("/api/remove", files={"file": ("a.png", file_of())})
        assert "the server's log says what" in detail(response, 500)
        assert "secret" not in response.text
        assert response.json()["code"] == "unexpected"
        (record,) = [record for record in caplog.records if record.exc_info]
        assert record.levelno == logging.ERROR
        assert response.headers["x-request-id"] in record.getMessage()
        assert "secret path" in record.getMessage()
        assert service.services.pictures.admission.count == 0


def test_the_log_says_why_without_debug(capsys) -> None:
    package = logging.getLogger("transparent_background")
    kept = package.handlers[:], package.level, package.propagate
    try:
        start_console()
        try:
            raise ValueError("the cause")
        except ValueError as error:
            logging.getLogger("transparent_background.test").error("request 1 failed", exc_info=error)
    finally:
        package.handlers[:], package.level, package.propagate = kept
    told = capsys.readouterr().err
    assert "request 1 failed" in told
    assert "Traceback" in told
    assert "ValueError: the cause" in told


def test_even_errors_outside_of_every_path_are_problems_with_all_headers(service, monkeypatch) -> None:
    def fail(*arguments):
        raise RuntimeError("secret")

    monkeypatch.setattr("transparent_background.web.routes.about.describe", fail)
    response = service.get("/api/models")
    assert "the server's log says what" in detail(response, 500)
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/models", "/nothing", "/metrics", "/page/main.js"])
def test_every_answer_names_its_request(service, path) -> None:
    names = {service.get(path).headers["x-request-id"] for _ in range(2)}
    assert len(names) == 2
    given = service.get(path, headers={"X-Request-ID": "shop-17:a/b=+@"})
    assert given.headers["x-request-id"] == "shop-17:a/b=+@"


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "a<b>", "\x7f", 'a"b'])
def test_names_that_are_none_are_replaced(service, name) -> None:
    assert service.get("/healthz", headers={"X-Request-ID": name}).headers["x-request-id"].isalnum()


def test_every_class_of_errors_has_a_code_of_its_own() -> None:
    named = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    kinds = all_kinds()
    assert set(named) <= set(kinds)
    codes = [kind.code for kind in kinds.values()]
    assert len(set(codes)) == len(codes)
    for kind, status in every_kind():
        assert kind.code.replace("-", "").isalpha(), kind
        assert kind.title, kind
        assert 400 <= status < 600


def test_the_documentation_lists_every_code() -> None:
    text = (DOCS / "serving.md").read_text(encoding="utf-8")
    for kind, status in every_kind():
        assert f"`{kind.code}`" in text, f"{kind.code} ({status})"


def test_codes_tell_errors_apart(service) -> None:
    cases = {
        "unreadable": ({"file": ("a.png", b"no picture")}, {}, 415),
        "usage": ({"file": file_of()}, {"quality": "0"}, 422),
        "unknown-type": ({"file": file_of()}, {"type": "nothing"}, 422),
        "unknown-mode": ({"file": file_of()}, {"mode": "nothing"}, 422),
    }
    for code, (files, data, status) in cases.items():
        body = service.post("/api/remove", files=files, data=data).json()
        assert (body["code"], body["status"], body["type"]) == (code, status, f"/problems#{code}")
    assert service.get("/api/jobs/none").json()["code"] == "not-found"
    page = service.get("/problems").text
    for kind, _ in every_kind():
        assert f'id="{kind.code}"' in page


def test_subclasses_of_others_have_the_kind_of_what_they_are() -> None:
    class Special(errors.UnreadableError):
        pass

    assert kind_told(Special("x")).code in ("unreadable", "special")
    assert kind_told(ZeroDivisionError()) == BY_STATUS[500]
