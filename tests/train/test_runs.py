"""Training: a run from folders to weights, in every form that a configuration can ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_training import weights_of, write_config

from transparent_background import Remover, cli
from transparent_background.model import read_state_dict
from transparent_background.train.config import dump_config, load_config
from transparent_background.train.records import read_rows
from transparent_background.train.state import load_state
from transparent_background.train.trainer import Trainer


def test_a_run_leaves_weights_scores_curves_and_logs(config, curves) -> None:
    config.log.tensorboard = True
    scores = Trainer(config).run()
    folder = Path(config.output)
    assert set(scores) == {"val"}
    for name in ("best.safetensors", "last.safetensors", "state.pt", "config.yaml"):
        assert (folder / name).stat().st_size > 0
    for name in ("loss.png", "scores.png", "grids/0000006.png"):
        with Image.open(folder / name) as image:
            assert image.width > 100
    lines = read_rows(folder / "train.csv")
    assert [line["step"] for line in lines] == ["2", "4", "6"]
    assert all(float(line["loss"]) > 0 for line in lines)
    assert [line["step"] for line in read_rows(folder / "validation.csv")] == ["3", "6"]
    assert list((folder / "tensorboard").iterdir())


def test_the_weights_serve_a_remover_as_they_are(config) -> None:
    Trainer(config).run()
    remover = Remover(ckpt=Path(config.output) / "last.safetensors")
    assert remover.checkpoint.name == "disks"
    assert remover.checkpoint.head == "light"
    assert remover.normalisation == "sigmoid"
    alpha = remover.alpha(np.zeros((50, 70, 3), np.uint8))
    assert alpha.shape == (50, 70)


def test_a_trained_network_becomes_a_mode_of_its_own(config, private_home) -> None:
    Trainer(config).run()
    private_home.mkdir(exist_ok=True)
    weights = (Path(config.output) / "last.safetensors").rename(private_home / "disks.safetensors")
    (private_home / "config.yaml").write_text("disks: {ckpt_name: disks.safetensors}")
    remover = Remover(mode="disks")
    assert weights.exists()
    assert (remover.checkpoint.head, remover.checkpoint.base_size) == ("light", (64, 64))
    assert remover.normalisation == "sigmoid"
    (private_home / "config.yaml").write_text("disks: {ckpt_name: disks.safetensors, base_size: [96, 96]}")
    assert Remover(mode="disks").checkpoint.base_size == (96, 96)


@pytest.mark.slow
def test_it_learns_what_an_object_is(config) -> None:
    config.schedule.steps = 60
    config.schedule.warmup = 5
    config.log.every = config.log.save_every = config.log.validate_every = config.log.grid_every = 60
    scores = Trainer(config).run()
    assert scores["val"]["max_f"] > 0.9
    lines = read_rows(Path(config.output) / "train.csv")
    assert float(lines[-1]["loss"]) < 3


def test_the_best_weights_are_kept(config, monkeypatch) -> None:
    series = iter([0.5, 0.7, 0.6])
    config.log.validate_every = 2
    run = Trainer(config)
    monkeypatch.setattr(
        run.validator, "scores", lambda *_: {"val": {"max_f": next(series), "mae": 0.1, "iou": 0.5}}
    )
    run.run()
    _, facts = read_state_dict(Path(config.output) / "best.safetensors")
    assert facts["step"] == "4"
    assert load_state(Path(config.output))["best"] == 0.7


def test_frozen_parts_stay_as_they_are(config) -> None:
    config.model.freeze = ["backbone.conv_stem", "backbone.bn1", "backbone.blocks.0"]
    run = Trainer(config)
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    run.run()
    after = weights_of(Path(config.output))
    frozen = [name for name in before if name.startswith(tuple(f"{part}." for part in config.model.freeze))]
    assert frozen
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not torch.equal(before["decoder.refine.conv.weight"], after["decoder.refine.conv.weight"])


def test_accumulated_gradients_count_as_one_large_batch(config) -> None:
    config.optimiser.accumulate = 3
    config.schedule.steps = 1
    run = Trainer(config)
    losses: list[float] = []
    parts: list[float] = []
    real, backward = run._loss, run.accelerator.backward

    def loss(x, y):
        result = real(x, y)
        losses.append(float(result[0].detach()))
        return result

    def back(part):
        parts.append(float(part.detach()))
        backward(part)

    run._loss, run.accelerator.backward = loss, back
    run.run()
    assert parts == pytest.approx([value / 3 for value in losses])
    assert len(parts) == 3


@pytest.mark.slow
def test_distillation_draws_towards_the_teacher(config) -> None:
    config.loss.distil, config.loss.teacher = 2.0, "lite"
    config.schedule.steps = 2
    run = Trainer(config)
    run.run()
    (line,) = read_rows(Path(config.output) / "train.csv")
    assert float(line["distil"]) > 0
    x, y = torch.randn(4, 3, 64, 64), torch.zeros(4, 1, 64, 64)
    with torch.no_grad():
        taught, terms = run._loss(x, y)
        run.teacher = None
        alone, _ = run._loss(x, y)
    assert float(taught - alone) == pytest.approx(2 * float(terms["distil"]), rel=1e-3)


@pytest.mark.slow
def test_the_published_head_trains_too(config) -> None:
    config.model.head = "published"
    config.schedule.steps = 2
    Trainer(config).run()
    assert Remover(ckpt=Path(config.output) / "last.safetensors").checkpoint.head == "published"


@pytest.mark.slow
def test_batches_above_the_base_size_are_trained_through_blending(config) -> None:
    config.loss.blend, config.data.sizes = True, [64, 96]
    run = Trainer(config)
    calls: list[tuple[int, ...]] = []
    real = run.network.forward
    run.network.forward = lambda *x: (calls.append(tuple(t.shape[-1] for t in x)), real(*x))[1]
    run.run()
    assert {sides for sides in calls if len(sides) == 2} == {(96, 64)}
    assert (64,) in calls
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(Path(config.output)).values())


@pytest.mark.slow
def test_bf16_trains_to_finite_weights(config) -> None:
    config.optimiser.precision = "bf16"
    config.schedule.steps = 2
    Trainer(config).run()
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(Path(config.output)).values())


@pytest.mark.slow
def test_two_processes_train_one_model(data, tmp_path) -> None:
    path = write_config(data, tmp_path / "run")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29531",
        "-m", "transparent_background", "train", str(path), "schedule.steps=2",
        "loss.blend=true", "data.sizes=[64, 96]",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment)
    assert result.returncode == 0, result.stderr[-2000:]
    assert load_state(tmp_path / "run")["step"] == 2


def test_the_command_shows_and_lists_configurations(data, tmp_path, capsys) -> None:
    assert cli.main(["train", "--list"]) == 0
    assert {"lite", "swin_b_384", "swin_b_1024", "res2net50_384", "lanes"} <= set(
        capsys.readouterr().out.split()
    )
    assert cli.main(["train", "lite", "optimiser.lr=0.5", "--show"]) == 0
    shown = capsys.readouterr().out
    (tmp_path / "again.yaml").write_text(shown)
    again = load_config(tmp_path / "again.yaml")
    assert again.optimiser.lr == 0.5
    assert dump_config(again).rstrip() == shown.rstrip()
