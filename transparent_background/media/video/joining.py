"""Joining films of one kind end to end, packet by packet, with the sound of their source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import part_of, writing_to
from .containers import Encoding
from .decoding import FilmReader
from .encoding import open_output
from .opening import open_input
from .passing import SideStreams

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet


def join(
    segments: Sequence[tuple[Path, Fraction]], path: Path, encoding: Encoding, source: FilmReader | None
) -> list[str]:
    """Make one film of several.

    Parameters
    ----------
    segments
        Films of one stream each, made with one encoding, and when each begins, seconds.
    path
        Where the film appears when it is whole.
    source
        A fresh reader of what they were made of, for sound, subtitles, chapters and metadata; or None.

    Returns
    -------
    What was done that one may not expect.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    temporary = part_of(path)
    container = encoding.container
    try:
        with writing_to(path):
            with open_output(temporary, container.muxer, dict(container.options)) as target:
                notes = _copy(segments, target, encoding, source)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return notes


def _copy(
    segments: Sequence[tuple[Path, Fraction]],
    target: OutputContainer,
    encoding: Encoding,
    source: FilmReader | None,
) -> list[str]:
    stream: Any = None
    sides: SideStreams | None = None
    waiting: Iterator[Packet[Any]] = iter(())
    last: int | None = None
    for file, begin in segments:
        with open_input(file) as container:
            if stream is None:
                stream = _like(target, container.streams.video[0], encoding)
                if source is not None:
                    sides = SideStreams(source, target, encoding.container)
                    waiting = source.packets_beside()
            for packet in container.demux(container.streams.video[0]):
                if packet.dts is None:
                    continue
                # some containers begin at a time of their own
                shift = round(begin / packet.time_base) - (container.streams.video[0].start_time or 0)
                packet.dts += shift
                packet.pts = None if packet.pts is None else packet.pts + shift
                if last is not None and packet.dts <= last:
                    packet.dts = last + 1  # where the rate varies, one segment's may reach into the next
                last = packet.dts
                if sides is not None and source is not None:
                    _put_until(sides, source, waiting, packet.dts * packet.time_base)
                packet.stream = stream
                target.mux_one(packet)
    if sides is not None and source is not None:
        _put_until(sides, source, waiting, None)
        sides.flush()
    return sides.notes if sides is not None else []


def _like(target: OutputContainer, template: Any, encoding: Encoding) -> Any:
    """Add a stream for packets of another film."""
    stream = target.add_stream_from_template(template, opaque=True)
    if "alpha_mode" in template.metadata:  # else players take VP9's second stream for nothing
        stream.metadata["alpha_mode"] = template.metadata["alpha_mode"]
    if encoding.codec.tag and encoding.container.muxer in ("mp4", "mov"):
        stream.codec_context.codec_tag = encoding.codec.tag
    return stream


def _put_until(
    sides: SideStreams, source: FilmReader, waiting: Iterator[Packet[Any]], time: Fraction | None
) -> None:
    """Write the source's packets up to a moment of the film; all that are left for None."""
    for packet in waiting:
        when = source.packet_time(packet)
        sides.put(packet)
        if time is not None and when is not None and when >= time:
            return
