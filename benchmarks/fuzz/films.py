"""Films that are tried: small valid ones of many containers and codecs, most of them then changed."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np

from .case import Case
from .mutate import mutate
from .options import film_options
from .pictures import draw

PLAIN = 0.1  # share of cases that are valid


@dataclass(frozen=True, slots=True)
class Kind:
    """A valid film."""

    suffix: str
    muxer: str
    codec: str
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = (48, 32)
    """Width and height."""
    frames: int = 5
    sound: str | None = None
    rate: Fraction = Fraction(25)
    odd_times: bool = False
    """Whether frames last for different times."""


KINDS = (
    Kind("mp4", "mp4", "libx264", sound="aac"),
    Kind("mp4", "mp4", "libx264", "yuv444p", frames=1),
    Kind("mp4", "mp4", "mpeg4", rate=Fraction(30000, 1001), odd_times=True),
    Kind("mov", "mov", "prores_ks", "yuva444p10le", frames=2),
    Kind("mov", "mov", "png", "rgba", frames=3),
    Kind("mov", "mov", "mjpeg", "yuvj420p", sound="pcm_s16le"),
    Kind("mkv", "matroska", "ffv1", "yuv420p10le", frames=3),
    Kind("mkv", "matroska", "libx264", sound="aac", odd_times=True),
    Kind("webm", "webm", "libvpx", "yuva420p", frames=3),
    Kind("webm", "webm", "libvpx-vp9", frames=3),
    Kind("avi", "avi", "mpeg4", sound="mp2"),
    Kind("avi", "avi", "rawvideo", "rgb24", size=(16, 16), frames=3),
    Kind("ts", "mpegts", "mpeg2video", sound="mp2"),
    Kind("ts", "mpegts", "libx264", sound="aac"),
    Kind("flv", "flv", "flv1"),
    Kind("ogv", "ogg", "libvpx", frames=3),
    Kind("asf", "asf", "wmv2"),
    Kind("mpg", "mpeg", "mpeg1video"),
    Kind("y4m", "yuv4mpegpipe", "wrapped_avframe", size=(16, 16), frames=2),
    Kind("mxf", "mxf", "mpeg2video"),
    Kind("nut", "nut", "mpeg4"),
    Kind("h264", "h264", "libx264"),
    Kind("m2v", "mpeg2video", "mpeg2video"),
    Kind("ivf", "ivf", "libvpx", frames=3),
    Kind("mjpeg", "mjpeg", "mjpeg", "yuvj420p", frames=2),
    Kind("gif", "gif", "gif", "rgb8", frames=3),
    Kind("apng", "apng", "apng", "rgba", frames=3),
    Kind("wav", "wav", "", sound="pcm_s16le"),
)


@cache
def film_of(kind: Kind) -> bytes:
    """Write a film, the same bytes every time."""
    file = io.BytesIO()
    generator = np.random.default_rng(7)
    options = {"fflags": "+bitexact", "flush_packets": "1"}
    with av.open(file, "w", format=kind.muxer, options=options) as container:
        container.metadata["title"] = "a film"
        sound = container.add_stream(kind.sound, rate=44_100, layout="mono") if kind.sound else None
        if kind.codec:
            settings = {"flags": "+bitexact", "threads": "1"}
            settings |= {"auto-alt-ref": "0"} if kind.codec == "libvpx" else {}
            settings |= (
                {"preset": "ultrafast", "x264-params": "threads=1:asm=0"} if kind.codec == "libx264" else {}
            )
            stream = container.add_stream(kind.codec, rate=kind.rate, options=settings)
            stream.width, stream.height = kind.size
            stream.pix_fmt = kind.pix_fmt
            small = generator.integers(0, 256, (kind.frames, 4, 4, 4), dtype=np.uint8)
            for index in range(kind.frames):
                image = np.kron(small[index], np.ones((kind.size[1] // 4, kind.size[0] // 4, 1), np.uint8))
                frame = av.VideoFrame.from_ndarray(image, "rgba").reformat(format=kind.pix_fmt)
                frame.time_base = 1 / kind.rate
                frame.pts = index * index if kind.odd_times else index
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        if sound is not None:
            _add_sound(container, sound)
    return file.getvalue()


def _add_sound(container: av.container.OutputContainer, stream: av.AudioStream) -> None:
    context = stream.codec_context
    resampler = av.AudioResampler(context.format, "mono", context.sample_rate, context.frame_size or 1024)
    samples = np.zeros((1, context.sample_rate // 5), np.int16)
    frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
    frame.sample_rate, frame.pts = context.sample_rate, 0
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode())


def make(rng: random.Random) -> Case:
    """Make a film's file, and what is asked for of it."""
    if rng.random() < 0.04:
        return _list(rng)
    kind = rng.choice(KINDS)
    data, words = film_of(kind), f"{kind.suffix} {kind.codec}"
    if rng.random() < 0.06:
        suffix = rng.choice(("gif", "png", "webp"))
        data, words = draw(suffix, rng)
        kind = Kind(suffix, suffix, "")
    if rng.random() >= PLAIN:
        other = film_of(rng.choice(KINDS)) if rng.random() < 0.2 else b""
        data, done = mutate(data, rng, other)
        words += f": {done}"
    suffix = kind.suffix if rng.random() < 0.9 else rng.choice(KINDS).suffix
    return Case("films", f"case.{suffix}", data, film_options(rng), words)


LISTS = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:{n},\n{target}\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH={n}\n{target}\n",
    '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:1,\n{target}\n',
    "ffconcat version 1.0\nfile '{target}'\nduration {n}\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {n} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    '<?xml version="1.0"?><MPD><Period><BaseURL>{target}</BaseURL></Period></MPD>',
)
TARGETS = (
    "case.m3u8",
    "file:///etc/passwd",
    "/dev/zero",
    "concat:/etc/passwd|x",
    "data:video/mp4;base64,AAAA",
    "../x",
)


def _list(rng: random.Random) -> Case:
    """Make a list that names other files, itself among them; none that would be another machine's."""
    number = rng.choice((0, 1, -1, 65535, 10**12))
    text = rng.choice(LISTS).format(target=rng.choice(TARGETS), n=number)
    data = text.encode()
    if rng.random() < 0.5:
        data, _ = mutate(data, rng)
    suffix = rng.choice(("m3u8", "ffconcat", "sdp", "mpd", "mp4"))
    return Case("films", f"case.{suffix}", data, film_options(rng), "a list of other files")
