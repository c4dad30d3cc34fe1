"""Results that are smaller than their picture, for whoever wants to see something soon."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from ..compositing.finish import Box
from ..images.picture import Picture
from ..images.resizing import resized
from ..options.settings import Settings


def shrunk(picture: Picture, largest: int | None) -> tuple[Picture, Fraction]:
    """Return a picture whose longer side has at most so many pixels, and its size in parts of what it was."""
    longer = max(picture.size)
    if largest is None or largest >= longer:
        return picture, Fraction(1)
    scale = Fraction(largest, longer)
    size = max(round(picture.size[0] * scale), 1), max(round(picture.size[1] * scale), 1)
    alpha = None if picture.alpha is None else resized(picture.alpha, size)
    return replace(picture, rgb=resized(picture.rgb, size), alpha=alpha), scale


def settings_at(settings: Settings, scale: Fraction) -> Settings:
    """Return the settings for a picture of another size: room in pixels becomes less with it."""
    if settings.crop is None or settings.crop.share or scale == 1:
        return settings
    return replace(settings, crop=settings.crop._replace(value=settings.crop.value * float(scale)))


def box_at(box: Box | None, scale: Fraction, size: tuple[int, int]) -> Box | None:
    """Return what a smaller result shows in terms of the whole picture, of a size (height, width)."""
    if box is None or scale == 1:
        return box
    left, top, width, height = (round(value / scale) for value in box)
    return left, top, min(width, size[1] - left), min(height, size[0] - top)
