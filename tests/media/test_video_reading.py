"""Films are read as a player would show them: every frame, at its time, upright, in its colours."""

from __future__ import annotations

import struct
import threading
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from film_makers import RATE, SIZE, make_film, marked, number_of
from PIL import Image

from transparent_background.errors import SourceNotFoundError, UnreadableError, UsageError
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.tone import gamut_matrix
from transparent_background.options.films import Selection
from transparent_background.options.values import parse_scale, scaled_size


def read(source, deep: bool = False, **selection):
    reader = open_film(source, selection=Selection(**selection), deep=deep)
    frames = list(reader)
    reader.close()
    return reader, frames


def numbers(frames) -> list[int]:
    return [number_of(frame.picture.rgb) for frame in frames]


def test_every_frame_comes_once_in_order_and_at_its_time(tmp_path) -> None:
    film = make_film(tmp_path / "a.mp4", 12)
    reader, frames = read(film)
    assert numbers(frames) == list(range(12))
    assert [frame.time for frame in frames] == [Fraction(i, RATE) for i in range(12)]
    assert (reader.info.size, reader.info.rate, reader.info.frames) == (SIZE, 25, 12)
    assert np.abs(frames[3].picture.rgb.astype(int) - marked(3)).mean() < 6
    assert reader.losses == []


def test_a_variable_rate_is_kept(tmp_path) -> None:
    times = [Fraction(n, 100) for n in (0, 4, 5, 25, 60, 61)]
    _, frames = read(make_film(tmp_path / "v.mp4", 6, times=times))
    assert [frame.time for frame in frames] == times
    assert numbers(frames) == list(range(6))


@pytest.mark.parametrize(
    ("degrees", "flip", "turn"),
    [
        (90, False, lambda a: np.rot90(a, 1)),
        (-90, False, lambda a: np.rot90(a, -1)),
        (180, False, lambda a: a[::-1, ::-1]),
        (0, True, lambda a: a[:, ::-1]),
        (90, True, None),
    ],
)
def test_frames_are_turned_upright(tmp_path, degrees, flip, turn) -> None:
    def rotate(container, stream):
        stream.set_display_rotation(degrees, hflip=flip)

    film = make_film(tmp_path / "r.mp4", 3, codec="libx264", options={"crf": "10"}, set_up=rotate)
    reader, frames = read(film)
    if turn is None:  # a quarter turn with a mirror: a transposition, along one diagonal or the other
        stored = marked(1)
        expected = [stored.swapaxes(0, 1), stored[::-1, ::-1].swapaxes(0, 1)]
    else:
        expected = [turn(marked(1))]
    assert reader.info.size == expected[0].shape[:2]
    errors = [np.abs(frames[1].picture.rgb.astype(int) - e).mean() for e in expected]
    assert min(errors) < 6


# Kr and Kb of ITU-R BT.601, BT.709 and BT.2020
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
PATCHES = np.array(
    [(255, 255, 255), (0, 0, 0), (200, 30, 40), (20, 180, 60), (40, 50, 220), (128, 128, 128), (250, 220, 10)]
)


