"""Training: a run from folders to weights, resuming, and what can go wrong on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from transparent_background import Remover, cli
from transparent_background.errors import ConfigError, DataSetError, TrainingError
from transparent_background.model import read_state_dict
from transparent_background.train import trainer as trainer_module
from transparent_background.train.config import TrainConfig, dump_config, load_config
from transparent_background.train.records import read_rows
from transparent_background.train.state import load_state
from transparent_background.train.trainer import Trainer


def draw_set(folder: Path, count: int, seed: int) -> None:
    """Bright disks on dark noise, with their masks."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    y, x = np.mgrid[:72, :96]
    for index in range(count):
        cy, cx, radius = rng.integers(25, 47), rng.integers(30, 66), rng.integers(14, 24)
        mask = np.hypot(y - cy, x - cx) < radius
        image = rng.normal(50, 15, (72, 96, 3))
        image[mask] += (140, 110, 60)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{index}.png")
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder / "masks" / f"{index}.png")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    draw_set(root / "one", 12, 1)
    draw_set(root / "two", 6, 2)
    draw_set(root / "val", 4, 3)
    (root / "backgrounds").mkdir()
    for index in range(3):
        noise = np.random.default_rng(index).integers(0, 90, (80, 100, 3), np.uint8)
        Image.fromarray(noise).save(root / "backgrounds" / f"{index}.png")
    return root


def write_config(data: Path, output: Path) -> Path:
    """Write a configuration that trains in seconds and uses every part of the loop."""
    path = output.parent / f"{output.name}.yaml"
    path.write_text(
        f"""
output: {output}
model:
  backbone: mobilenetv2_100
  backbone_weights: null
  head: light
  depth: 16
  base_size: [64, 64]
  normalisation: sigmoid
  name: disks
data:
  root: {data}
  train:
    - {{path: one, paste: 0.5}}
    - {{path: two, weight: 1.5}}
  validate:
    - {{path: val}}
  backgrounds: backgrounds
  sizes: [64]
  batch_size: 4
  workers: 0
augment: {{aspect: 1.2, shift: 0.5, colour_chance: 0.3, degrade_chance: 0.3}}
optimiser: {{name: adamw, lr: 2.0e-3, clip: 5.0, ema: 0.9}}
schedule: {{steps: 6, warmup: 2, kind: cosine}}
log: {{every: 2, save_every: 2, validate_every: 3, grid_every: 6, tensorboard: true}}
"""
    )
    return path


@pytest.fixture
def config(data, tmp_path) -> TrainConfig:
    return load_config(write_config(data, tmp_path / "run"))


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    state = load_state(folder)
    assert state is not None
    return state["network"]


def test_a_run_leaves_weights_scores_curves_and_logs(config) -> None:
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


def test_a_resumed_run_ends_where_an_unbroken_one_does(data, tmp_path) -> None:
    whole = load_config(write_config(data, tmp_path / "whole"))
    Trainer(whole).run()
    broken = load_config(write_config(data, tmp_path / "broken"))
    first = Trainer(broken)
    first.progress = lambda done, total, numbers: setattr(first, "stopping", done == 3)
    with pytest.raises(KeyboardInterrupt):
        first.run()
    assert load_state(tmp_path / "broken")["step"] == 3
    Trainer(broken, resume=True).run()
    expected, got = weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken")
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), name
    logs = [(tmp_path / name / "validation.csv").read_text() for name in ("whole", "broken")]
    assert logs[0] == logs[1]


@pytest.mark.slow
def test_a_resumed_run_draws_what_the_unbroken_one_drew(data, tmp_path) -> None:
    drawn: dict[str, list[float]] = {}
    for name in ("whole", "broken"):
        config = load_config(write_config(data, tmp_path / name))
        for resume in (False, True) if name == "broken" else (False,):
            run = Trainer(config, resume=resume)
            real = run._loss
            if not resume and name == "broken":
                run.progress = lambda done, total, numbers, run=run: setattr(run, "stopping", done == 3)

            def loss(x, y, name=name, real=real):
                drawn.setdefault(name, []).append(float(torch.rand(1)))  # as drop path would
                return real(x, y)

            run._loss = loss
            if run.progress is None:
                run.run()
            else:
                with pytest.raises(KeyboardInterrupt):
                    run.run()
    assert drawn["whole"] == drawn["broken"]
    assert len(set(drawn["whole"])) == 6


@pytest.mark.slow
def test_a_resumed_run_takes_the_rate_it_is_given(config) -> None:
    config.schedule.kind, config.schedule.warmup, config.schedule.steps = "constant", 0, 2
    Trainer(config).run()
    config.schedule.steps, config.optimiser.lr, config.optimiser.weight_decay = 4, 1e-6, 0.5
    run = Trainer(config, resume=True)
    run.run()
    assert {group["lr"] for group in run.optimiser.param_groups} == {1e-6}
    assert {group["weight_decay"] for group in run.optimiser.param_groups} == {0.0, 0.5}


def test_a_run_of_another_network_is_not_resumed(config) -> None:
    Trainer(config).run()
    config.model.depth = 24
    with pytest.raises(ConfigError, match="holds a run of another network"):
        Trainer(config, resume=True)


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


