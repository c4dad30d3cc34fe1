"""Films read and written with the package, for tests that compare them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from film_makers import SIZE, frames_of, number_of

from transparent_background.images.result import Result
from transparent_background.media.video.containers import choose_encoding
from transparent_background.media.video.decoding import FilmReader
from transparent_background.media.video.encoding import Look
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.writing import FilmWriter
from transparent_background.options.films import EncodingOptions, Selection


def read_film(source, deep: bool = False, **selection):
    """Read all frames of a selection; return the reader too."""
    reader = open_film(source, selection=Selection(**selection), deep=deep)
    frames = list(reader)
    reader.close()
    return reader, frames


def numbers(frames) -> list[int]:
    """Return the numbers that are drawn in frames."""
    return [number_of(frame.picture.rgb) for frame in frames]


def copy_film(source: Path, target: Path, *, alpha: bool = False, selection=None, streams=True, **options):
    """Read a film and write its frames as they are, or with a ramp of transparency."""
    reader = open_film(source, selection=selection, streams=streams)
    encoding = choose_encoding(target.suffix[1:], EncodingOptions(**options), alpha=alpha)
    writer = None
    for frame in reader:
        result = Result(rgb=frame.picture.rgb, alpha=ramp(frame.picture.size) if alpha else None)
        if writer is None:
            sides = reader if streams and isinstance(reader, FilmReader) else None
            writer = FilmWriter(target, encoding, Look.of(result, deep=encoding.deep), reader.info, sides)
        writer.pass_on(frame.before)
        writer.write(result, frame.time, frame.duration)
    assert writer is not None
    writer.pass_on(reader.take_packets())
    writer.finish()
    reader.close()
    return writer


def ramp(size=SIZE) -> np.ndarray:
    """Return a matte that grows from left to right."""
    return np.tile(np.linspace(0, 1, size[1], dtype=np.float32), (size[0], 1))


def numbers_of(path: Path) -> list[int]:
    """Return the numbers that are drawn in a film's frames."""
    return [number_of(frame) for frame in frames_of(path)]
