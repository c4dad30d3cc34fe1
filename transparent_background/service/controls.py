"""The options as the page shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from ..options.cameras import CameraOptions
from ..options.declare import Kind, Subject, offered
from ..options.films import FilmOptions
from ..options.network import NetworkOptions
from ..options.result import ResultOptions
from .requests import FilmJobOptions, LiveOptions, PictureOptions

REQUESTS: dict[Subject, type[BaseModel]] = {
    "picture": PictureOptions,
    "film": FilmJobOptions,
    "camera": LiveOptions,
}


class Control(BaseModel):
    """An option, as the page shows it."""

    name: str
    label: str
    help: str
    kind: Kind
    default: Any = Field(description="Null where it is left to the server.")
    choices: list[str] = Field(description="All that there are; of a text, those that are suggested.")
    choice_labels: dict[str, str] = Field(description="That of an empty choice says what comes of none.")
    least: float | None
    most: float | None
    unit: str = Field(description="What stands behind a number; after % also: it is shown in hundredths.")
    section: str = Field(description="The heading under which it stands.")
    hint: str = Field(description="Fine print; of a switch that shows a slider, what the slider is called.")
    start: Any = Field(description="What the page begins with, where that is not the default.")
    subjects: list[Subject] = Field(description="What it applies to, and the service takes it for.")


def controls() -> list[Control]:
    """Return the options that the page has controls for; last come those that open a slider."""
    found = []
    for entry in offered(ResultOptions, NetworkOptions, FilmOptions, CameraOptions, door="page"):
        words = {name: getattr(entry, name) for name in Control.model_fields}
        words["choices"] = list(entry.choices or filter(None, entry.choice_labels))
        words["subjects"] = [
            subject
            for subject, request in REQUESTS.items()
            if subject in (entry.subjects or ()) and entry.name in request.model_fields
        ]
        found.append(Control(**words))
    return sorted(found, key=lambda control: control.unit == "%")
