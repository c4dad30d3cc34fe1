"""Sound, subtitles, chapters and titles of the source are passed on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from film_copies import copy_film, numbers_of
from film_makers import make_film, probe, samples_of, times_of

from transparent_background.options.films import Selection


def test_fonts_of_subtitles_are_kept(tmp_path) -> None:
    def attach(container, stream):
        container.add_attachment("font.ttf", "font/ttf", b"not really a font")

    film = make_film(tmp_path / "a.mkv", 3, set_up=attach)
    copy_film(film, tmp_path / "b.mkv")
    with av.open(str(tmp_path / "b.mkv")) as container:
        (font,) = [stream for stream in container.streams if stream.type == "attachment"]
        assert (font.data, font.metadata["filename"]) == (b"not really a font", "font.ttf")


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
    assert numbers_of(tmp_path / target) == list(range(50))
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


def test_sound_that_has_no_place_is_said(tmp_path) -> None:
    writer = copy_film(make_film(tmp_path / "a.mkv", 5, sound="aac"), tmp_path / "b.gif")
    assert writer.notes == ["its sound is left out: gif holds none"]


def test_a_part_has_its_part_of_the_sound(tmp_path) -> None:
    film = make_film(tmp_path / "a.mkv", 100, sound="pcm_s16le")
    copy_film(film, tmp_path / "b.mkv", selection=Selection(start=Fraction(1), end=Fraction(3)))
    assert numbers_of(tmp_path / "b.mkv") == list(range(25, 75))
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
