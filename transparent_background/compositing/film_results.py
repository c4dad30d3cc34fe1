"""What is made of one frame and its matte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..images.result import Result
from ..options.result_types import Rgba
from .compose import blend, compose, flatten

if TYPE_CHECKING:
    from ..images.picture import Picture
    from ..options.settings import Settings
    from ..types import FloatArray
    from .backgrounds import BackdropSource


def make_results(
    picture: Picture, alpha: FloatArray, settings: Settings, backdrops: BackdropSource, *, holds_alpha: bool
) -> dict[str, Result]:
    """Make of one frame and its finished matte all that is written of it."""
    film = settings.film
    foreground = settings.foreground
    if film.foreground is not None:
        foreground = "estimate"
    result = compose(
        picture, alpha, settings.type, fit=settings.fit, foreground=foreground, backdrops=backdrops
    )
    results = {"result": result}
    if film.foreground is not None:
        cut = result if result.alpha is not None else compose(picture, alpha, Rgba(), foreground=foreground)
        assert cut.rgb is not None
        premultiplied = film.foreground == "premultiplied"
        results["foreground"] = Result(rgb=blend(cut.rgb, alpha, (0, 0, 0)) if premultiplied else cut.rgb)
    if result.alpha is not None and not holds_alpha:
        results["result"] = flatten(result, settings.background)
    if film.matte:
        results["matte"] = Result(grey=alpha)
    return results