def yuv_frame(rgb: np.ndarray, matrix: int, full: bool, bits: int = 8) -> np.ndarray:
    """Turn RGB in [0, 1] (h, w, 3) into planar 4:4:4, by the book (ITU-T H.273, 8.3)."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = np.moveaxis(rgb, 2, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    scale = 1 << (bits - 8)
    peak = (1 << bits) - 1
    if full:
        planes = [y * peak, u * peak + 128 * scale, v * peak + 128 * scale]
    else:
        planes = [(219 * y + 16) * scale, (224 * u + 128) * scale, (224 * v + 128) * scale]
    return np.clip(np.rint(np.stack(planes)), 0, peak).astype(np.uint16 if bits > 8 else np.uint8)


def colour_film(path: Path, planes: np.ndarray, *, tags, bits: int = 8) -> Path:
    """Write planes (3, h, w) as a lossless film, tagged (matrix, primaries, transfer, range)."""
    kind = "yuv444p" if bits == 8 else "yuv444p10le"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = *planes.shape[1:], kind
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = tags
        frame = av.VideoFrame(planes.shape[2], planes.shape[1], kind)
        for plane, values in zip(frame.planes, planes, strict=True):
            lines = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
            lines[:, : values.shape[1]] = values
            plane.update(lines.tobytes())
        frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range = tags
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux([*stream.encode(frame), *stream.encode()])
    return path


def patches(height: int = 64) -> np.ndarray:
    return np.repeat(np.repeat(PATCHES[None], height, 0), 16, 1) / 255


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_matrix_and_range_are_those_of_the_tags(tmp_path, matrix, full) -> None:
    planes = yuv_frame(patches(), matrix, full)
    film = colour_film(tmp_path / "c.mkv", planes, tags=(matrix, 1, 1, 2 if full else 1))
    _, (frame,) = read(film)
    assert np.abs(frame.picture.rgb - patches() * 255).max() <= 2


@pytest.mark.parametrize(("height", "matrix"), [(480, 6), (720, 1)])
def test_a_film_without_tags_is_taken_as_players_take_it(tmp_path, height, matrix) -> None:
    planes = yuv_frame(patches(height), matrix, False)
    _, (frame,) = read(colour_film(tmp_path / "c.mkv", planes, tags=(2, 2, 2, 0)))
    assert np.abs(frame.picture.rgb - patches(height) * 255).max() <= 2


def test_ten_bits_are_kept_if_asked_for_and_rounded_else(tmp_path) -> None:
    ramp = np.repeat(np.linspace(0, 1, 256)[None, :, None], 64, 0).repeat(3, 2)
    film = colour_film(tmp_path / "t.mkv", yuv_frame(ramp, 1, False, 10), tags=(1, 1, 1, 1), bits=10)
    reader, (deep,) = read(film, deep=True)
    assert reader.info.deep
    assert deep.picture.rgb.dtype == np.uint16
    assert np.abs(deep.picture.rgb / 65535 - ramp).max() < 1 / 700
    _, (plain,) = read(film)
    assert plain.picture.rgb.dtype == np.uint8
    assert np.abs(plain.picture.rgb / 255 - ramp).max() < 1 / 200


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv422p10le", "yuv420p"])
@pytest.mark.parametrize("scale", [None, "0.5"])
def test_colours_of_every_layout_are_right_at_every_depth(tmp_path, pix_fmt, scale) -> None:
    image = np.zeros((128, 128, 3), np.uint8)
    for index, colour in enumerate([(210, 180, 60), (40, 60, 90), (200, 30, 40), (20, 180, 60)]):
        image[:, 32 * index : 32 * index + 32] = colour
    film = make_film(tmp_path / "c.mkv", [image], codec="ffv1", pix_fmt=pix_fmt)
    _, (frame,) = read(film, deep=True, scale=scale)
    values = frame.picture.rgb / (65535 if frame.picture.rgb.dtype == np.uint16 else 255)
    step = values.shape[1] // 4
    for index in range(4):
        middle = values[values.shape[0] // 2, step * index + step // 2]
        assert np.abs(middle * 255 - image[0, 32 * index + 16]).max() < 3


def pq(nits):
    """Encode cd/m2 by SMPTE ST 2084."""
    y = np.asarray(nits) / 10000
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    return ((c1 + c2 * y**m1) / (1 + c3 * y**m1)) ** m2


def test_hdr_is_brought_to_the_range_of_other_pictures(tmp_path) -> None:
    nits = np.array([0.0, 20.3, 50.0, 203.0, 1000.0])
    grey = np.repeat(np.repeat(pq(nits)[None, :, None], 64, 0).repeat(3, 2), 16, 1)
    film = colour_film(tmp_path / "h.mkv", yuv_frame(grey, 9, False, 10), tags=(9, 9, 16, 1), bits=10)
    reader, (frame,) = read(film)
    found = frame.picture.rgb[32, 8::16].astype(float)
    assert np.ptp(found, axis=1).max() <= 2  # greys stay grey
    levels = found.mean(axis=1)
    # below the knee of the curve light is kept: a tenth of white's is (1 / 10) ** (1 / 2.4)
    assert levels[0] <= 1
    assert levels[1] == pytest.approx(255 * 0.1 ** (1 / 2.4), abs=2)
    assert levels[2] == pytest.approx(255 * (50 / 203) ** (1 / 2.4), abs=2)
    assert 200 < levels[3] < 245  # diffuse white, a little room above it for highlights
    assert levels[4] >= 254
    assert reader.notes == ["is HDR: brought to the range of BT.709"]


def test_hlg_and_wide_gamuts_are_mapped_too(tmp_path) -> None:
    white = np.full((64, 64, 3), 0.75)  # HLG's diffuse white (ITU-R BT.2408)
    film = colour_film(tmp_path / "g.mkv", yuv_frame(white, 9, False, 10), tags=(9, 9, 18, 1), bits=10)
    _, (frame,) = read(film)
    assert 195 < frame.picture.rgb.mean() < 245
    # a red of Display P3 that BT.709 has too: its linear (0.6, 0.1, 0.1) through the matrix
    linear = np.array([0.6, 0.1, 0.1])
    inside = np.broadcast_to(linear ** (1 / 2.4), (64, 64, 3))
    film = colour_film(tmp_path / "p.mkv", yuv_frame(inside, 1, False, 10), tags=(1, 12, 1, 1), bits=10)
    _, (frame,) = read(film)
    to_709 = np.array([[1.2249, -0.2249, 0.0], [-0.0420, 1.0420, 0.0], [-0.0196, -0.0786, 1.0983]])
    expected = 255 * np.clip(to_709 @ linear, 0, 1) ** (1 / 2.4)
    assert np.abs(frame.picture.rgb[32, 32] - expected).max() <= 2


def test_the_gamut_matrix_keeps_white() -> None:
    for primaries in (9, 12):
        assert np.allclose(gamut_matrix(primaries).sum(axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("size", [(63, 95), (65, 97)])
def test_odd_sizes_are_read_whole(tmp_path, size) -> None:
    film = make_film(tmp_path / "o.webm", [marked(5, size)], codec="libvpx-vp9", options={"crf": "10"})
    reader, (frame,) = read(film)
    assert reader.info.size == size
    assert np.abs(frame.picture.rgb.astype(int) - marked(5, size)).mean() < 8


def test_interlaced_films_are_deinterlaced_and_that_is_said(tmp_path) -> None:
    def comb(i: int) -> np.ndarray:  # a bar that moves between the fields
        image = np.full((64, 96, 3), 30, np.uint8)
        image[0::2, 4 * i : 4 * i + 24] = 220
        image[1::2, 4 * i + 2 : 4 * i + 26] = 220  # half a frame later
        return image

    film = make_film(
        tmp_path / "i.mkv",
        [comb(i) for i in range(12)],
        options={"crf": "8", "x264-params": "tff=1:interlaced=1", "flags": "+ildct"},
    )
    reader, frames = read(film)
    assert len(frames) == 12
    assert reader.notes == ["is interlaced: deinterlaced (bwdif)"]
    rows = frames[6].picture.rgb[..., 1].astype(int)
    combed = np.abs(rows[2:-2:2] - rows[1:-3:2]).mean()
    woven = comb(6)[..., 1].astype(int)
    assert combed < np.abs(woven[2:-2:2] - woven[1:-3:2]).mean() / 2, "the fields still show as a comb"
    assert [frame.time for frame in frames] == [Fraction(i, RATE) for i in range(12)]


def test_transparency_of_a_film_is_read(tmp_path) -> None:
    rgba = np.dstack([marked(1), np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))])
    for name, codec, pix_fmt in (
        ("a.mov", "prores_ks", "yuva444p10le"),
        ("b.webm", "libvpx-vp9", "yuva420p"),
        ("c.mkv", "ffv1", "bgra"),
    ):
        options = {"profile": "4444"} if codec == "prores_ks" else {"auto-alt-ref": "0", "crf": "5"}
        film = make_film(
            tmp_path / name,
            [rgba] * 2,
            codec=codec,
            pix_fmt=pix_fmt,
            options=options if codec != "ffv1" else {},
        )
        _, frames = read(film)
        assert len(frames) == 2
        assert frames[0].picture.alpha is not None, name
        assert np.abs(frames[0].picture.alpha - rgba[..., 3] / 255).max() < 0.03, name


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"start": Fraction(2, 5)}, list(range(10, 25))),
        ({"start": Fraction(2, 5), "end": Fraction(3, 5)}, [10, 11, 12, 13, 14]),
        ({"end": Fraction(1, 25)}, [0]),
        ({"every": 5}, [0, 5, 10, 15, 20]),
        ({"start": Fraction(1, 25), "every": 10}, [1, 11, 21]),
        ({"fps": Fraction(5)}, [2, 7, 12, 17, 22]),
    ],
)
def test_parts_of_a_film(tmp_path, selection, expected) -> None:
    reader, frames = read(make_film(tmp_path / "s.mp4", 25), **selection)
    if "fps" in selection:  # the frame on screen in the middle of each new one
        assert all(abs(a - b) <= 2 for a, b in zip(numbers(frames), expected, strict=True))
    else:
        assert numbers(frames) == expected
    assert frames[0].time == 0
    assert reader.info.frames == len(expected)


@pytest.mark.parametrize("start", [Fraction(3, 5), Fraction(5, 2), Fraction(79, 10)])
def test_a_part_of_a_transport_stream_begins_where_it_should(tmp_path, start) -> None:
    def rare_keyframes(container, stream):
        stream.codec_context.gop_size = 150

    film = make_film(tmp_path / "s.ts", 220, set_up=rare_keyframes)
    _, frames = read(film, start=start, end=start + Fraction(1, 5))
    first = -(-start * RATE // 1)
    assert numbers(frames) == [int(first) + i for i in range(5)]


def test_a_higher_rate_repeats_frames_and_says_which(tmp_path) -> None:
    _, frames = read(make_film(tmp_path / "s.mp4", 10), fps=Fraction(50))
    assert len(frames) == 20
    assert [frame.time for frame in frames] == [Fraction(i, 50) for i in range(20)]
    assert [frame.index for frame in frames] == sorted([*range(10), *range(10)])
    assert numbers(frames) == [frame.index for frame in frames]


def test_the_same_rate_changes_nothing(tmp_path) -> None:
    film = make_film(tmp_path / "n.mkv", 30, rate=Fraction(30000, 1001))  # in milliseconds there
    _, frames = read(film, fps=Fraction(30000, 1001))
    assert numbers(frames) == list(range(30))


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        ("0.5", (540, 960)),
        ("50%", (540, 960)),
        ("720p", (720, 1280)),
        ("640x", (360, 640)),
        ("x300", (300, 534)),
        ("640x480", (480, 640)),
        ("640:480", (480, 640)),
    ],
)
def test_scales(scale, size) -> None:
    assert scaled_size((1080, 1920), scale) == size


@pytest.mark.parametrize("scale", ["", "x", "big", "0", "-1", "1e9", "3x3"])
def test_scales_that_make_no_sense(scale) -> None:
    with pytest.raises(UsageError, match="scale"):
        parse_scale(scale)


def test_frames_are_scaled_while_they_are_read(tmp_path) -> None:
    reader, frames = read(make_film(tmp_path / "s.mp4", 3), scale="2")
    assert reader.info.size == (128, 192)
    assert numbers(frames) == [0, 1, 2]
    assert frames[0].picture.rgb.shape == (128, 192, 3)


# ---- what is broken


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
    reader, frames = read(cut)
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
    reader, frames = read(tmp_path / "broken.ts")
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
    reader, frames = read(joined)
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
    reader, frames = read(tmp_path / "l.mkv")
    assert numbers(frames) == list(range(10))
    assert reader.losses == ["ends at 0:00.40, though it says that it lasts 1:00.00"]


def test_sound_that_lasts_longer_is_no_loss(tmp_path) -> None:
    film = make_film(
        tmp_path / "l.mkv", 25, times=[Fraction(i, 25) for i in range(24)] + [Fraction(6)], sound="aac"
    )
    with av.open(str(film)) as source, av.open(str(tmp_path / "m.mkv"), "w") as target:
        streams = {s.index: target.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            early = packet.stream.type == "audio" or (packet.pts or 0) * packet.time_base < 1
            if packet.dts is not None and early:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    reader, frames = read(tmp_path / "m.mkv")
    assert frames[-1].time < 1
    assert reader.losses == []


# ---- other things that have frames


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_animated_pictures_are_films(tmp_path, suffix) -> None:
    images = [Image.fromarray(marked(i)) for i in range(4)]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=[40, 80, 40, 200], loop=3, **options
    )
    reader, frames = read(path)
    assert numbers(frames) == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == [Fraction(n, 1000) for n in (0, 40, 120, 160)]
    assert frames[3].duration == Fraction(1, 5)
    assert reader.info.loop == 3
    with pytest.raises(UnreadableError, match="one picture, not a film"):
        images[0].save(tmp_path / "still.png")
        open_film(tmp_path / "still.png")


def test_numbered_pictures_are_a_film(tmp_path) -> None:
    for number in (8, 9, 10, 12):
        Image.fromarray(marked(number)).save(tmp_path / f"f_{number:03d}.png")
    Image.fromarray(marked(99)).save(tmp_path / "f_x.png")
    reader, frames = read(str(tmp_path / "f_%03d.png"))
    assert numbers(frames) == [8, 9, 10, 12]
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(4)]
    assert reader.losses == ["1 of the numbers 8 to 12 are missing"]
    reader, frames = read(str(tmp_path / "f_%03d.png"), fps=Fraction(10), every=2)
    assert numbers(frames) == [8, 10]
    assert reader.info.rate == 5
    with pytest.raises(SourceNotFoundError, match="no picture is called like that"):
        open_film(str(tmp_path / "g_%03d.png"))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def address(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_films_come_over_http_and_hls(tmp_path, address) -> None:
    make_film(tmp_path / "w.mkv", 8)
    _, frames = read(f"{address}/w.mkv")
    assert numbers(frames) == list(range(8))
    make_film(tmp_path / "live.m3u8", 30, format="hls", options={"crf": "20"})
    _, frames = read(f"{address}/live.m3u8")
    assert numbers(frames) == list(range(30))


def test_an_address_that_fails_is_one_line_without_its_password(address) -> None:
    secret = address.replace("//", "//me:secret@") + "/none.mp4"
    with pytest.raises((SourceNotFoundError, UnreadableError)) as caught:
        open_film(secret)
    assert "secret" not in str(caught.value)
    assert "none.mp4" in str(caught.value)
