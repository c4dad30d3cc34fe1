"""What is written: frame N is frame N, sound is untouched, alpha and colours survive each codec."""

from __future__ import annotations

import errno
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from film_makers import (
    RATE,
    SIZE,
    frames_of,
    make_film,
    marked,
    number_of,
    probe,
    samples_of,
    times_of,
)
from PIL import Image

from transparent_background.errors import OutputError, UsageError
from transparent_background.images.result import Result
from transparent_background.media.video.containers import CODECS, CONTAINERS, choose_encoding
from transparent_background.media.video.decoding import FilmReader
from transparent_background.media.video.encoding import Look
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.writing import FilmWriter, SequenceWriter
from transparent_background.options.films import EncodingOptions, Selection


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
    if isinstance(reader, FilmReader):
        writer.pass_on(reader.take_packets())
    writer.finish()
    reader.close()
    return writer


def ramp(size=SIZE) -> np.ndarray:
    return np.tile(np.linspace(0, 1, size[1], dtype=np.float32), (size[0], 1))


def numbers(path: Path) -> list[int]:
    return [number_of(frame) for frame in frames_of(path)]


# ---- frames


def test_lossless_films_are_equal_to_the_pixel(tmp_path) -> None:
    source = make_film(tmp_path / "a.mkv", 20, codec="ffv1", pix_fmt="bgr0")
    copy_film(source, tmp_path / "b.mkv", codec="ffv1")
    assert all(
        np.array_equal(a, b) for a, b in zip(frames_of(source), frames_of(tmp_path / "b.mkv"), strict=True)
    )
    assert np.array_equal(frames_of(tmp_path / "b.mkv")[7], marked(7))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(key, codec) for key, box in CONTAINERS.items() for codec in box.codecs if key not in ("qt", "m4v")],
)
def test_every_container_and_codec_keeps_frames_and_times(tmp_path, suffix, codec) -> None:
    source = make_film(tmp_path / "a.mp4", 12, options={"crf": "5"})
    target = tmp_path / f"b.{suffix}"
    copy_film(source, target, streams=False, codec=codec)
    if suffix == "webp":
        with Image.open(target) as image:
            found = []
            for index in range(image.n_frames):
                image.seek(index)
                found.append(np.asarray(image.convert("RGB")))
            assert image.info["duration"] == 40
    else:
        found = frames_of(target)
        tick = 0.011 if suffix == "gif" else 0.002
        times = [float(time) for time in times_of(target)]
        assert np.allclose(np.diff(times), 1 / RATE, atol=tick)
    assert [number_of(frame) for frame in found] == list(range(12))
    loss = 25 if suffix == "gif" else 8
    assert np.abs(found[5].astype(int) - marked(5)).mean() < loss


def test_a_variable_rate_is_kept(tmp_path) -> None:
    times = [Fraction(n, 100) for n in (0, 4, 5, 25, 60, 61)]
    source = make_film(tmp_path / "a.mp4", 6, times=times)
    for suffix in ("mp4", "mov", "webm", "apng"):
        copy_film(source, tmp_path / f"b.{suffix}", streams=False)
        found = times_of(tmp_path / f"b.{suffix}")
        assert [round(float(t - found[0]), 3) for t in found] == [float(t) for t in times], suffix


@pytest.mark.parametrize("size", [(63, 95), (64, 95), (65, 96)])
def test_odd_sizes(tmp_path, size) -> None:
    source = make_film(tmp_path / "a.mkv", [marked(i, size) for i in range(3)], codec="ffv1", pix_fmt="bgr0")
    for suffix in ("webm", "mov", "apng"):
        copy_film(
            source, tmp_path / f"b.{suffix}", streams=False, **({"codec": "png"} if suffix == "mov" else {})
        )
        assert frames_of(tmp_path / f"b.{suffix}")[1].shape == (*size, 3), suffix
    writer = copy_film(source, tmp_path / "b.mp4", streams=False)
    frame = frames_of(tmp_path / "b.mp4")[1]
    assert frame.shape == (size[0] + size[0] % 2, size[1] + size[1] % 2, 3)
    assert np.abs(frame[: size[0], : size[1]].astype(int) - marked(1, size)).mean() < 8
    assert "even sides" in writer.notes[0]


