"""What films can be written as: containers, codecs and their settings, as data. Imports no PyAV."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import UsageError
from ...options.films import EncodingOptions


@dataclass(frozen=True, slots=True)
class Codec:
    """How one codec is used here."""

    encoder: str
    """FFmpeg's name of the encoder."""
    pixels: str
    """Pixel format of opaque pictures with 8 bits."""
    deep: str | None = None
    """Pixel format of opaque pictures with more bits; None: they are rounded to 8."""
    alpha: str | None = None
    """Pixel format with transparency; None: it holds none."""
    deep_alpha: str | None = None
    """Pixel format with transparency and more bits, if it is another."""
    crf: float | None = None
    """Constant quality that shows no loss, smaller is better; None: the codec has no such setting."""
    crf_min: float = 0
    crf_max: float = 51
    crf_option: str = "crf"
    crf_unit: float = 1
    """What FFmpeg's option counts for one of ours."""
    preset: str | None = None
    """What its speed setting is by default."""
    preset_option: str = "preset"
    presets: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    alpha_options: Mapping[str, str] = field(default_factory=dict)
    """Beside the others, where there is transparency."""
    even: bool = False
    """Whether both sides must be even."""
    tag: str | None = None
    """Code that players want in MP4 and MOV."""


_X26 = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_PROFILES = ("proxy", "lt", "standard", "hq", "4444", "4444xq")

# Constant quality: two to five below what each encoder's authors call hard to tell from the source,
# since edges of a cut-out are looked at closely (benchmarks/films.py compares them).
CODECS: Mapping[str, Codec] = {
    "h264": Codec("libx264", "yuv420p", "yuv420p10le", crf=16, preset="veryfast", presets=_X26, even=True),
    "hevc": Codec(
        "libx265",
        "yuv420p",
        "yuv420p10le",
        crf=17,
        preset="veryfast",
        presets=_X26,
        options={"x265-params": "log-level=error"},
        even=True,
        tag="hvc1",
    ),
    "vp9": Codec(
        "libvpx-vp9",
        "yuv420p",  # PyAV's libvpx is built without its modes of more than 8 bits
        alpha="yuva420p",
        crf=18,
        crf_max=63,
        preset="6",
        preset_option="cpu-used",
        presets=tuple(str(speed) for speed in range(9)),
        options={"deadline": "realtime", "row-mt": "1", "b": "0"},
        # the encoder's hidden reference frames and transparency exclude each other
        alpha_options={"auto-alt-ref": "0"},
    ),
    "av1": Codec(
        "libsvtav1",
        "yuv420p",
        "yuv420p10le",
        crf=20,
        crf_max=63,
        preset="10",
        presets=tuple(str(speed) for speed in range(14)),
        even=True,
    ),
    "prores": Codec(
        "prores_ks",
        "yuv422p10le",
        "yuv422p10le",
        alpha="yuva444p10le",
        # a fixed quantiser: searching the one that meets the profile's bit rate takes six times as long
        crf=2,
        crf_min=1,
        crf_max=32,
        crf_option="global_quality",
        crf_unit=118,  # FF_QP2LAMBDA
        preset="hq",
        preset_option="profile",
        presets=_PROFILES,
        options={"vendor": "apl0", "flags": "+qscale"},
        alpha_options={"profile": "4444", "alpha_bits": "16"},
    ),
    "ffv1": Codec(
        "ffv1",
        "bgr0",
        "gbrp16le",
        alpha="bgra",
        deep_alpha="gbrap16le",
        options={"level": "3", "slices": "4", "slicecrc": "1"},
    ),
    "png": Codec("png", "rgb24", "rgb48be", alpha="rgba", deep_alpha="rgba64be"),
    "apng": Codec("apng", "rgb24", "rgb48be", alpha="rgba", deep_alpha="rgba64be"),
    "gif": Codec("gif", "pal8", alpha="pal8"),
    # with transparency libwebp's animations are lossless only: its lossy ones come out opaque
    "webp": Codec(
        "libwebp_anim",
        "yuv420p",
        alpha="bgra",
        options={"lossless": "0", "quality": "92"},
        alpha_options={"lossless": "1", "quality": "40"},
    ),
}


