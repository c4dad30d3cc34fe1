"""``evaluate``: from folders to tables, with predictions of a folder and of a model."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from transparent_background import cli
from transparent_background.cli.evaluate import short_names
from transparent_background.errors import DataSetError
from transparent_background.evaluate import report as tables
from transparent_background.evaluate.run import FolderMattes, evaluate, worst


def save(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four pictures with masks, and predictions that get worse from one to the next."""
    for index in range(4):
        mask = np.zeros((60, 80), np.uint8)
        mask[10:50, 20:60] = 255
        image = np.full((60, 80, 3), 40, np.uint8)
        image[mask > 0] = 200
        save(image, tmp_path / "set" / "images" / f"{index}.jpg")
        save(mask, tmp_path / "set" / "masks" / f"{index}.png")
        save(np.roll(mask, 4 * index, axis=1), tmp_path / "pred" / f"{index}.png")
    return tmp_path


def test_a_folder_of_mattes_is_scored(data) -> None:
    report = evaluate(FolderMattes(data / "pred"), data / "set", workers=0)
    assert report.count == 4
    assert report.data == "set"
    # shifted by 4, 8, 12 columns of 40 rows: twice that many pixels of 4800 are wrong
    assert report.scores["mae"] == pytest.approx(np.mean([2 * 40 * 4 * i / 4800 for i in range(4)]))
    pairs = worst(report, "mae", 2, lower_is_better=True)
    assert [pair.image.stem for pair, _ in pairs] == ["3", "2"]


def test_workers_change_nothing(data) -> None:
    alone = evaluate(FolderMattes(data / "pred"), data / "set", workers=0)
    helped = evaluate(FolderMattes(data / "pred"), data / "set", workers=1)
    assert helped.scores == alone.scores
    assert [pair for pair, _ in helped.pictures] == [pair for pair, _ in alone.pictures]


def test_predictions_may_lie_in_a_folder_named_as_the_set(data) -> None:
    (data / "all").mkdir()
    (data / "pred").rename(data / "all" / "set")
    assert evaluate(FolderMattes(data / "all"), data / "set", workers=0).count == 4


def test_a_limit_takes_evenly_spaced_pictures(data) -> None:
    report = evaluate(FolderMattes(data / "pred"), data / "set", workers=0, limit=2)
    assert [pair.image.stem for pair, _ in report.pictures] == ["0", "3"]


def test_missing_halves_are_listed(data) -> None:
    (data / "set" / "masks" / "1.png").unlink()
    (data / "set" / "images" / "2.jpg").unlink()
    with pytest.raises(DataSetError, match=r"no mask for 1\.jpg; no picture for 2\.png"):
        evaluate(FolderMattes(data / "pred"), data / "set", workers=0)


