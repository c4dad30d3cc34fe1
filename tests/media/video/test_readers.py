"""Animated pictures, numbered pictures and addresses are films too."""

from __future__ import annotations

import threading
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from film_copies import numbers, read_film
from film_makers import make_film, marked
from PIL import Image

from transparent_background.errors import SourceNotFoundError, UnreadableError
from transparent_background.media.video.readers import open_film


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_animated_pictures_are_films(tmp_path, suffix) -> None:
    images = [Image.fromarray(marked(i)) for i in range(4)]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=[40, 80, 40, 200], loop=3, **options
    )
    reader, frames = read_film(path)
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
    reader, frames = read_film(str(tmp_path / "f_%03d.png"))
    assert numbers(frames) == [8, 9, 10, 12]
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(4)]
    assert reader.losses == ["1 of the numbers 8 to 12 are missing"]
    reader, frames = read_film(str(tmp_path / "f_%03d.png"), fps=Fraction(10), every=2)
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
    _, frames = read_film(f"{address}/w.mkv")
    assert numbers(frames) == list(range(8))
    make_film(tmp_path / "live.m3u8", 30, format="hls", options={"crf": "20"})
    _, frames = read_film(f"{address}/live.m3u8")
    assert numbers(frames) == list(range(30))


def test_an_address_that_fails_is_one_line_without_its_password(address) -> None:
    secret = address.replace("//", "//me:secret@") + "/none.mp4"
    with pytest.raises((SourceNotFoundError, UnreadableError)) as caught:
        open_film(secret)
    assert "secret" not in str(caught.value)
    assert "none.mp4" in str(caught.value)
