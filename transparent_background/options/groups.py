"""All groups of options, for references and the tests that hold every doorway to them."""

from __future__ import annotations

from .cameras import CameraOptions
from .films import FilmOptions
from .network import NetworkOptions
from .result import ResultOptions
from .running import RunOptions
from .service import Limits, ServeOptions, ServiceSettings

GROUPS: tuple[tuple[str, type], ...] = (
    ("The result", ResultOptions),
    ("The model", NetworkOptions),
    ("Running", RunOptions),
    ("Films", FilmOptions),
    ("Cameras", CameraOptions),
    ("The service", ServiceSettings),
    ("The service's limits", Limits),
    ("Serving", ServeOptions),
)