@dataclass(frozen=True, slots=True)
class Container:
    """One kind of film file."""

    muxer: str
    """FFmpeg's name of it."""
    codecs: tuple[str, ...]
    """What it may hold; the first is its default."""
    alpha: tuple[str, ...] = ()
    """Those of them that are used with transparency; the first is the default."""
    streams: bool = True
    """Whether it also holds sound, subtitles and chapters."""
    options: Mapping[str, str] = field(default_factory=dict)


_FAST_START = {"movflags": "+faststart"}
_MP4 = Container("mp4", ("h264", "hevc", "av1", "vp9"), options=_FAST_START)
_MOV = Container("mov", ("h264", "hevc", "prores", "png"), alpha=("prores", "png"), options=_FAST_START)
_MKV = Container("matroska", ("h264", "hevc", "vp9", "av1", "prores", "ffv1"), alpha=("vp9", "ffv1"))
_TS = Container("mpegts", ("h264", "hevc"))

CONTAINERS: Mapping[str, Container] = {
    "mp4": _MP4,
    "m4v": _MP4,
    "mov": _MOV,
    "qt": _MOV,
    "mkv": _MKV,
    "webm": Container("webm", ("vp9", "av1"), alpha=("vp9",)),
    "ts": _TS,
    "gif": Container("gif", ("gif",), alpha=("gif",), streams=False),
    "apng": Container("apng", ("apng",), alpha=("apng",), streams=False, options={"plays": "0"}),
    "webp": Container("webp", ("webp",), alpha=("webp",), streams=False, options={"loop": "0"}),
}

SEQUENCES = frozenset(("png", "jpg", "jpeg", "tif", "tiff", "bmp", "avif", "tga"))
"""Formats of which a film becomes one file a frame."""

CHOICES = f"{', '.join(CONTAINERS)}, or one picture a frame: {', '.join(sorted(SEQUENCES))}"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one film is written: a container and a codec that fit each other, and the encoder's options."""

    container: Container
    codec: Codec
    codec_name: str
    options: Mapping[str, str]
    pix_fmt: str | None
    """Asked for by name; None: as codec and pictures want it."""
    bitrate: int | None = None

    @property
    def tag(self) -> str | None:
        """Code of the codec that players want in this container."""
        return self.codec.tag if self.container.muxer in ("mp4", "mov") else None

    @property
    def deep(self) -> bool:
        """Whether more than 8 bits of a source reach the file."""
        return any(depth in self.pixels(alpha=False, deep=True) for depth in ("10", "12", "16", "48"))

    def pixels(self, *, alpha: bool, deep: bool) -> str:
        """Return the pixel format for pictures with or without transparency and more than 8 bits."""
        if self.pix_fmt is not None:
            return self.pix_fmt
        codec = self.codec
        if alpha and codec.alpha is not None:
            return (codec.deep_alpha if deep else None) or codec.alpha
        if codec.preset_option == "profile" and self.options.get("profile", "").startswith("4444"):
            return "yuv444p10le"
        # H.264 with 10 bits plays on few devices; it has to be asked for
        return codec.deep if deep and codec.deep is not None and codec.encoder != "libx264" else codec.pixels


def film_format(name: str) -> str | None:
    """Return ``mp4`` for ``mp4``, ``.MP4`` or ``clip.mp4``; None if it is no film that can be written."""
    suffix = name.rsplit(".", 1)[-1].lower()
    return suffix if suffix in CONTAINERS else None


COUNTER = re.compile(r"%(0?)(\d*)d")
"""Where a number goes in the names of a film's pictures."""


def is_pattern(name: str) -> bool:
    """Whether a file's name has a counter, as in ``frame_%04d.png``."""
    return COUNTER.search(name) is not None


def is_sequence(name: str) -> bool:
    """Whether a format (``png``) or a pattern (``frame_%04d.png``) means one file a frame."""
    return name.rsplit(".", 1)[-1].lower() in SEQUENCES


