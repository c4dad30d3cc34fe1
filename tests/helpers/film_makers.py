"""Films for tests, made on the spot with PyAV and read back with nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (64, 96)  # height, width
RATE = 25
LEFT = np.zeros(SIZE, np.float32)  # the matte of an object that is the left half
LEFT[:, : SIZE[1] // 2] = 1
SOUND_RATE = 48_000


def marked(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Draw frame ``index``: its number as eight black or white blocks on top, a bright box below.

    The box is no mirror image of itself in any direction, so turns and flips show.
    """
    height, width = size
    image = np.full((height, width, 3), (40, 60, 90), np.uint8)
    block = width // 8
    for bit in range(8):
        image[: height // 4, bit * block : (bit + 1) * block] = 235 if index >> bit & 1 else 16
    image[height // 2 : height // 2 + height // 4, width // 8 : width // 2] = (210, 180, 60)
    image[height // 2 + height // 4 : height - 4, width // 8 : width // 4] = (210, 180, 60)
    return image


def number_of(image: np.ndarray) -> int:
    """Read the number back."""
    height, width = image.shape[:2]
    block = width / 8
    row = np.asarray(image)[height // 8, :, 1].astype(float)
    peak = 65535 if image.dtype == np.uint16 else 255
    return sum(1 << bit for bit in range(8) if row[int((bit + 0.5) * block)] > 0.5 * peak)


def make_film(
    path: Path,
    frames: Iterable[np.ndarray] | int = 10,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = RATE,
    times: Sequence[Fraction] | None = None,
    options: dict[str, str] | None = None,
    sound: str | None = None,
    layout: str = "stereo",
    format: str | None = None,
    set_up: Callable[[object, object], None] | None = None,
) -> Path:
    """Write a film.

    Parameters
    ----------
    frames
        uint8 RGB or RGBA arrays, or how many :func:`marked` ones.
    times
        When each is shown, seconds; else at the rate.
    sound
        Codec of a chirp as long as the film.
    set_up
        Called with the container and the video stream before the first frame.
    """
    images = [marked(i) for i in range(frames)] if isinstance(frames, int) else list(frames)
    base = Fraction(1, 90_000)
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=Fraction(rate), options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = base
        if codec in ("libx264", "libx265", "mpeg4"):
            stream.codec_context.gop_size = 5
        if set_up is not None:
            set_up(container, stream)
        audio = None
        if sound is not None:
            audio = container.add_stream(sound, rate=SOUND_RATE)
            audio.codec_context.layout = layout
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "rgba" if image.shape[2] == 4 else "rgb24")
            if pix_fmt not in ("rgba", "bgra", "rgb24"):
                hd = stream.codec_context.colorspace == 1
                frame = frame.reformat(
                    format=pix_fmt,
                    dst_colorspace="ITU709" if hd else "ITU601",
                    dst_color_range=stream.codec_context.color_range or "MPEG",
                )
            time = times[index] if times is not None else Fraction(index) / rate
            frame.pts, frame.time_base = round(time / base), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            length = times[-1] if times is not None else Fraction(len(images)) / rate
            container.mux(_sound(audio, length, layout))
    return path


def _sound(stream, length: Fraction, layout: str) -> list:
    count = int(length * SOUND_RATE)
    t = np.arange(count) / SOUND_RATE
    chirp = 0.4 * np.sin(2 * np.pi * (300 + 400 * t) * t)
    channels = 2 if layout == "stereo" else 1
    planes = np.ascontiguousarray(np.vstack([chirp] * channels).astype(np.float32))
    resampler = av.AudioResampler(stream.codec_context.format, layout, SOUND_RATE)
    packets = []
    for begin in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(planes[:, begin : begin + 1024]), "fltp", layout
        )
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, begin, Fraction(1, SOUND_RATE)
        for part in resampler.resample(frame):
            packets += stream.encode(part)
    return packets + stream.encode()


def frames_of(path: Path, format: str = "rgb24") -> list[np.ndarray]:
    """Decode all frames."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=format) for frame in container.decode(video=0)]


def times_of(path: Path) -> list[Fraction]:
    """Return when each frame is shown, seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def samples_of(path: Path) -> np.ndarray:
    """Decode all sound: (channels, samples) float32."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", rate=SOUND_RATE)
        parts = [
            part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)
        ]
    return np.concatenate(parts, axis=1)


def probe(path: Path) -> dict:
    """Return what a film's streams are."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return {
            "format": container.format.name,
            "streams": [(s.type, s.codec_context.name) for s in container.streams if s.codec_context],
            "pix_fmt": video.codec_context.pix_fmt,
            "size": (video.codec_context.height, video.codec_context.width),
            "tags": (
                video.codec_context.colorspace,
                video.codec_context.color_primaries,
                video.codec_context.color_trc,
                video.codec_context.color_range,
            ),
            "metadata": dict(container.metadata),
            "chapters": container.chapters(),
            "aspect": video.codec_context.sample_aspect_ratio,
            "languages": [s.metadata.get("language") for s in container.streams],
        }


def numbers(path: str | Path) -> list[int]:
    """Read the frames' numbers modulo 16: the higher digits stand in the half that is taken away."""
    return [number_of(frame) & 15 for frame in frames_of(path)]


def counted(count: int) -> list[int]:
    """Return what :func:`numbers` finds in a film of so many frames."""
    return [index & 15 for index in range(count)]


def files() -> list[str]:
    """List the files below the current folder."""
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())
