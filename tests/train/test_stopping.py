"""Training that stops and goes on: a resumed run is the unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training_sets import weights_of, write_config

from transparent_background.errors import ConfigError, TrainingError
from transparent_background.train.config import load_config
from transparent_background.train.records import RunRecords, read_rows
from transparent_background.train.state import load_state
from transparent_background.train.trainer import Trainer


def test_a_resumed_run_ends_where_an_unbroken_one_does(data, tmp_path) -> None:
    whole = load_config(write_config(data, tmp_path / "whole"))
    Trainer(whole).run()
    broken = load_config(write_config(data, tmp_path / "broken"))
    first = Trainer(broken)
    first.progress = lambda done, total, numbers: setattr(
        first, "stopping", signal.SIGINT if done == 3 else None
    )
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
                run.progress = lambda done, total, numbers, run=run: setattr(
                    run, "stopping", signal.SIGINT if done == 3 else None
                )

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


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
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
    assert process.returncode == 128 + number, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert load_state(tmp_path / "run")["step"] >= 1


@pytest.mark.slow
def test_half_a_line_in_a_log_ends_nothing(config) -> None:
    config.schedule.steps = 4
    Trainer(config).run()
    log = Path(config.output) / "train.csv"
    log.write_text(log.read_text() + "4,1.2")  # as a full disk leaves it
    config.schedule.steps = 8
    Trainer(config, resume=True).run()
    assert [line["step"] for line in read_rows(log)] == ["2", "4", "6", "8"]


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("left", ["", "st", "2,1.2,3\n", "4,\n\n"])
def test_a_log_without_its_first_line_is_begun_anew(tmp_path, left) -> None:
    """A full disk may leave nothing of the line that says what the others are."""
    for name in ("train.csv", "validation.csv"):
        (tmp_path / name).write_text(left)
    records = RunRecords(tmp_path, 4, tensorboard=False)
    records.train({"step": 5, "loss": 1.0, "lr": 0.1})
    records.validation(5, "val", {"max_f": 0.5, "mae": 0.1, "iou": 0.4})
    records.close()
    assert [line["step"] for line in read_rows(tmp_path / "train.csv")] == ["5"]
    assert [line["set"] for line in read_rows(tmp_path / "validation.csv")] == ["val"]
    assert (tmp_path / "loss.png").exists()
    (tmp_path / "train.csv").write_text(left + "\n6,1.0,0.1\n")  # in the middle of a run
    records.curves()


def test_an_empty_log_gets_its_first_line(tmp_path) -> None:
    records = RunRecords(tmp_path, 0, tensorboard=False)
    (tmp_path / "train.csv").touch()  # opened, and no room to write
    records.train({"step": 1, "loss": 1.0, "lr": 0.1})
    assert [line["step"] for line in read_rows(tmp_path / "train.csv")] == ["1"]
