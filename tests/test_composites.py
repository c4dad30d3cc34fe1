"""Composites of benchmarks: their truth is true, a seed makes them again, errors count what is off."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.composites import __main__ as command
from benchmarks.composites import objects
from benchmarks.composites.edges import EDGES
from benchmarks.composites.grounds import find_grounds, held_out
from benchmarks.composites.make import Composite, Composites, put_on
from benchmarks.composites.scores import METRICS, Scores, errors, found_by_all, overlap, table, unknown_band
from transparent_background.errors import DataSetError
from transparent_background.images.drawn import draw_picture

SIZE = (204, 306)
KINDS = list(EDGES)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set of discs; the last one is cut off below."""
    folder = tmp_path_factory.mktemp("discs")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(4):
        picture, matte = draw_picture((240, 320), number)
        if number == 3:
            picture, matte = picture[:150], matte[:150]
        Image.fromarray(picture).save(folder / "images" / f"{number}.png")
        Image.fromarray(np.uint8(255) * (matte > 0.5)).save(folder / "masks" / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def small():
    """Make frames of a sixteenth of a megapixel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "MEGAPIXEL", SIZE[::-1])
        yield


@pytest.fixture(scope="module")
def composites(data: Path, small: None) -> Composites:
    return Composites([data], None, 1)


@pytest.fixture(scope="module")
def made(composites: Composites) -> dict[str, Composite]:
    """Return one object with every kind of edge."""
    return {kind: composites.make(0, kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_what_two_grounds_tell_apart(made, kind) -> None:
    layer = made[kind].layer
    white, black = (np.full((*layer.alpha.shape, 3), shade, np.float32) for shade in (1, 0))
    seen = (put_on(layer, white).astype(int) - put_on(layer, black)) / 255
    assert np.abs(1 - seen - layer.alpha[..., None]).max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_its_object_on_its_ground(made, kind) -> None:
    one = made[kind]
    mixed = one.layer.colours + (1 - one.alpha[..., None]) * one.ground
    assert np.abs(one.image / 255 - mixed).max() <= 0.5 / 255 + 1e-6
    assert one.alpha.dtype == np.float32 and one.alpha.min() >= 0 and one.alpha.max() <= 1
    # premultiplied colours end with alpha: nothing of the object is seen where it is not
    assert (one.layer.colours <= one.alpha[..., None] + 1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_composite_is_the_same_alone_and_in_any_order(data, made, kind) -> None:
    again = Composites([data], None, 1)
    again.make(2, "hard")
    assert (again.make(0, kind).image == made[kind].image).all()
    other = Composites([data], None, 2).make(0, kind).image
    assert other.shape != made[kind].image.shape or (other != made[kind].image).any()


def test_kinds_share_the_object_and_hair_lies_outside_it(made) -> None:
    hard, hair = made["hard"].alpha, made["hair"].alpha
    assert (hair >= hard - 1e-6).all()
    assert (hair[hard == 1] == 1).all()
    assert hair.sum() > 1.005 * hard.sum()
    assert abs(made["defocus 12"].alpha.sum() / hard.sum() - 1) < 0.02  # a blur moves alpha and keeps it
    assert made["veil"].alpha.sum() < 0.9 * hard.sum()


def test_kinds_differ_in_how_much_is_soft(made) -> None:
    soft = {kind: int(((one.alpha > 0.05) & (one.alpha < 0.95)).sum()) for kind, one in made.items()}
    assert soft["hard"] < soft["defocus 4"] < soft["defocus 12"]
    assert soft["hard"] == min(soft.values())


def test_an_outline_is_enlarged_smoothly(data) -> None:
    """At a full megapixel a disc of 192 pixels is still one: no corners of pixels."""
    pair = objects.find_objects(data)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "MEGAPIXEL", (1224, 816))
        level = objects.place(pair, np.random.default_rng(0)).level
    found, _ = cv2.findContours((level > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    (outline,) = found
    a, b = (side / 2 for side in cv2.boundingRect(outline)[2:])
    ellipse = np.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))  # Ramanujan's approximation
    # steps between pixels of the frame make it 5 % longer; those of the mask would make it 27 % longer
    assert cv2.arcLength(outline, True) / ellipse < 1.08


def test_an_object_that_its_photo_cuts_off_is_cut_off_by_the_frame(data, small) -> None:
    pair = next(pair for pair in objects.find_objects(data) if pair.image.stem == "3")
    for seed in range(4):
        level = objects.place(pair, np.random.default_rng(seed)).level
        assert (level[-1] > 0).any() and not (level[0] > 0).any()


def test_objects_that_cannot_be_put_elsewhere_are_left_out() -> None:
    mask = np.zeros((200, 300), bool)
    assert not objects.suitable(mask)
    mask[:, 50:250] = True  # from the top to the bottom
    assert not objects.suitable(mask)
    mask[:40] = False
    assert objects.suitable(mask)
    mask[:, 100:140] = False  # in two parts, 50 and 110 wide
    assert not objects.suitable(mask)
    mask[:, 80:] = False  # too small
    mask[80:] = False
    assert not objects.suitable(mask)


def test_grounds_are_the_held_out_half_of_a_folder(tmp_path, data, small) -> None:
    for number in range(12):
        Image.fromarray(draw_picture((60, 80), number)[0]).save(tmp_path / f"{number}.png")
    found = find_grounds(tmp_path)
    assert 0 < len(found) < 12 and all(held_out(path) for path in found)
    assert held_out(Path("a/1.png")) == held_out(Path("b/1.webp"))
    one = Composites([data], tmp_path, 1).make(0, "hard")
    assert one.name.split(" on ")[1] in {path.stem for path in found}
    for path in found:
        path.unlink()
    with pytest.raises(DataSetError, match="no held-out pictures"):
        find_grounds(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_has_no_errors(made, kind) -> None:
    truth = made[kind].alpha
    band = unknown_band(truth)
    assert errors(truth, truth) == errors(truth, truth, band) == dict.fromkeys(METRICS, 0)
    assert overlap(truth, truth) == 1
    assert band[(truth > 0.01) & (truth < 0.99)].all() and not band.all()


def test_what_is_off_far_from_an_edge_does_not_count_in_the_band(made) -> None:
    truth = made["hard"].alpha
    band = unknown_band(truth)
    worse = truth.copy()
    y, x = np.argwhere(~band & (truth == 0))[0]
    worse[y, x] = 1
    assert errors(worse, truth)["sad"] == pytest.approx(0.001)
    assert errors(worse, truth, band)["sad"] == 0


def test_a_sharp_edge_between_pixels_has_a_band() -> None:
    truth = np.zeros((60, 60), np.float32)
    truth[:, 30:] = 1
    assert np.flatnonzero(unknown_band(truth)[30]).tolist() == list(range(19, 41))


def scores(model: str, index: int, iou: float) -> Scores:
    values = {"sad": 1.0, "mse": 0.5, "gradient": 2.0, "connectivity": 3.0}
    return Scores("hard", index, "a on b", model, values, values, iou)


def test_composites_that_a_model_missed_are_left_out() -> None:
    every = [scores("a", 0, 0.9), scores("b", 0, 0.9), scores("a", 1, 0.9), scores("b", 1, 0.2)]
    assert [(one.model, one.index) for one in found_by_all(every)] == [("a", 0), ("b", 0)]
    last = table(every).splitlines()[-1]
    assert last == "| all | b | 2 | 50% | 1.00 | 0.5000 | 2.00 | 3.00 | 1.00 | 0.5000 | 2.00 | 3.00 |"


def test_the_command_prints_tables_and_writes_scores_and_sheets(
    data, small, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(command.torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(command.cv2, "setNumThreads", lambda count: None)
    monkeypatch.setattr(command, "open_program", lambda model, threads: _bright)
    words = f"--data {data} --count 2 --kinds hard veil --models bright --sheet --out".split()
    monkeypatch.setattr(sys, "argv", ["composites", *words, str(tmp_path)])
    command.main()
    text = capsys.readouterr().out
    assert "| hard | truth, cut at a half | 2 | 100% |" in text and "| veil | bright | 2 |" in text
    found = json.loads((tmp_path / "composites.json").read_text("utf-8"))["scores"]
    assert len(found) == 2 * 2 * 2 and found[0]["whole"].keys() == METRICS.keys()
    assert sorted(path.name for path in tmp_path.glob("*.jpg")) == [
        f"00{index}-{kind}.jpg" for index in (0, 1) for kind in ("hard", "veil")
    ]


def _bright(image: np.ndarray) -> np.ndarray:
    return (image.max(axis=2) / 255).astype(np.float32)
