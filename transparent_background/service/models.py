"""What can be asked for here: models, types, formats, limits, and the options as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from .._version import __version__
from ..errors import UnknownModeError
from ..options.cameras import CameraOptions
from ..options.declare import Kind, Subject, offered
from ..options.films import FilmOptions
from ..options.network import NetworkOptions
from ..options.result import PICTURE_FORMATS, SERVED_FILMS, ResultOptions
from ..options.service import ServiceSettings
from . import rembg
from .requests import TYPES, FilmJobOptions, LiveOptions, PictureOptions

if TYPE_CHECKING:
    from .workers import SharedNetwork

REQUESTS: dict[Subject, type[BaseModel]] = {
    "picture": PictureOptions,
    "film": FilmJobOptions,
    "camera": LiveOptions,
}


class Model(BaseModel):
    """One model that is served."""

    name: str
    description: str
    base_size: tuple[int, int]
    resize: str
    devices: list[str]
    plan: str
    licence: str


class TakenLimits(BaseModel):
    """The most that is taken."""

    model_config = ConfigDict(from_attributes=True)

    bytes: int
    pixels: int
    kept_seconds: float
    film_bytes: int
    film_frames: int
    film_seconds: float
    timeout: float


class Models(BaseModel):
    """What can be asked for."""

    version: str
    default: str
    models: list[Model]
    types: list[str]
    formats: list[str]
    film_formats: list[str]
    films: bool
    urls: bool
    batch_limit: int
    limits: TakenLimits


def find_network(networks: Mapping[str, SharedNetwork], name: str | None) -> SharedNetwork:
    """Return the network that a request means; the first one if it names none, or one of rembg's.

    Raises
    ------
    UnknownModeError
        The service has no such network.
    """
    if name is not None and name in networks:
        return networks[name]
    if not name or rembg.MODELS.fullmatch(name):
        return next(iter(networks.values()))
    raise UnknownModeError(f"mode {name!r} is not served here; choose from {', '.join(networks)}")


def describe(networks: Mapping[str, SharedNetwork], settings: ServiceSettings) -> Models:
    """Return what can be asked of a service; the default model comes first."""
    return Models(
        version=__version__,
        default=next(iter(networks)),
        models=[
            Model(
                name=network.name,
                description=network.checkpoint.description,
                base_size=network.checkpoint.base_size,
                resize=network.asked_resize or network.checkpoint.resize,
                devices=[str(one.device) for one in network.on_devices],
                plan=network.plan.describe(),
                licence=network.checkpoint.licence,
            )
            for network in networks.values()
        ],
        types=list(TYPES),
        formats=list(PICTURE_FORMATS),
        film_formats=list(SERVED_FILMS),
        films=find_spec("av") is not None,
        urls=settings.allow_urls,
        batch_limit=settings.limits.batch,
        limits=TakenLimits.model_validate(settings.limits),
    )


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
