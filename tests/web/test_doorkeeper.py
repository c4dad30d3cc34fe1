"""Who is let in: tokens, other sites' pages, names that were made to mean this machine."""

from __future__ import annotations

import pytest
import requests
from PIL import Image
from serving import TOKEN, detail, file_of, opened, serve

from transparent_background.options.service import ServiceSettings


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