# ---- transparency


@pytest.mark.parametrize(
    ("suffix", "codec", "loss"),
    [
        ("mov", None, 1 / 255),  # ProRes 4444 with 16 bits of alpha
        ("mov", "png", 0),
        ("webm", None, 0.03),
        ("mkv", "vp9", 0.03),
        ("mkv", "ffv1", 0),
        ("apng", None, 0),
        ("webp", None, 0),
        ("gif", None, 0.5),
    ],
)
def test_alpha_survives(tmp_path, suffix, codec, loss) -> None:
    source = make_film(tmp_path / "a.mp4", 3, options={"crf": "5"})
    target = tmp_path / f"b.{suffix}"
    copy_film(source, target, alpha=True, streams=False, codec=codec)
    if suffix in ("webp", "apng", "gif"):
        target = target.rename(target.with_suffix(".png" if suffix == "apng" else f".{suffix}"))
    frames = list(open_film(target))
    assert len(frames) == 3
    for frame in frames:
        assert frame.picture.alpha is not None
        assert np.abs(frame.picture.alpha - ramp()).max() <= loss + 0.5 / 255 + 1e-6
    solid = ramp() > 0.9
    error = np.abs(frames[1].picture.rgb[solid].astype(int) - marked(1)[solid])
    assert error.mean() < (25 if suffix == "gif" else 8)


@pytest.mark.parametrize("suffix", ["mov", "webm", "mkv"])
def test_what_is_opaque_and_what_is_clear_stay_so_exactly(tmp_path, suffix) -> None:
    encoding = choose_encoding(suffix, EncodingOptions(), alpha=True)
    reader = open_film(make_film(tmp_path / "a.mp4", 1))
    alpha = np.zeros(SIZE, np.float32)
    alpha[:, 48:] = 1
    result = Result(rgb=marked(0), alpha=alpha)
    writer = FilmWriter(tmp_path / f"b.{suffix}", encoding, Look.of(result, deep=False), reader.info)
    writer.write(result, Fraction(0), Fraction(1, 25))
    writer.finish()
    reader.close()
    (frame,) = open_film(tmp_path / f"b.{suffix}")
    found = frame.picture.alpha
    assert found is not None
    assert (found[:, :40].max(), found[:, 56:].min()) == (0, 1)


# ---- colours