def test_a_missing_prediction_is_named(data) -> None:
    (data / "pred" / "2.png").unlink()
    with pytest.raises(DataSetError, match=r"no prediction for 2\.jpg"):
        evaluate(FolderMattes(data / "pred"), data / "set", workers=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_prediction_of_another_size_is_named(data, workers) -> None:
    save(np.zeros((30, 40), np.uint8), data / "pred" / "2.png")
    with pytest.raises(DataSetError, match=r"2\.png: is 80 x 60, its matte 40 x 30"):
        evaluate(FolderMattes(data / "pred"), data / "set", workers=workers)


def test_the_tables_agree(data) -> None:
    report = evaluate(FolderMattes(data / "pred"), data / "set", workers=0, soft=True)
    (line,) = csv.DictReader(tables.to_csv([report]).splitlines())
    (entry,) = json.loads(tables.to_json([report]))
    assert float(line["mae"]) == pytest.approx(entry["scores"]["mae"]) == pytest.approx(0.1)
    assert "| 0.100 |" in tables.to_markdown([report])
    assert {"sad", "mse", "gradient", "connectivity"} <= set(line)
    assert len(tables.to_csv([report], each=True).splitlines()) == 1 + 4


@pytest.mark.parametrize("name", ["{}_map", "{}_rgba"])
def test_results_of_the_command_are_predictions(data, name) -> None:
    plain = evaluate(FolderMattes(data / "pred"), data / "set", workers=0).scores
    for path in list((data / "pred").iterdir()):
        matte = np.asarray(Image.open(path))
        grey = np.full((*matte.shape, 3), 77, np.uint8)
        result = matte if "map" in name else np.dstack([grey, matte])
        save(result, path.with_name(name.format(path.stem) + ".png"))
        path.unlink()
    assert evaluate(FolderMattes(data / "pred"), data / "set", workers=0).scores == plain


def test_files_about_models_of_one_name_are_told_apart() -> None:
    assert short_names(["lite", "runs/a/best.safetensors"]) == ["lite", "best"]
    assert short_names(["runs/a/best.pth", "runs/b/best.pth"]) == ["a_best", "b_best"]
    assert short_names(["x/best.pth", "x/best.safetensors"]) == ["x_best_1", "x_best_2"]


@pytest.mark.slow
def test_the_cost_of_a_model_is_measured(capsys) -> None:
    assert cli.main(["benchmark", "lite", "--size", "96x64", "--repeat", "1", "--format", "json"]) == 0
    (cost,) = json.loads(capsys.readouterr().out)
    assert (cost["model"], cost["size"]) == ("lite", [64, 96])
    assert 1e6 < cost["parameters"] < 6e6
    assert all(cost[name] > 0 for name in ("gflop", "matte_ms", "cut_out_ms", "peak_mb"))


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    code = cli.main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_writes_tables_curves_and_the_worst(data, capsys) -> None:
    code, out, _ = run(
        capsys, "--pred", data / "pred", "--data", data / "set", "--out", data / "out", "--workers", 0
    )
    assert code == 0
    assert out.startswith("| set | model")
    for name in ("scores.md", "scores.csv", "scores.json", "pictures.csv"):
        assert (data / "out" / name).read_text().strip()
    for name in ("pr.png", "f.png", "worst_pred_set.jpg"):
        with Image.open(data / "out" / name) as image:
            assert len(set(image.convert("L").tobytes())) > 10


def test_a_picture_that_cannot_be_scored_is_left_out(data, capsys) -> None:
    (data / "pred" / "2.png").unlink()
    save(np.zeros((30, 40), np.uint8), data / "pred" / "3.png")
    (data / "set" / "images" / "0.jpg").write_bytes(b"no picture")
    code, out, err = run(
        capsys, "--pred", data / "pred", "--data", data / "set", "--format", "json", "--workers", 0,
        "--out", data / "out",
    )  # fmt: skip
    assert code == 4
    assert "worst_pred_set.jpg: not written: " in err
    assert (data / "out" / "scores.csv").exists()
    assert json.loads(out)[0]["pictures"] == 2  # mattes of a folder need no picture, so 0 counts
    assert "no prediction for 2.jpg; left out" in err
    assert "3.png: is 80 x 60, its matte 40 x 30; left out" in err


def test_models_and_folders_are_compared_in_one_table(data, capsys) -> None:
    code, out, _ = run(
        capsys, "--compare", "lite", data / "pred", "--data", data / "set", "--limit", 2,
        "--format", "json", "--workers", 0,
    )  # fmt: skip
    assert code == 0
    entries = json.loads(out)
    assert [entry["model"] for entry in entries] == ["lite", str(data / "pred")]
    assert all(entry["pictures"] == 2 for entry in entries)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pred", "nowhere", "--data", "set"], "no such folder"),
        (["--pred", "pred", "--data", "set", "--by", "beauty"], "no such score"),
        (["--model", "nonsense", "--data", "set"], "nonsense"),
        (["--model", "missing.pth", "--data", "set"], "missing.pth"),
    ],
)
def test_mistakes_are_one_line_and_exit_with_2(data, capsys, monkeypatch, arguments, words) -> None:
    monkeypatch.chdir(data)
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_folder_without_masks_is_a_failed_input(data, capsys) -> None:
    code, _, err = run(capsys, "--pred", data / "pred", "--data", data / "pred")
    assert code == 4
    assert "has no folder images/" in err
