"""Training: losses that are no numbers, full disks and damaged files cost a step, not the run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_training import weights_of

from transparent_background.errors import DataSetError, TrainingError
from transparent_background.train import trainer as trainer_module
from transparent_background.train.state import load_state
from transparent_background.train.trainer import Trainer


@pytest.mark.slow
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