@pytest.mark.parametrize(("size", "tags"), [(SIZE, (6, 6, 6, 1)), ((720, 1280), (1, 1, 1, 1))])
def test_the_result_says_what_its_colours_are(tmp_path, size, tags) -> None:
    patches = np.zeros((*size, 3), np.uint8)
    colours = [(255, 255, 255), (200, 30, 40), (20, 180, 60), (40, 50, 220)]
    for index, colour in enumerate(colours):
        patches[:, index * size[1] // 4 : (index + 1) * size[1] // 4] = colour
    source = make_film(tmp_path / "a.mkv", [patches], codec="ffv1", pix_fmt="bgr0")
    for suffix in ("mp4", "mov", "mkv"):
        target = tmp_path / f"b.{suffix}"
        copy_film(source, target, streams=False, **({"codec": "prores"} if suffix == "mov" else {}))
        assert probe(target)["tags"] == tags, suffix
        (frame,) = open_film(target)
        for index, colour in enumerate(colours):
            middle = frame.picture.rgb[size[0] // 2, (2 * index + 1) * size[1] // 8]
            assert np.abs(middle.astype(int) - colour).max() <= 3, (suffix, colour)


def test_ten_bits_reach_a_file_of_ten_bits(tmp_path) -> None:
    levels = np.tile(np.arange(256, 256 + 96, dtype=np.uint16) * 64, (64, 1))  # steps of a tenth bit
    deep = np.dstack([levels] * 3)
    encoding = choose_encoding("mov", EncodingOptions(codec="prores", preset="4444"), alpha=False)
    assert encoding.deep
    reader = open_film(make_film(tmp_path / "a.mp4", 1))
    result = Result(rgb=deep)
    writer = FilmWriter(tmp_path / "b.mov", encoding, Look.of(result, deep=True), reader.info)
    writer.write(result, Fraction(0), Fraction(1, 25))
    writer.finish()
    reader.close()
    (frame,) = open_film(tmp_path / "b.mov", deep=True)
    assert frame.picture.rgb.dtype == np.uint16
    assert len(np.unique(frame.picture.rgb[32, :, 1])) > 60  # 8 bits have 24 of them
    assert np.abs(frame.picture.rgb.astype(int) - deep).mean() < 150


def test_the_shape_of_pixels_is_kept(tmp_path) -> None:
    def anamorphic(container, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    source = make_film(tmp_path / "a.mkv", 3, set_up=anamorphic)
    copy_film(source, tmp_path / "b.mp4")
    assert probe(tmp_path / "b.mp4")["aspect"] == Fraction(16, 11)


def test_fonts_of_subtitles_are_kept(tmp_path) -> None:
    def attach(container, stream):
        container.add_attachment("font.ttf", "font/ttf", b"not really a font")

    film = make_film(tmp_path / "a.mkv", 3, set_up=attach)
    copy_film(film, tmp_path / "b.mkv")
    with av.open(str(tmp_path / "b.mkv")) as container:
        (font,) = [stream for stream in container.streams if stream.type == "attachment"]
        assert (font.data, font.metadata["filename"]) == (b"not really a font", "font.ttf")


def test_a_matte_is_grey_over_its_whole_range(tmp_path) -> None:
    reader = open_film(make_film(tmp_path / "a.mp4", 1))
    for suffix, codec in (("mp4", None), ("mov", "prores"), ("mkv", "ffv1")):
        encoding = choose_encoding(
            suffix, EncodingOptions(codec=codec, crf=1 if codec is None else None), alpha=False
        )
        result = Result(grey=ramp())
        writer = FilmWriter(tmp_path / f"m.{suffix}", encoding, Look.of(result, deep=True), reader.info)
        writer.write(result, Fraction(0), Fraction(1, 25))
        writer.finish()
        (frame,) = open_film(tmp_path / f"m.{suffix}")
        assert np.abs(frame.picture.rgb / 255 - ramp()[..., None]).max() < 0.02, suffix
    reader.close()


# ---- sound and what else there is


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("a.mp4", "aac", "b.mp4"),
        ("a.mp4", "aac", "b.mov"),
        ("a.mp4", "aac", "b.mkv"),
        ("a.mkv", "libopus", "b.webm"),
        ("a.mkv", "libopus", "b.mp4"),
        ("a.mkv", "flac", "b.mkv"),
        ("a.mov", "pcm_s16le", "b.mov"),
        ("a.ts", "mp2", "b.mkv"),
        ("a.ts", "aac", "b.mp4"),
    ],
)
def test_sound_is_copied_sample_by_sample(tmp_path, source, codec, target) -> None:
    film = make_film(tmp_path / source, 50, sound=codec)
    writer = copy_film(film, tmp_path / target)
    before, after = samples_of(film), samples_of(tmp_path / target)
    extra = shift_between(before, after)
    assert extra is not None, "other samples"
    assert writer.notes == []
    assert numbers(tmp_path / target) == list(range(50))
    lag = begin_of_sound(tmp_path / target) - times_of(tmp_path / target)[0]
    lag += Fraction(extra, 48000)
    assert abs(lag - (begin_of_sound(film) - times_of(film)[0])) < Fraction(2, 1000)


def shift_between(before: np.ndarray, after: np.ndarray) -> int | None:
    """Return how many samples ``after`` has in front of those of ``before``, all of which are equal.

    Matroska does not say how many samples an AAC encoder put in front, so up to 1,024 more come out; and
    its milliseconds cannot say to the sample where Opus begins, so up to 24 (half a millisecond) are
    skipped.
    """
    for shift in (*range(1025), *range(-24, 0)):
        begin, count = max(-shift, 0), before.shape[1]
        part = after[:, max(shift, 0) : max(shift, 0) + count - begin]
        if np.array_equal(before[:, begin:], part):
            return shift
    return None


def begin_of_sound(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        frame = next(container.decode(audio=0))
        return frame.pts * frame.time_base


@pytest.mark.parametrize(
    ("codec", "target", "new"),
    [("aac", "b.webm", "opus"), ("flac", "b.mp4", "aac"), ("pcm_s16le", "b.mp4", "aac")],
)
def test_sound_that_does_not_fit_is_encoded_again_and_that_is_said(tmp_path, codec, target, new) -> None:
    film = make_film(tmp_path / "a.mkv", 50, sound=codec)
    writer = copy_film(film, tmp_path / target)
    assert ("audio", new) in probe(tmp_path / target)["streams"]
    assert "encoded as" in writer.notes[0]
    before, after = samples_of(film), samples_of(tmp_path / target)
    count = min(before.shape[1], after.shape[1])
    assert abs(before.shape[1] - after.shape[1]) < 3000
    best = max(
        np.corrcoef(before[0, 5000 : count - 5000], after[0, 5000 + shift : count - 5000 + shift])[0, 1]
        for shift in range(-1400, 1400, 8)
    )
    assert best > 0.9


def test_a_gap_in_sound_that_is_encoded_again_stays_a_gap(tmp_path) -> None:
    film = make_film(tmp_path / "a.mkv", 75, sound="flac")
    with av.open(str(film)) as source, av.open(str(tmp_path / "gap.mkv"), "w") as target:
        streams = {s.index: target.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            missing = packet.stream.type == "audio" and 1 < (packet.pts or 0) * packet.time_base < 2
            if packet.dts is not None and not missing:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    copy_film(tmp_path / "gap.mkv", tmp_path / "b.mp4")
    sound = np.abs(samples_of(tmp_path / "b.mp4")[0])
    assert abs(len(sound) - 3 * 48000) < 4096
    assert sound[60_000:90_000].max() < 0.02
    assert sound[100_000:130_000].max() > 0.3


def test_surround_sound_is_encoded_again_where_it_has_to(tmp_path) -> None:
    film = make_film(tmp_path / "a.mkv", 25)
    with av.open(str(film)) as source, av.open(str(tmp_path / "s.mkv"), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0], opaque=True)
        audio = target.add_stream("ac3", rate=48000)
        audio.codec_context.layout = "5.1(side)"
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = video
                target.mux(packet)
        noise = np.random.default_rng(1).normal(0, 0.1, (6, 1536)).astype(np.float32)
        for index in range(31):
            frame = av.AudioFrame.from_ndarray(noise, "fltp", "5.1(side)")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 1536 * index, Fraction(1, 48000)
            target.mux(audio.encode(frame))
        target.mux(audio.encode(None))
    copy_film(tmp_path / "s.mkv", tmp_path / "b.webm")
    assert ("audio", "opus") in probe(tmp_path / "b.webm")["streams"]
    assert samples_of(tmp_path / "b.webm").shape[0] == 6


def test_a_transport_stream_says_what_it_cannot_hold(tmp_path) -> None:
    writer = copy_film(rich_film(tmp_path), tmp_path / "b.ts")
    assert [kind for kind, _ in probe(tmp_path / "b.ts")["streams"]] == ["video", "audio"]
    assert sorted(note.split()[1] for note in writer.notes) == ["chapters", "subtitles"]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm", "mkv", "gif"])
def test_the_last_frame_lasts_as_long_as_it_did(tmp_path, suffix) -> None:
    images = [Image.fromarray(marked(i)) for i in range(3)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=[100, 100, 2000])
    copy_film(tmp_path / "a.gif", tmp_path / f"b.{suffix}", streams=False)
    with av.open(str(tmp_path / f"b.{suffix}")) as container:
        stream = container.streams.video[0]
        length = (
            stream.duration * stream.time_base if stream.duration else Fraction(container.duration, 1000000)
        )
    assert float(length) == pytest.approx(2.2, abs=0.02)


def test_frames_that_a_clock_cannot_tell_apart_are_left_out(tmp_path) -> None:
    source = make_film(tmp_path / "a.mkv", 24, rate=240)
    writer = copy_film(source, tmp_path / "b.gif", streams=False)
    assert len(frames_of(tmp_path / "b.gif")) < 24
    assert "too coarse" in writer.notes[-1]


def test_sound_that_has_no_place_is_said(tmp_path) -> None:
    writer = copy_film(make_film(tmp_path / "a.mkv", 5, sound="aac"), tmp_path / "b.gif")
    assert writer.notes == ["its sound is left out: gif holds none"]


def test_a_part_has_its_part_of_the_sound(tmp_path) -> None:
    film = make_film(tmp_path / "a.mkv", 100, sound="pcm_s16le")
    copy_film(film, tmp_path / "b.mkv", selection=Selection(start=Fraction(1), end=Fraction(3)))
    assert numbers(tmp_path / "b.mkv") == list(range(25, 75))
    whole, part = samples_of(film)[0], samples_of(tmp_path / "b.mkv")[0]
    assert abs(len(part) - 2 * 48000) < 4096
    begin = float(begin_of_sound(tmp_path / "b.mkv"))
    assert 0 <= begin < 0.1
    first = round((1 + begin) * 48000)
    found = min(
        (np.abs(whole[first + shift : first + shift + 20000] - part[:20000]).max(), shift)
        for shift in range(-60, 61)
    )
    assert found[0] < 1e-6, "another part of the sound, or out of step"


def test_subtitles_chapters_languages_and_titles_are_kept(tmp_path) -> None:
    film = rich_film(tmp_path)
    copy_film(film, tmp_path / "b.mkv")
    found = probe(tmp_path / "b.mkv")
    assert [kind for kind, _ in found["streams"]] == ["video", "audio", "subtitle"]
    assert found["metadata"]["title"] == "A film"
    assert [chapter["metadata"]["title"] for chapter in found["chapters"]] == ["One", "Two"]
    assert found["languages"][1:] == ["fra", "ger"]
    assert texts(tmp_path / "b.mkv") == ["Guten Tag", "Auf Wiedersehen"]
    copy_film(film, tmp_path / "c.mkv", selection=Selection(start=Fraction(1)))
    chapters = probe(tmp_path / "c.mkv")["chapters"]
    assert [chapter["metadata"]["title"] for chapter in chapters] == ["One", "Two"]
    assert [float(c["start"] * c["time_base"]) for c in chapters] == [0, 1]


def test_text_subtitles_become_those_of_the_container(tmp_path) -> None:
    writer = copy_film(rich_film(tmp_path), tmp_path / "b.mp4")
    found = probe(tmp_path / "b.mp4")
    assert ("subtitle", "mov_text") in found["streams"]
    assert any("encoded as mov_text" in note for note in writer.notes)
    assert texts(tmp_path / "b.mp4") == ["Guten Tag", "Auf Wiedersehen"]
    assert len(found["chapters"]) == 2


def texts(path: Path) -> list[str]:
    lines = []
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles[0]):
            for subtitle in packet.decode():
                text = subtitle.dialogue if hasattr(subtitle, "dialogue") else subtitle.text
                lines.append((text.decode() if isinstance(text, bytes) else text).strip())
    return [line for line in lines if line]


def rich_film(folder: Path) -> Path:
    """Make a film with sound, subtitles, chapters and titles."""
    plain = make_film(folder / "plain.mkv", 100, sound="aac")
    (folder / "s.srt").write_text(
        "1\n00:00:01,200 --> 00:00:02,000\nGuten Tag\n\n2\n00:00:02,500 --> 00:00:03,000\nAuf Wiedersehen\n"
    )
    path = folder / "rich.mkv"
    with (
        av.open(str(plain)) as film,
        av.open(str(folder / "s.srt")) as subtitles,
        av.open(str(path), "w") as out,
    ):
        out.metadata["title"] = "A film"
        out.set_chapters(
            [
                {
                    "id": 1,
                    "start": 0,
                    "end": 2000,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": "One"},
                },
                {
                    "id": 2,
                    "start": 2000,
                    "end": 4000,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": "Two"},
                },
            ]
        )
        streams = {}
        for source in (*film.streams, subtitles.streams.subtitles[0]):
            stream = out.add_stream_from_template(source, opaque=True)
            streams[source.type] = stream
        streams["audio"].metadata["language"] = "fra"
        streams["subtitle"].metadata["language"] = "ger"
        for container in (film, subtitles):
            for packet in container.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.type]
                    out.mux(packet)
    return path


