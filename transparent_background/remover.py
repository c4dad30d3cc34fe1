"""The background remover: pictures and films in, pictures and films out."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, TypeAlias

from .compositing.backgrounds import background_of
from .compositing.finish import finish
from .errors import UsageError
from .films.frames import VideoFrame
from .films.report import FilmReport, ProgressCallback
from .images.conversions import give_back, take
from .images.picture import Picture
from .matting.network import NetworkPredictor
from .matting.pictures import predict_mattes
from .media.reading import read
from .options.declare import check_names, declared, offered
from .options.films import Selection
from .options.result import ResultOptions
from .options.settings import settings_of
from .types import FloatArray, ImageInput

FilmInput: TypeAlias = str | os.PathLike[str] | BinaryIO
ResultKind: TypeAlias = str | Sequence[int] | os.PathLike[str]


class Remover(NetworkPredictor):
    """Removes the background of pictures and films.

    Parameters
    ----------
    mode
        ``"base"``, ``"fast"``, ``"base-nightly"``, ``"lite"`` (bundled), a name of the research zoo or
        of the user's ``config.yaml``. None: ``base`` if its weights are there or can be downloaded,
        else ``lite``, with a warning in the log.
    jit
        Prepare the network for one input size, so that ``resize`` becomes ``"static"``; where nothing faster
        is known, it is recorded as TorchScript.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``. None: the best there is.
    ckpt
        A file of weights (``.pth`` or ``.safetensors``) in place of the mode's own.
    resize
        ``"static"``: the network sees the picture at its base size. ``"dynamic"``: in the picture's
        shape, short side at most 1280. ``"blend"``: both, shape from the first and edges from the
        second. None: as the checkpoint was meant to be used.
    normalisation
        ``"minmax"``: stretch every matte to [0, 1], as published. ``"sigmoid"``: as predicted, so
        that a picture without an object stays empty. None: the checkpoint's own.
    progress
        Called with (bytes done, bytes in all or None) while weights are downloaded.
    backend
        What runs the network. ``"torch"``: PyTorch, in its fastest form for the device; ``"plain"``:
        PyTorch, layer by layer; ``"openvino"``, ``"onnxruntime"``: on the CPU, with the extras of that
        name. ``"auto"``: PyTorch, or OpenVINO where that is faster, installed, and was used before.
    precision
        ``"float32"``; ``"float16"`` or ``"bfloat16"`` are faster on GPUs, and the latter on some CPUs. They
        are tried on a drawn picture first; if its matte changes by more than 4/255, float32 is used, and
        that is logged. ``"auto"``: the fastest for the device.
    compile
        Compile the network with ``torch.compile``: for long work on a GPU; the first picture of every size
        waits for minutes.
    offline
        Never download. None: as ``$TRANSPARENT_BACKGROUND_OFFLINE`` says.

    Raises
    ------
    UnknownModeError, UsageError
        An argument is unknown.
    DeviceError
        The device is not there.
    WeightsError
        The weights cannot be had, or are damaged or of another network.

    Notes
    -----
    A remover holds no state between calls and may be used by several threads.
    """

    def process(
        self,
        img: ImageInput,
        type: ResultKind = "rgba",
        threshold: float | str | None = None,
        reverse: bool = False,
        **options: Any,
    ) -> Any:
        """Remove the background of one picture.

        Parameters
        ----------
        img
            A PIL picture of any mode; an array (h, w), (h, w, 3) or (h, w, 4), RGB, of uint8, uint16
            or float in [0, 1]; a tensor (c, h, w) or (1, c, h, w), uint8 or float in [0, 1]; a path;
            or a file's bytes. EXIF orientation is applied.
        type
            ``"rgba"``, ``"map"``, ``"green"``, ``"white"``, ``"blur"``, ``"overlay"``, a colour
            (``"[255, 0, 0]"``, ``(255, 0, 0)``, ``"#ff0000"``, a CSS name) or a picture's path.
        threshold
            In [0, 1]: the matte becomes 1 above it and 0 elsewhere. None keeps it soft.
        reverse
            Remove the object, keep the background.
        **options
            More options of results (docs/options.md), such as ``fit``: how a background picture fills
            the frame; ``foreground``: colours along the edge, ``"estimate"`` removes the old background's
            share in them, ``"original"`` keeps them, ``"auto"`` estimates for ``rgba``, colours and pictures
            behind, where the matte is soft;
            ``crop``: pixels (``20``) or a share (``"5%"``) to leave around the object. What concerns files
            only (``format``, ``quality``, ``background``) is taken, so that recipes fit, and changes
            nothing.

        Returns
        -------
        PIL.Image.Image, numpy.ndarray or torch.Tensor
            Of the kind that was given (PIL for paths and bytes), in its number type and, unless it is
            cropped, its size: 4 channels for ``rgba``, else 3.

        Raises
        ------
        InputError
            The picture cannot be read or used.
        UsageError
            An option is unknown or out of range.
        """
        return self.process_batch([img], type, threshold, reverse, batch_size=1, **options)[0]

    def process_batch(
        self,
        images: Iterable[ImageInput],
        type: ResultKind = "rgba",
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        batch_size: int = 4,
        **options: Any,
    ) -> list[Any]:
        """Remove the background of several pictures; sizes and kinds may differ.

        The results are those of :meth:`process` one by one. Up to ``batch_size`` pictures that the
        network sees at one size share a pass. For the other parameters see :meth:`process`.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {batch_size}")
        known = [entry.name for entry in offered(ResultOptions, door="python", subject="picture")]
        check_names(options, known)
        settings = settings_of(type=type, threshold=threshold, reverse=reverse, **options)
        background = background_of(settings)
        waiting, results = iter(images), []
        while chunk := list(islice(waiting, batch_size)):
            pictures = [_read(image) for image in chunk]
            for image, picture, matte in zip(chunk, pictures, self.mattes(pictures), strict=True):
                done = finish(picture, matte, settings, self.device, background=background)
                results.append(give_back(done.result, image))
        return results

    def alpha(
        self, img: ImageInput, threshold: float | str | None = None, reverse: bool = False
    ) -> FloatArray:
        """Return the matte of one picture.

        Parameters
        ----------
        img, threshold, reverse
            As in :meth:`process`.

        Returns
        -------
        float32 (h, w) in [0, 1], at the picture's own size; 1 is the object. The picture's own
        transparency is multiplied in.
        """
        settings = settings_of(type="map", threshold=threshold, reverse=reverse)
        picture = _read(img)
        (matte,) = self.mattes([picture])
        return finish(picture, matte, settings, self.device).alpha

    def mattes(self, pictures: Sequence[Picture]) -> list[FloatArray]:
        """Predict the mattes of decoded pictures, without their own alpha: float32 (h, w) in [0, 1] each."""
        return predict_mattes(self, pictures)

    def process_video(
        self,
        source: FilmInput,
        dest: str | os.PathLike[str] | None = None,
        type: ResultKind = "rgba",
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        progress: ProgressCallback | None = None,
        **options: Any,
    ) -> FilmReport:
        """Remove the background of a film; needs the extra ``video``.

        Parameters
        ----------
        source
            A film, an animated picture, numbered pictures (``frame_%04d.png``), an address (HTTP, HLS,
            RTSP), or an open binary file.
        dest
            The file to write, or a pattern of pictures (``cut_%05d.png``); its suffix chooses container
            and codec. None: ``NAME_TYPE.mov`` for ``rgba``, else ``NAME_TYPE.mp4``, in the current folder.
        type, threshold, reverse
            As in :meth:`process`; ``type`` may be the path of a film, which is put behind.
        progress
            Called after each frame with a :class:`films.report.VideoProgress`.
        **options
            By name: ``format``, a container, if the suffix does not say; ``codec``, ``crf``, ``bitrate``,
            ``preset`` and ``pix_fmt``, in FFmpeg's words, by default without visible loss; ``start`` and
            ``end``, seconds or a clock (``"1:30.5"``); ``fps``; ``scale`` (``0.5``, ``"1280x720"``,
            ``"720p"``); ``every``, to keep every n-th frame only; ``temporal=False``, not to steady the
            mattes along the motion; ``sound=False``, to leave out sound, subtitles, chapters and metadata;
            ``matte``, to write the matte as well: True for ``NAME_TYPE_matte``, or the file's name;
            ``fit`` and ``foreground`` as in :meth:`process`, where ``foreground="straight"`` and
            ``"premultiplied"`` also write the object's own colours as a film, as they are or multiplied by
            the matte; ``background``, the colour under cut-outs in formats without transparency;
            ``background_play``, whether a shorter film behind begins again (``"loop"``) or keeps its last
            frame (``"hold"``); ``quality`` of numbered JPEG, WebP and AVIF pictures, 1 to 100; ``resize``,
            what the network sees, None: what this remover was made with, else ``"static"``;
            ``batch_size``, frames that share a pass of the network; ``resume``, to write in segments of ten
            seconds, so that after a stop the same call goes on after the last one.

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
            An option is unknown, or options do not fit each other.
        OutputConflictError
            The result would take the source's place.
        OutputError
            A result cannot be written.
        KeyboardInterrupt
            Passed on; what is done is then playable as ``NAME.partial.SUFFIX``.
        """
        from .films.outputs import check_targets, film_result_path, plan_targets
        from .films.process import process_film

        settings = settings_of(type=type, threshold=threshold, reverse=reverse, **options)
        targets = plan_targets(film_result_path(source, dest, settings), settings.format, settings)
        check_targets(source, targets)
        return process_film(self, source, targets, settings, progress=progress)

    def iter_video(
        self,
        source: FilmInput,
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        deep: bool = False,
        **options: Any,
    ) -> Iterator[VideoFrame]:
        """Give the frames of a film with their mattes, one by one; the next ones are decoded meanwhile.

        Parameters
        ----------
        source, threshold, reverse
            As in :meth:`process_video`.
        deep
            Whether films of more than 8 bits give uint16.
        **options
            ``start``, ``end``, ``fps``, ``scale``, ``every``, ``temporal``, ``resize`` and ``batch_size``,
            as in :meth:`process_video`.

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

        check_names(options, [*declared(Selection), "temporal", "resize", "batch_size"])
        settings = settings_of(type="map", threshold=threshold, reverse=reverse, **options)
        return iterate_frames(self, source, settings, deep=deep)


def remove(img: ImageInput, **options: Any) -> Any:
    """Remove the background of one picture, with a remover made for it.

    To process several pictures, make one :class:`Remover` and keep it.

    Parameters
    ----------
    img
        As in :meth:`Remover.process`.
    **options
        Those of :class:`Remover` and of :meth:`Remover.process`, by name.
    """
    own = {name: options.pop(name) for name in inspect.signature(Remover).parameters if name in options}
    return Remover(**own).process(img, **options)


def _read(image: ImageInput) -> Picture:
    return read(image) if isinstance(image, (str, os.PathLike, bytes)) else take(image)
