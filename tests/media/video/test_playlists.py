"""Playlists that would lead FFmpeg in a circle, and those that do not."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from film_makers import make_film, marked

from transparent_background.errors import UnreadableError
from transparent_background.media.video.readers import open_film

MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{}\n"


@pytest.mark.parametrize(
    "lists",
    [
        {"a.m3u8": MASTER.format("a.m3u8")},
        {"a.m3u8": MASTER.format("b.m3u8"), "b.m3u8": MASTER.format("a.m3u8")},
        {"a.m3u8": MASTER.format("file:sub/../a.m3u8")},
        {
            "a.m3u8": '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="a.m3u8"\n'
            + MASTER.format("x")
        },
    ],
)
def test_a_list_that_leads_back_to_itself_is_refused(tmp_path, lists) -> None:
    (tmp_path / "sub").mkdir()
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UnreadableError, match="which lists other playlists"):
        open_film(tmp_path / "a.m3u8")


def test_a_list_of_versions_is_followed(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_film(Path("whole.mp4"), [marked(i) for i in range(10)])
    with av.open("whole.mp4") as source, av.open("film.m3u8", "w", format="hls") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    Path("versions.m3u8").write_text(MASTER.format("film.m3u8"))
    assert len(list(open_film("versions.m3u8"))) == 10