# ---- numbered pictures


def test_numbered_pictures(tmp_path) -> None:
    writer = SequenceWriter(tmp_path / "cut" / "f_%04d.png")
    for index in range(3):
        writer.write(Result(rgb=marked(index), alpha=ramp()), Fraction(index, 25), Fraction(1, 25))
    writer.finish()
    names = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert names == ["f_0001.png", "f_0002.png", "f_0003.png"]
    with Image.open(tmp_path / "cut" / "f_0002.png") as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image)[..., :3], marked(1))


# ---- what cannot be


@pytest.mark.parametrize(
    ("format", "options", "alpha", "words"),
    [
        ("mp4", {"codec": "prores"}, False, "does not go into .mp4"),
        ("mp4", {"codec": "h264"}, True, "holds no transparency"),
        ("mov", {"codec": "h264"}, True, "holds no transparency"),
        ("mp4", {"crf": 99}, False, "from 0 to 51"),
        ("mov", {"codec": "prores", "crf": 0}, False, "from 1 to 32"),
        ("mov", {"codec": "prores", "bitrate": 9_000_000}, False, "no bit rate"),
        ("mkv", {"codec": "ffv1", "crf": 10}, False, "no constant quality"),
        ("mp4", {"crf": 10, "bitrate": 1_000_000}, False, "exclude each other"),
        ("mp4", {"bitrate": 8}, False, "bits a second"),
        ("mov", {"pix_fmt": "yuv422p10le"}, True, "holds no transparency"),
        ("mp4", {"preset": "warp"}, False, "choose from ultrafast"),
        ("mov", {"preset": "hq"}, True, "only 4444"),
        ("gif", {"preset": "slow"}, False, "has none"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_read(format, options, alpha, words) -> None:
    with pytest.raises(UsageError, match=words):
        choose_encoding(format, EncodingOptions(**options), alpha=alpha)


@pytest.mark.parametrize("options", [{"codec": "nosuchcodec"}, {"pix_fmt": "nosuchformat"}, {"codec": "aac"}])
def test_what_the_encoder_refuses_is_one_line_and_leaves_no_file(tmp_path, options) -> None:
    source = make_film(tmp_path / "a.mp4", 2)
    with pytest.raises(UsageError) as caught:
        copy_film(source, tmp_path / "b.mp4", **options)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_options_reach_the_encoder(tmp_path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (10, *SIZE, 3), np.uint8)
    source = make_film(tmp_path / "a.mkv", noise, codec="ffv1", pix_fmt="bgr0")
    sizes = {}
    for crf in (2, 40):
        copy_film(source, tmp_path / f"{crf}.mp4", crf=crf)
        sizes[crf] = (tmp_path / f"{crf}.mp4").stat().st_size
    assert sizes[2] > 1.5 * sizes[40]
    copy_film(source, tmp_path / "deep.mp4", codec="hevc", pix_fmt="yuv420p10le", preset="ultrafast")
    assert probe(tmp_path / "deep.mp4")["pix_fmt"] == "yuv420p10le"
    with av.open(str(tmp_path / "deep.mp4")) as film:
        assert film.streams.video[0].codec_context.codec_tag == "hvc1"


def test_a_full_disk_is_said(tmp_path, monkeypatch) -> None:
    source = make_film(tmp_path / "a.mp4", 5)

    def full(self, packet):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="the disk is full"):
        reader = open_film(source)
        encoding = choose_encoding("mp4", EncodingOptions(), alpha=False)
        writer = FilmWriter(tmp_path / "b.mp4", encoding, Look(SIZE, False, False), reader.info)
        monkeypatch.setattr(
            writer, "_container", type("Full", (), {"mux_one": full, "close": lambda self: None})()
        )
        for frame in reader:
            writer.write(Result(rgb=frame.picture.rgb), frame.time, frame.duration)
        writer.finish()
    with pytest.raises(OutputError, match="folder does not exist"):
        FilmWriter(tmp_path / "no" / "b.mp4", encoding, Look(SIZE, False, False), reader.info).finish()
    writer.abandon()
    reader.close()


def test_every_codec_names_an_encoder_that_pyav_has() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert {codec.encoder for codec in CODECS.values()} <= av.codecs_available
