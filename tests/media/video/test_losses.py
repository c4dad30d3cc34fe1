"""What cannot be read of a film is said; the rest of it is there."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from film_copies import numbers, read_film
from film_makers import SIZE, make_film, marked, number_of

from transparent_background.errors import SourceNotFoundError, UnreadableError
from transparent_background.media.video import frames as frames_module
from transparent_background.media.video.readers import open_film


def test_what_is_no_film(tmp_path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no film at all\n" * 100)
    for name, words in (("none.mp4", "no such file"), ("empty.mp4", "empty"), ("text.mp4", "no film")):
        with pytest.raises((SourceNotFoundError, UnreadableError), match=words) as caught:
            open_film(tmp_path / name)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_sound_without_pictures_is_said(tmp_path) -> None:
    film = make_film(tmp_path / "x.mkv", 10, sound="aac")
    with av.open(str(film)) as source, av.open(str(tmp_path / "sound.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with pytest.raises(UnreadableError, match="only sound"):
        open_film(tmp_path / "sound.mkv")


def test_a_film_without_its_end_gives_what_is_there(tmp_path) -> None:
    film = make_film(tmp_path / "t.mkv", 100)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    reader, frames = read_film(cut)
    assert 10 < len(frames) < 90
    assert numbers(frames)[:10] == list(range(10))
    assert any("lasts 0:04" in loss or "cannot be read beyond" in loss for loss in reader.losses), (
        reader.losses
    )


def test_an_mp4_without_its_index_is_refused_in_one_line(tmp_path) -> None:
    film = make_film(tmp_path / "t.mp4", 50)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[:-2000])
    with pytest.raises(UnreadableError, match="index is missing"):
        open_film(cut)


def test_damage_in_the_middle_costs_some_frames_and_is_counted(tmp_path) -> None:
    film = make_film(tmp_path / "d.ts", 60, options={"crf": "4"})
    data = bytearray(film.read_bytes())
    rng = np.random.default_rng(1)
    middle = len(data) // 2
    data[middle : middle + 1500] = rng.integers(0, 256, 1500, np.uint8).tobytes()
    (tmp_path / "broken.ts").write_bytes(data)
    reader, frames = read_film(tmp_path / "broken.ts")
    assert len(frames) > 40
    found = numbers(frames)
    assert found[:10] == list(range(10))
    assert found[-5:] == list(range(55, 60))
    assert reader.losses, "the damage was not said"
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))


def test_frames_of_another_size_are_scaled_and_that_is_said(tmp_path) -> None:
    parts = [make_film(tmp_path / f"{i}.ts", [marked(i, s)] * 10) for i, s in enumerate([SIZE, (96, 144)])]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    reader, frames = read_film(joined)
    assert {frame.picture.rgb.shape for frame in frames} == {(*SIZE, 3)}
    assert numbers(frames)[0] == 0
    assert numbers(frames)[-1] == 1
    assert any("144 x 96 pixels in place of 96 x 64" in loss for loss in reader.losses), reader.losses


def test_a_duration_that_lies_is_found_out(tmp_path) -> None:
    film = make_film(tmp_path / "w.mkv", 10)
    data = film.read_bytes()
    at = data.index(b"\x44\x89\x88")  # Matroska's Duration, a double of milliseconds
    lying = data[: at + 3] + struct.pack(">d", 60_000.0) + data[at + 11 :]
    lying = lying.replace(b"00:00:00.400000000", b"00:01:00.000000000")  # the stream's tag says it too
    (tmp_path / "l.mkv").write_bytes(lying)
    reader, frames = read_film(tmp_path / "l.mkv")
    assert numbers(frames) == list(range(10))
    assert reader.losses == [
        "ends at 0:00.40, though it says that it lasts 1:00.00: about 1490 frames are missing"
    ]


def test_frames_that_a_decoder_leaves_out_without_a_word_are_counted(tmp_path) -> None:
    film = make_film(tmp_path / "a.mkv", 20, set_up=lambda c, s: setattr(s.codec_context, "gop_size", 1))
    empty = b"\x00\x00\x00\x02\x09\xf0"  # says that a frame begins, and nothing of it
    with av.open(str(film)) as source, av.open(str(tmp_path / "b.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for index, packet in enumerate(source.demux(video=0)):
            if not packet.size:
                continue
            if index in (17, 19):
                other = av.Packet(empty)
                other.pts, other.dts, other.time_base = packet.pts, packet.dts, packet.time_base
                packet = other
            packet.stream = stream
            target.mux(packet)
    reader, frames = read_film(tmp_path / "b.mkv")
    assert len(frames) == 18
    assert "2 frames are missing that could not be decoded" in reader.losses
    assert read_film(film)[0].losses == []


def test_a_frame_that_is_said_to_last_for_weeks_is_not_repeated_for_weeks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(frames_module, "HELD", 1000)
    weeks = Fraction(30 * 24 * 3600)
    make_film(tmp_path / "a.mkv", 4, times=[Fraction(0), Fraction(1), weeks, weeks + 1])
    reader, frames = read_film(tmp_path / "a.mkv", fps=Fraction(2))
    assert len(frames) == 2 + 1000 + 2
    assert numbers(frames)[:3] == [0, 0, 1]
    assert numbers(frames)[-2:] == [2, 2]
    assert [float(frame.time - weeks) for frame in frames[-2:]] == [0, 0.5]  # where sound has them
    (loss,) = reader.losses
    assert loss.startswith("one frame lasts too long to be repeated all the time: 1000 times")
    assert loss.endswith("(the one at 0:01.00 until 43200:00.00)")


def test_many_frames_that_last_long_are_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(frames_module, "HELD", 5)
    make_film(tmp_path / "a.mkv", 40, times=[Fraction(70 * n + n % 3) for n in range(40)])
    reader, frames = read_film(tmp_path / "a.mkv", fps=Fraction(1, 10))
    assert numbers(frames)[:11] == [0] * 5 + [1] * 5 + [2]
    second = next(frame for frame in frames if number_of(frame.picture.rgb) == 1)
    assert abs(float(second.time) - 71) <= 5  # half a step
    (loss,) = reader.losses
    assert loss.startswith("39 frames last too long")
    assert len(loss) < 200


def test_sound_that_lasts_longer_is_no_loss(tmp_path) -> None:
    film = make_film(
        tmp_path / "l.mkv", 25, times=[Fraction(i, 25) for i in range(24)] + [Fraction(6)], sound="aac"
    )
    with av.open(str(film)) as source, av.open(str(tmp_path / "m.mkv"), "w") as target:
        streams = {s.index: target.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            early = packet.stream.type == "audio" or (packet.pts or 0) * packet.time_base < 1
            if packet.size and early:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    reader, frames = read_film(tmp_path / "m.mkv")
    assert frames[-1].time < 1
    assert reader.losses == []
