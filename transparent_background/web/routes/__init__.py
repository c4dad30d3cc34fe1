"""The HTTP service's paths, a module for each kind of thing, and what they share: the service that runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from ...service.services import Services


def services_of(connection: HTTPConnection) -> Services:
    """Return what the service that a request came to holds."""
    return connection.app.state.services


Running = Annotated[Services, Depends(services_of)]
"""What a route takes to be given the service."""
