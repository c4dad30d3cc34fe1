"""The OpenAPI document is true: schemathesis makes requests from it and checks what is answered."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("schemathesis")

import hypothesis
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance
from serving import serve

from transparent_background import Remover


@pytest.fixture(scope="module")
def service():
    with serve([{"lite": Remover("lite", device="cpu")}], limits={"films": 500}) as running:
        yield running


PATHS = {
    "/api/remove": {"get", "post"},
    "/api/batch": {"post"},
    "/api/pictures": {"post"},
    "/api/pictures/forget": {"post"},
    "/api/pictures/{id}": {"get", "delete"},
    "/api/pictures/{id}/result": {"get"},
    "/api/jobs": {"post"},
    "/api/jobs/{id}": {"get", "delete"},
    "/api/jobs/{id}/events": {"get"},
    "/api/jobs/{id}/result": {"get"},
    "/api/jobs/{id}/cancel": {"post"},
    "/api/jobs/{id}/abandon": {"post"},
    "/api/models": {"get"},
    "/api/options": {"get"},
    "/api/recipe": {"post"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/problems": {"get"},
    "/metrics": {"get"},
}
OPERATIONS = [(path, method) for path, methods in PATHS.items() for method in sorted(methods)]


@pytest.fixture(scope="module")
def schema(service):
    return schemathesis.openapi.from_url(f"{service.address}/openapi.json")


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_documented(schema, path, method) -> None:
    """Requests that fit the document and requests that do not, each with every check there is."""

    @hypothesis.given(case=schema[path][method].as_strategy())
    @hypothesis.settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def check(case) -> None:
        # a document cannot say which bytes are a picture: most of what fits it is none, and is refused
        case.call_and_validate(timeout=60, excluded_checks=[positive_data_acceptance])

    check()


def test_the_document_names_every_path(service) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == PATHS
