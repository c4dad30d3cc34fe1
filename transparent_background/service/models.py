"""What can be asked for here: models, types, formats and limits, for ``/api/models`` and for assistants."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from .._version import __version__
from ..errors import UnknownModeError
from . import rembg
from .requests import FILM_FORMATS, FORMATS, TYPES

if TYPE_CHECKING:
    from ..options.service import ServiceSettings
    from .workers import SharedNetwork


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
        models=[_describe(network) for network in networks.values()],
        types=list(TYPES),
        formats=list(FORMATS),
        film_formats=list(FILM_FORMATS),
        films=find_spec("av") is not None,
        urls=settings.allow_urls,
        batch_limit=settings.limits.batch,
        limits=TakenLimits.model_validate(settings.limits),
    )


def _describe(network: SharedNetwork) -> Model:
    checkpoint = network.checkpoint
    return Model(
        name=network.name,
        description=checkpoint.description,
        base_size=checkpoint.base_size,
        resize=network.asked_resize or checkpoint.resize,
        devices=[str(one.device) for one in network.on_devices],
        plan=network.plan.describe(),
        licence=checkpoint.licence,
    )