def test_a_folder_that_holds_a_run_is_not_overwritten(config) -> None:
    Trainer(config).run()
    with pytest.raises(ConfigError, match="holds a run; go on with --resume"):
        Trainer(config)


def test_resuming_nothing_starts_anew(config) -> None:
    assert Trainer(config, resume=True).step == 0


def test_a_damaged_state_is_one_line(config) -> None:
    Path(config.output).mkdir()
    (Path(config.output) / "state.pt").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(TrainingError, match="cannot be resumed"):
        Trainer(config, resume=True)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
def test_a_stopped_command_saves_and_says_so(data, tmp_path, number) -> None:
    path = write_config(data, tmp_path / "run")
    command = [sys.executable, "-m", "transparent_background", "train", str(path), "schedule.steps=100000"]
    command += ["data.workers=1", "log.every=1", "log.save_every=100000", "log.validate_every=100000"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    log = tmp_path / "run" / "train.csv"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    os.killpg(process.pid, number)  # as a terminal or a scheduler does: the workers get it too
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert load_state(tmp_path / "run")["step"] >= 1


def test_a_loss_that_is_no_number_is_left_out(config, monkeypatch, caplog) -> None:
    real, calls = trainer_module.pyramid_loss, []

    def broken(*arguments, **options):
        loss, terms = real(*arguments, **options)
        calls.append(1)
        return (loss * float("nan") if len(calls) == 2 else loss), terms

    monkeypatch.setattr(trainer_module, "pyramid_loss", broken)
    Trainer(config).run()
    assert "step 1: the loss is no number; the step is left out" in caplog.text
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(Path(config.output)).values())


def assert_finite(folder: Path) -> None:
    state = load_state(folder)
    for part in ("network", "average"):
        tensors = [tensor for tensor in state[part].values() if tensor.is_floating_point()]
        assert all(torch.isfinite(tensor).all() for tensor in tensors), part


@pytest.mark.slow
def test_a_picture_that_is_no_number_leaves_no_trace(config, monkeypatch, caplog) -> None:
    real, calls = trainer_module.normalise, []

    def broken(images):
        calls.append(1)
        x = real(images)
        if len(calls) == 2:
            x[0, 0, 0, 0] = float("inf")  # reaches the statistics of every BatchNorm
        return x

    monkeypatch.setattr(trainer_module, "normalise", broken)
    scores = Trainer(config).run()
    assert "step 1: the loss is no number" in caplog.text
    assert_finite(Path(config.output))
    assert scores["val"]["mae"] < 1


@pytest.mark.slow
def test_a_gradient_that_is_no_number_is_left_out(config, monkeypatch, caplog) -> None:
    real, calls = trainer_module.pyramid_loss, []

    def broken(pyramid, *arguments, **options):
        loss, terms = real(pyramid, *arguments, **options)
        calls.append(1)
        if len(calls) == 2:
            loss = loss + torch.sqrt((pyramid.d3 * 0).sum())  # its value is 0, its slope is none
        return loss, terms

    monkeypatch.setattr(trainer_module, "pyramid_loss", broken)
    Trainer(config).run()
    assert caplog.text.count("the step is left out") == 1
    assert_finite(Path(config.output))


def test_a_run_of_bad_losses_gives_up_with_advice(config, monkeypatch) -> None:
    real = trainer_module.pyramid_loss
    monkeypatch.setattr(trainer_module, "pyramid_loss", lambda *a, **o: (real(*a, **o)[0] * float("nan"), {}))
    monkeypatch.setattr(trainer_module, "MAX_BAD_STEPS", 3)
    with pytest.raises(TrainingError, match=r"lower optimiser\.lr"):
        Trainer(config).run()


def test_a_full_disk_costs_the_state_and_not_the_run(config, monkeypatch, caplog) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    scores = Trainer(config).run()
    assert scores["val"]["mae"] >= 0
    assert "the disk is full" in caplog.text
    assert not (Path(config.output) / "state.pt").exists()


@pytest.mark.slow
def test_half_a_line_in_a_log_ends_nothing(config) -> None:
    config.schedule.steps = 4
    Trainer(config).run()
    log = Path(config.output) / "train.csv"
    log.write_text(log.read_text() + "4,1.2")  # as a full disk leaves it
    config.schedule.steps = 8
    Trainer(config, resume=True).run()
    assert [line["step"] for line in read_rows(log)] == ["2", "4", "6", "8"]


def test_a_picture_that_breaks_later_is_replaced(config, data, monkeypatch, caplog) -> None:
    from transparent_background.train import samples

    real = samples.read_pair

    def broken(pair):
        if pair.image == data / "one" / "images" / "3.png":
            raise DataSetError(f"{pair.image}: cannot be read: truncated")
        return real(pair)

    monkeypatch.setattr(samples, "read_pair", broken)
    config.schedule.steps = 9  # two epochs: every picture comes up
    Trainer(config).run()
    assert caplog.text.count("another picture takes its place") == 1


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


@pytest.fixture
def fresh_accelerate() -> Iterator[None]:
    """Precision is settled once per process in accelerate."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("fresh_accelerate")
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
