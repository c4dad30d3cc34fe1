"""What can be asked for here: models, types, formats and limits, for ``/api/models`` and for assistants."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import BaseModel

from .._version import __version__

if TYPE_CHECKING:
    from .services import Services


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


def describe(services: Services) -> Models:
    """Return what can be asked of a service; the default model comes first."""
    from .requests import FILM_FORMATS, FORMATS, TYPES

    workers, limits = services.workers, services.limits
    served = []
    for mode in workers.modes:
        remover = workers.remover(mode)
        served.append(
            Model(
                name=mode,
                description=remover.checkpoint.description,
                base_size=remover.checkpoint.base_size,
                resize=remover.resize,
                devices=[str(removers[mode].device) for removers in workers.devices],
                plan=remover.plan.describe(),
                licence=remover.checkpoint.licence,
            )
        )
    return Models(
        version=__version__,
        default=workers.modes[0],
        models=served,
        types=list(TYPES),
        formats=list(FORMATS),
        film_formats=list(FILM_FORMATS),
        films=find_spec("av") is not None,
        urls=services.settings.allow_urls,
        batch_limit=limits.batch,
        limits=TakenLimits(**{name: getattr(limits, name) for name in TakenLimits.model_fields}),
    )
