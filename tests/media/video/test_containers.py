"""Containers, codecs and settings that fit each other, and those that do not."""

from __future__ import annotations

import warnings

import av
import numpy as np
import pytest
from film_copies import copy_film
from film_makers import SIZE, make_film, probe

from transparent_background.errors import UsageError
from transparent_background.media.video.containers import CODECS, choose_encoding
from transparent_background.options.films import EncodingOptions


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


def test_every_codec_names_an_encoder_that_pyav_has() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert {codec.encoder for codec in CODECS.values()} <= av.codecs_available