def choose_encoding(format: str, options: EncodingOptions, *, alpha: bool) -> Encoding:
    """Find how to write a film.

    Parameters
    ----------
    format
        A key of :data:`CONTAINERS`.
    options
        What the user wants of it.
    alpha
        Whether the pictures are transparent.

    Raises
    ------
    UsageError
        Container, codec, pixel format and transparency do not fit, or a value is out of range.
    """
    container = CONTAINERS[format]
    name = _codec_name(format, container, options, alpha=alpha)
    known = name in CODECS
    codec = CODECS[name] if known else Codec(name, "yuv420p")
    if known and alpha and options.pix_fmt is None and codec.alpha is None:
        holds = [key for key, value in CONTAINERS.items() if value.alpha]
        raise UsageError(
            f"--codec {name} holds no transparency; use prores in .mov, vp9 in .webm, or {', '.join(holds)}"
        )
    if alpha and options.pix_fmt is not None and not options.pix_fmt.startswith(_WITH_ALPHA):
        raise UsageError(
            f"--pix-fmt {options.pix_fmt} holds no transparency; leave it out, or name one that does"
        )
    settings = {**codec.options, **(codec.alpha_options if alpha else {})}
    if options.crf is not None:
        if known and codec.crf is None:
            raise UsageError(f"--crf: {name} has no constant quality to set")
        if not codec.crf_min <= options.crf <= codec.crf_max:
            span = f"from {codec.crf_min:g} to {codec.crf_max:g}"
            raise UsageError(f"--crf must be {span} for {name}, not {options.crf:g}")
    crf = codec.crf if options.crf is None else options.crf
    if options.bitrate is not None:
        if options.crf is not None:
            raise UsageError("--crf and --bitrate exclude each other")
        if known and (codec.crf is None or codec.crf_unit != 1):
            raise UsageError(f"--bitrate: {name} has no bit rate to set")
        if options.bitrate < 1000:
            raise UsageError(f"--bitrate {options.bitrate}: bits a second, such as 8M or 800k")
        settings.pop("b", None)
    elif crf is not None:
        settings[codec.crf_option] = f"{crf * codec.crf_unit:g}"
    _set_preset(settings, name, codec, options.preset, alpha=alpha)
    return Encoding(container, codec, name, settings, options.pix_fmt, options.bitrate)


_WITH_ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya", "pal8", "ayuv", "vuya")


def _codec_name(format: str, container: Container, options: EncodingOptions, *, alpha: bool) -> str:
    name = options.codec.lower() if options.codec else None
    if name is None:
        if alpha and not container.alpha:
            raise UsageError(
                f"{format} holds no transparency; use .mov (ProRes 4444), .webm (VP9), .apng, .webp or .gif"
            )
        return (container.alpha if alpha else container.codecs)[0]
    name = _ALIASES.get(name, name)
    if name in CODECS and name not in {*container.codecs, *container.alpha}:
        holds = ", ".join(container.codecs)
        raise UsageError(f"--codec {options.codec} does not go into .{format}; it holds {holds}")
    return name


_ALIASES = {codec.encoder: name for name, codec in CODECS.items()}
_ALIASES |= {"x264": "h264", "avc": "h264", "x265": "hevc", "h265": "hevc"}


def _set_preset(
    settings: dict[str, str], name: str, codec: Codec, preset: str | None, *, alpha: bool
) -> None:
    if preset is None:
        if codec.preset is not None:
            settings.setdefault(codec.preset_option, codec.preset)
        return
    if codec.presets and preset not in codec.presets:
        raise UsageError(f"--preset {preset!r} is unknown for {name}; choose from {', '.join(codec.presets)}")
    if name in CODECS and not codec.presets:
        raise UsageError(f"--preset: {name} has none")
    if name == "prores" and alpha and not preset.startswith("4444"):
        raise UsageError(f"--preset {preset}: of ProRes, only 4444 and 4444xq hold transparency")
    settings[codec.preset_option] = preset
    if name == "vp9" and int(preset) < 5:
        settings["deadline"] = "good"  # libvpx's realtime mode begins at 5
