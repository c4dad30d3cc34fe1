"""Cut-outs with soft mattes: right where the truth is known, hard where the object is, dropped where bad."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from transparent_background.media.pairs import find_pairs, read_mask

ROOT = Path(__file__).resolve().parents[2]
SIZE = 256
RED, GREEN, BLUE = (205, 60, 50), (70, 130, 60), (60, 80, 150)
LIKE = (66, 106, 104)  # green and blue


@pytest.fixture(scope="module", autouse=True)
def made() -> Iterator[SimpleNamespace]:
    """Give the modules, if pymatting is there; its import changes PyTorch's threads, which are set back."""
    before = torch.get_num_threads()
    try:
        pytest.importorskip("pymatting")
        from training import cutouts, mattes, trimaps

        yield SimpleNamespace(cutouts=cutouts, mattes=mattes, trimaps=trimaps)
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def cutouts(made: SimpleNamespace) -> ModuleType:
    return made.cutouts


@pytest.fixture
def mattes(made: SimpleNamespace) -> ModuleType:
    return made.mattes


@pytest.fixture
def trimaps(made: SimpleNamespace) -> ModuleType:
    return made.trimaps


def disc(radius: float = 72, centre: tuple[float, float] = (128, 128)) -> np.ndarray:
    """Draw a disc, float32 (256, 256) in [0, 1], smooth over a pixel."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.clip(radius + 0.5 - np.hypot(y - centre[0], x - centre[1]), 0, 1).astype(np.float32)


def hairy_disc() -> np.ndarray:
    """Draw a disc that strands stand out of by 2 to 6 pixels, a pixel thick and half transparent."""
    rng = np.random.default_rng(3)
    hair = np.zeros((SIZE, SIZE), np.float32)
    for angle in np.linspace(0, 2 * np.pi, 150, endpoint=False):
        ends = [128 + r * np.array([np.cos(angle), np.sin(angle)]) for r in (70, rng.uniform(74, 78))]
        line = np.rint(np.array(ends) * 8).astype(np.int32)[:, None]
        cv2.polylines(hair, [line], False, float(rng.uniform(0.5, 0.9)), 1, cv2.LINE_AA, 3)
    return np.maximum(disc(), cv2.GaussianBlur(hair, (0, 0), 0.5))


def picture(alpha: np.ndarray, colour: tuple[int, int, int] = RED) -> np.ndarray:
    """Put an object of a colour on a ground that is green to the left and blue to the right, uint8."""
    across, weight = np.linspace(0, 1, SIZE)[None, :, None], alpha[..., None]
    image = weight * colour + (1 - weight) * ((1 - across) * GREEN + across * BLUE)
    image += np.random.default_rng(1).normal(0, 3, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def hard(alpha: np.ndarray) -> np.ndarray:
    return ((alpha > 0.5) * 255).astype(np.uint8)


def test_strands_come_back_from_a_hard_mask(mattes) -> None:
    truth = hairy_disc()
    matte = mattes.make_matte(picture(truth), hard(disc()))
    near = np.abs(truth - disc()) > 0.02  # the strands outside the disc, which its mask lacks
    missing = np.abs(disc() - truth)[near].mean()
    left = np.abs(matte.alpha - truth)[near].mean()
    assert missing > 0.2
    assert left < 0.4 * missing
    assert np.abs(matte.alpha - truth).mean() < 0.003
    assert mattes.fault(matte.measures) is None


def test_colours_of_strands_are_the_objects_own(mattes) -> None:
    truth = hairy_disc()
    image = picture(truth)
    matte = mattes.make_matte(image, hard(disc()))
    soft = (truth > 0.3) & (truth < 0.9)
    off = np.abs(matte.colours[soft].astype(float) - RED).mean()
    assert off < 4
    assert np.abs(image[soft].astype(float) - RED).mean() > 30
    np.testing.assert_array_equal(matte.colours[matte.alpha == 1], image[matte.alpha == 1])


def test_a_hard_object_stays_hard(mattes) -> None:
    truth = np.zeros((SIZE, SIZE), np.float32)
    truth[60:190, 40:220] = 1
    truth = cv2.GaussianBlur(truth, (0, 0), 0.5)  # as a camera sees an edge
    matte = mattes.make_matte(picture(truth), hard(truth))
    soft = (matte.alpha > 0.1) & (matte.alpha < 0.9)
    assert soft.sum() < 2.2 * 2 * (130 + 180)  # at most two pixels across the outline, and some at corners
    assert np.abs(matte.alpha - truth).mean() < 0.002
    assert mattes.fault(matte.measures) is None


def test_a_coarse_mask_is_drawn_to_the_edge(mattes) -> None:
    truth = disc()
    coarse = np.zeros((SIZE, SIZE), np.uint8)
    corners = [128 + 74 * np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, 2 * np.pi, 13)[:-1]]
    cv2.fillPoly(coarse, [np.rint(corners).astype(np.int32)], 255)
    matte = mattes.make_matte(picture(truth), coarse)
    assert np.abs(matte.alpha - truth).mean() < 0.3 * np.abs(coarse / 255 - truth).mean()


@pytest.mark.parametrize(
    ("why", "mask"),
    [
        ("area", disc(8)),
        ("area", np.ones((SIZE, SIZE), np.float32)),
        ("framed", np.pad(np.ones((SIZE, 96), np.float32), ((0, 0), (0, SIZE - 96)))),
    ],
)
def test_masks_that_cannot_be_used_are_dropped_before_anything_is_solved(mattes, why, mask) -> None:
    assert mattes.fault(mattes.judge_mask(hard(mask))) == why


@pytest.mark.parametrize(
    ("image", "mask", "why"),
    [
        (picture(disc()), disc(centre=(128, 138)), {"soft", "cut"}),
        (picture(disc(0)), disc(), {"soft", "cut"}),
        (picture(disc(76)), disc(), {"soft", "cut"}),
        (picture(disc(), LIKE), disc(), {"soft", "cut", "alike"}),
    ],
    ids=["beside its object", "on nothing", "too small", "of an object like its ground"],
)
def test_mattes_of_wrong_masks_are_dropped(mattes, image, mask, why) -> None:
    assert mattes.fault(mattes.make_matte(image, hard(mask)).measures) in why


def test_fog_is_told_from_strands(mattes) -> None:
    fog = np.maximum(disc(), 0.5 * disc(84))
    assert mattes._fog(hairy_disc()).sum() < 0.1 * mattes._fog(fog).sum()


def test_specks_of_the_background_are_cleared(mattes) -> None:
    alpha = np.maximum(disc(), disc(4, (20, 20)))
    cleared = mattes._without_islands(alpha, np.where(disc(60) == 1, 1.0, 0.5).astype(np.float32))
    np.testing.assert_array_equal(cleared, disc())


def test_the_band_is_wider_where_there_are_strands(trimaps) -> None:
    solid = hard(disc()) // 255
    distance = trimaps.signed_distance(solid)
    edge = np.abs(distance) < 1
    smooth = trimaps.band_width(picture(disc()), solid, distance)[edge].mean()
    assert trimaps.band_width(picture(hairy_disc()), solid, distance)[edge].mean() > 1.3 * smooth


def test_thin_parts_keep_a_known_core(trimaps) -> None:
    solid = hard(disc()) // 255
    solid[125:132, 190:240] = 1  # a tail of 7 pixels
    distance = trimaps.signed_distance(solid)
    trimap = trimaps.make_trimap(distance, np.full_like(distance, 6), np.zeros_like(solid))
    assert (trimap[128, 210:230] == 1).all()
    assert (trimap[124, 210:230] == 0.5).all()


def test_gaps_keep_a_known_core_but_cracks_may_close(trimaps) -> None:
    solid = hard(disc()) // 255
    solid[:, 100:102] = 0
    solid[:, 140:152] = 0
    distance = trimaps.signed_distance(solid)
    trimap = trimaps.make_trimap(distance, np.full_like(distance, 8), np.zeros_like(solid))
    assert (trimap[90:160, 100:102] == 0.5).all()
    assert (trimap[90:160, 145:147] == 0).all()


def test_what_a_mask_leaves_out_at_the_frame_is_unknown(trimaps, mattes) -> None:
    whole = picture(np.vstack([disc()[:128], np.repeat(disc()[128:129], 128, 0)]))
    mask = np.vstack([disc()[:128], np.repeat(disc()[128:129], 128, 0)])
    mask[-4:] = 0  # as masks of PASCAL VOC end
    assert trimaps.frame_strip(hard(mask) // 255)[-4:, 60:196].all()
    alpha = mattes.make_matte(whole, hard(mask)).alpha
    assert alpha[-4:, 65:190].min() > 0.9
    assert alpha[-4:, :45].max() < 0.1


@pytest.fixture
def data(tmp_path) -> Path:
    """Write a set of one good picture, one without contrast, one with a tiny object, and a damaged one."""
    folder = tmp_path / "Discs"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    alphas = {"good": hairy_disc(), "like": disc(), "tiny": disc(10)}
    for stem, alpha in alphas.items():
        image = picture(alpha, LIKE if stem == "like" else RED)
        Image.fromarray(image).save(folder / "images" / f"{stem}.png")
        Image.fromarray(hard(alpha)).save(folder / "masks" / f"{stem}.png")
    (folder / "images" / "zero.png").write_bytes(b"no picture")
    Image.fromarray(hard(disc())).save(folder / "masks" / "zero.png")
    return folder


def test_good_cutouts_are_written_and_the_others_counted(cutouts, data, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    cutouts.main([str(data), "--out", str(out)])
    said = capsys.readouterr().out
    assert said.startswith("Discs: 1 of 4 kept; dropped: ")
    assert all(f"{why} 1" in said for why in ("cut", "area", "unreadable"))
    assert sorted(path.name for path in out.iterdir()) == ["images", "masks", "verdicts.csv"]
    (pair,) = find_pairs(out)  # a set to train on
    assert (read_mask(pair.mask) > 0).any()
    with Image.open(pair.image) as file:
        assert file.mode == "RGBA"
        pixels = np.asarray(file)
    # cropped to the object and its margin, and coloured beyond its edge
    assert pixels.shape[0] < 190
    assert (pixels[0, :, 3] == 0).all()
    assert pixels[:, :, 0].min() > 120


def test_the_alpha_is_written_exactly(cutouts, mattes, tmp_path) -> None:
    alpha = hairy_disc()
    colours = np.full((SIZE, SIZE, 3), RED, np.uint8)
    cutouts.write(mattes.Matte(colours, alpha, {}), tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as file:
        written = np.asarray(file.getchannel("A"))
    rows = np.flatnonzero((alpha > 0).any(axis=1))
    columns = np.flatnonzero((alpha > 0).any(axis=0))
    inner = np.rint(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * 255)
    margin = cutouts.MARGIN
    np.testing.assert_array_equal(written[margin:-margin, margin:-margin], inner)


def test_a_second_run_makes_only_what_is_missing(cutouts, data, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    tasks = cutouts.find_tasks([data], out, None, 1)
    first = cutouts.run(tasks, out, 1)
    tried: list[str] = []
    make = cutouts.cut_out
    monkeypatch.setattr(cutouts, "cut_out", lambda task: (tried.append(task.name), make(task))[1])
    assert cutouts.run(tasks, out, 1) == first
    assert tried == []
    (out / "Discs_good.webp").unlink()
    assert cutouts.run(tasks, out, 1) == first
    assert tried == ["Discs_good"]
    assert (out / "Discs_good.webp").exists()


def test_an_interrupted_run_keeps_what_it_has_made(cutouts, data, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    tasks = cutouts.find_tasks([data], out, None, 1)

    def interrupted(task):
        if task.name == "Discs_tiny":
            raise KeyboardInterrupt
        return make(task)

    make = cutouts.cut_out
    monkeypatch.setattr(cutouts, "cut_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cutouts.run(tasks, out, 1)
    assert cutouts.read_verdicts(out / cutouts.VERDICTS) == {"Discs_like": "cut", "Discs_good": "kept"}


def test_the_limit_draws_the_same_pictures_for_a_seed(cutouts, data, tmp_path) -> None:
    def draw(seed):
        return [task.name for task in cutouts.find_tasks([data], tmp_path, 2, seed)]

    assert draw(1) == draw(1) == sorted(draw(1))
    assert len(draw(1)) == 2
    assert len({tuple(draw(seed)) for seed in range(8)}) > 1


def test_sets_of_one_name_are_refused(cutouts, data, tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        cutouts.main([str(data), str(data), "--out", str(tmp_path)])
    assert "two sets of that name" in capsys.readouterr().err


@pytest.mark.slow
def test_several_processes_make_the_same(cutouts, data, tmp_path) -> None:
    cutouts.main([str(data), "--out", str(tmp_path / "one")])
    command = [sys.executable, "-m", "training.cutouts", data, "--out", tmp_path / "two", "--workers", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "1 of 4 kept" in done.stdout
    one, two = (tmp_path / name / "images" / "Discs_good.webp" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
