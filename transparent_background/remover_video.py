"""The methods of ``Remover`` that work on films: what is asked for, brought to the film room's terms."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from .films.report import FilmReport, ProgressCallback
    from .options.films import BackgroundPlay, ForegroundFilm
    from .options.result import ForegroundColours
    from .remover import Remover
    from .types import BackgroundFit, ColourArray, FloatArray, ResizeMethod

    Time = str | float | Fraction


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One frame of a film and its matte."""

    index: int
    """Which frame of the source it is, from 0."""
    time: Fraction
    """Seconds from the start."""
    duration: Fraction
    """Seconds until the next."""
    rgb: ColourArray
    """(h, w, 3) uint8; uint16 with ``deep=True`` for films of more than 8 bits."""
    alpha: FloatArray
    """(h, w) float32 in [0, 1]; 1 is the object."""


class VideoMethods:
    """What a :class:`Remover` does with films; needs the extra ``video``."""

    def process_video(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        dest: str | os.PathLike[str] | None = None,
        type: str | Sequence[int] | os.PathLike[str] = "rgba",
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        format: str | None = None,
        codec: str | None = None,
        crf: float | None = None,
        bitrate: int | str | None = None,
        preset: str | None = None,
        pix_fmt: str | None = None,
        start: Time | None = None,
        end: Time | None = None,
        fps: Time | None = None,
        scale: str | None = None,
        every: int = 1,
        temporal: bool = True,
        sound: bool = True,
        matte: bool | str | os.PathLike[str] = False,
        foreground: ForegroundColours | ForegroundFilm = "auto",
        fit: BackgroundFit = "cover",
        background: tuple[int, int, int] = (255, 255, 255),
        background_play: BackgroundPlay = "loop",
        quality: int | None = None,
        resize: ResizeMethod | None = None,
        batch_size: int = 1,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> FilmReport:
        """Remove the background of a film.

        Parameters
        ----------
        source
            A film, an animated picture, numbered pictures (``frame_%04d.png``), an address (HTTP, HLS,
            RTSP), or an open binary file.
        dest
            The file to write, or a pattern of pictures (``cut_%05d.png``); its suffix chooses container
            and codec. None: ``NAME_TYPE.mov`` for ``rgba``, else ``NAME_TYPE.mp4``, in the current folder.
        type, threshold, reverse, fit
            As in :meth:`process`; ``type`` may be the path of a film, which is put behind.
        format
            A container, if the suffix does not say.
        codec, crf, bitrate, preset, pix_fmt
            How it is encoded: ``h264``, ``hevc``, ``vp9``, ``av1``, ``prores``, ``ffv1``, ``png`` or an
            FFmpeg encoder; constant quality (smaller is better) or bits a second; the encoder's speed;
            FFmpeg's pixel format. By default without visible loss.
        start, end
            Seconds or a clock (``"1:30.5"``).
        fps, scale, every
            Frames a second; size (``0.5``, ``"1280x720"``, ``"720p"``); only every so manieth frame.
        temporal
            Steady the mattes along the motion, so that nothing flickers.
        sound
            Pass on sound, subtitles, chapters and metadata, where the result can hold them.
        matte
            Also write the matte: True for ``NAME_TYPE_matte``, or the file's name.
        foreground
            As in :meth:`process`; ``"straight"`` and ``"premultiplied"`` also write the object's own
            colours as a film, as they are or multiplied by the matte.
        background
            Colour under cut-outs in formats without transparency.
        background_play
            Whether a shorter background film begins again (``"loop"``) or keeps its last frame (``"hold"``).
        quality
            Of numbered JPEG, WebP and AVIF pictures, 1 to 100.
        resize
            What the network sees; None: what this remover was made with, else ``"static"``.
        batch_size
            Frames that share a pass of the network; pays on GPUs.
        resume
            Write in segments of ten seconds; after a stop, the same call goes on after the last one.
        progress
            Called after each frame with a :class:`films.options.VideoProgress`.

        Returns
        -------
        FilmReport
            The files, how many frames, how fast, and what was lost or changed on the way.

        Raises
        ------
        MissingExtraError
            PyAV is not installed: ``pip install "transparent-background[video]"``.
        InputError
            The source cannot be read; where only parts are damaged, the rest is done and the report says so.
        UsageError
            Options do not fit each other.
        OutputConflictError
            The result would take the source's place.
        OutputError
            A result cannot be written.
        KeyboardInterrupt
            Passed on; what is done is then playable as ``NAME.partial.SUFFIX``.
        """
        from .films.naming import check_targets, film_result_path
        from .films.outputs import plan_targets
        from .films.process import process_film
        from .options.settings import settings_of

        settings = settings_of(
            type=type,
            threshold=threshold,
            reverse=reverse,
            fit=fit,
            foreground=foreground,
            format=format,
            quality=quality,
            background=background,
            start=start,
            end=end,
            fps=fps,
            scale=scale,
            every=every,
            codec=codec,
            crf=crf,
            bitrate=bitrate,
            preset=preset,
            pix_fmt=pix_fmt,
            resize=resize,
            temporal=temporal,
            sound=sound,
            matte=matte,
            background_play=background_play,
            batch_size=batch_size,
            resume=resume,
        )
        path = film_result_path(source, dest, settings)
        targets = plan_targets(path, format, settings)
        check_targets(source, targets)
        return process_film(cast("Remover", self), source, targets, settings, progress=progress)

    def iter_video(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        start: Time | None = None,
        end: Time | None = None,
        fps: Time | None = None,
        scale: str | None = None,
        every: int = 1,
        temporal: bool = True,
        resize: ResizeMethod | None = None,
        batch_size: int = 1,
        deep: bool = False,
    ) -> Iterator[VideoFrame]:
        """Give the frames of a film with their mattes, one by one; the next ones are decoded meanwhile.

        Parameters
        ----------
        source
            As in :meth:`process_video`.
        deep
            Whether films of more than 8 bits give uint16.
        threshold, reverse, start, end, fps, scale, every, temporal, resize, batch_size
            As in :meth:`process_video`.

        Yields
        ------
        VideoFrame
            Its arrays are the caller's own.

        Raises
        ------
        MissingExtraError, InputError, UsageError
            As :meth:`process_video`.
        """
        from .films.frames import iterate_frames
        from .options.settings import settings_of

        selection = settings_of(start=start, end=end, fps=fps, scale=scale, every=every).film
        return iterate_frames(
            cast("Remover", self),
            source,
            selection,
            threshold=threshold,
            reverse=reverse,
            temporal=temporal,
            resize=resize,
            batch_size=batch_size,
            deep=deep,
        )
