"""Soft labels: means of mattes where teachers agree, and backbones under other names."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("timm")

from training import label
from training.backbone import halved, renamed, renormalised
from training.teachers import mirrored
from transparent_background.media.pairs import find_pairs, read_pair
from transparent_background.model.input import IMAGENET_MEAN, IMAGENET_STD


class Half:
    """Predicts the left half, or the brightness."""

    def __init__(self, name: str) -> None:
        self.name, self.calls = name, 0

    def matte(self, rgb: np.ndarray) -> np.ndarray:
        self.calls += 1
        if self.name == "bright":
            return rgb[..., 0].astype(np.float32) / 255
        return (np.arange(rgb.shape[1]) < rgb.shape[1] // 2) * np.ones(rgb.shape[:2], np.float32)


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, columns in enumerate((20, 19, 5)):
        image = np.zeros((30, 40, 3), np.uint8)
        image[:, 40 - columns :] = 230
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


def run(monkeypatch, photos: Path, out: Path, *options: str) -> list[Half]:
    made: list[Half] = []

    def open_teacher(name: str, sides: object) -> Half:
        made.append(Half(name))
        return made[-1]

    monkeypatch.setattr(label, "open_teacher", open_teacher)
    arguments = ["label", str(photos), "--teachers", "bright", "half", "--out", str(out), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    label.main()
    return made


def test_photos_are_kept_where_teachers_agree(photos, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "out"
    run(monkeypatch, photos, out, "--agree", "0.55")
    assert "0 of 3 photos kept" in capsys.readouterr().out  # a mirrored half is half grey: all of it
    run(monkeypatch, photos, out, "--agree", "0.4", "--weights", "3", "1")
    pairs = find_pairs(out)
    assert [pair.image.name for pair in pairs] == ["0.png", "1.png"]
    image, mask = read_pair(pairs[0])
    assert (image[:, 20:] == 230).all()
    assert np.abs(mask[:, 20:].astype(int) - (3 * 230 + 128) / 4).max() <= 1
    assert np.abs(mask[:, :20].astype(int) - 128 / 4).max() <= 1


def test_mattes_that_are_there_are_not_made_again(photos, tmp_path, monkeypatch) -> None:
    first = run(monkeypatch, photos, tmp_path / "out", "--agree", "0")
    (tmp_path / "out" / "half" / "1.png").unlink()
    again = run(monkeypatch, photos, tmp_path / "out", "--agree", "0")
    assert [teacher.calls for teacher in first] == [6, 6]
    assert [teacher.calls for teacher in again] == [0, 2]
    assert len(find_pairs(tmp_path / "out")) == 3


def test_a_set_with_masks_of_its_own_is_left_alone(photos, tmp_path, monkeypatch) -> None:
    """Photos of a set are not replaced by links to themselves, nor its masks by the teachers'."""
    whole = tmp_path / "set"
    (whole / "masks").mkdir(parents=True)
    photos.rename(whole / "images")
    with pytest.raises(SystemExit):
        run(monkeypatch, whole / "images", whole)
    assert not any(path.is_symlink() for path in (whole / "images").iterdir())


def test_what_would_share_a_file_is_refused(photos, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(label, "open_teacher", lambda name, sides: Half("half"))
    monkeypatch.setattr(
        sys, "argv", ["label", str(photos), "--teachers", "a", "b", "--out", str(tmp_path / "out")]
    )
    with pytest.raises(SystemExit, match="two teachers are called half"):
        label.main()
    (photos / "0.jpg").write_bytes((photos / "0.png").read_bytes())
    with pytest.raises(SystemExit, match="two photos are called 0"):
        label.main()


def test_a_photo_that_cannot_be_read_is_left_out(photos, tmp_path, monkeypatch, capsys) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    run(monkeypatch, photos, tmp_path / "out", "--agree", "0")
    said = capsys.readouterr()
    assert "broken.png" in said.err
    assert "3 of 3 photos kept" in said.out


def test_backgrounds_are_linked_anew(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip("cv2")
    from training import grounds

    folder, out = tmp_path / "all", tmp_path / "some"
    folder.mkdir()
    out.mkdir()
    for number in range(20):
        (folder / f"{number}.png").touch()
    (out / "gone.png").symlink_to(folder / "gone.png")
    monkeypatch.setattr(sys, "argv", ["grounds", str(folder), "--out", str(out)])
    for _ in range(2):
        grounds.main()
    linked = sorted(path.name for path in out.iterdir())
    assert 0 < len(linked) < 20
    assert f"{len(linked)} of 20 backgrounds" in capsys.readouterr().out
    assert not any(grounds.held_out(folder / name) for name in linked)


def test_a_mirrored_matte_is_turned_back() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (8, 10, 3), np.uint8)
    assert np.allclose(mirrored(Half("bright").matte, rgb), rgb[..., 0] / np.float32(255))
    assert np.allclose(mirrored(Half("half").matte, rgb), 0.5)


def test_nothing_and_nothing_agree() -> None:
    nothing, all = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    assert label.agreement([nothing, nothing]) == 1
    assert label.agreement([nothing, all, all]) == 0
    assert label.agreement([all]) == 1


def test_a_backbone_takes_other_inputs_and_gives_the_same() -> None:
    torch.manual_seed(1)
    stem = torch.nn.Conv2d(3, 4, 3, bias=False)
    norm = torch.nn.BatchNorm2d(4).eval()
    norm.running_mean += 0.3
    names = ("conv_stem.weight", *(f"bn1.{name}" for name in norm.state_dict()), "classifier.bias")
    own = [stem.weight.detach(), *norm.state_dict().values(), torch.zeros(5)]
    wanted = {name: torch.zeros_like(entry) for name, entry in zip(names, own, strict=True)}
    state = renamed(dict(zip("abcdefg", own, strict=True)), wanted)
    changed = renormalised(state)
    values = torch.rand(1, 3, 9, 9)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    before = norm(stem((255 * values - 127) / 128))
    stem.weight.data = changed["conv_stem.weight"]
    norm.running_mean.copy_(changed["bn1.running_mean"])
    assert torch.allclose(norm(stem((values - mean) / std)), before, atol=1e-4)
    assert "classifier.bias" not in halved(changed)
    assert halved(changed)["conv_stem.weight"].dtype == torch.float16
    with pytest.raises(SystemExit, match="another network"):
        renamed({"a": own[0]}, wanted)
