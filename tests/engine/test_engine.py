"""Which way a network is run: one function decides, says why, and can be told otherwise."""

from __future__ import annotations

import logging

import pytest
import torch
from networks import build

from transparent_background import Remover
from transparent_background.cli import main
from transparent_background.engine import plan as planning
from transparent_background.engine import threads as threading
from transparent_background.engine.plan import choose_plan
from transparent_background.engine.prepare import prepare
from transparent_background.errors import UsageError
from transparent_background.model import PyramidNetwork
from transparent_background.model.inference import InferenceInSPyReNet

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))


def test_the_published_network_runs_in_pieces_on_a_processor() -> None:
    plan = choose_plan("published", CPU)
    assert (plan.backend, plan.form, plan.precision) == ("torch", "pieces", torch.float32)
    assert "pieces" in plan.describe()


def test_a_recording_is_not_made_where_something_is_faster() -> None:
    plan = choose_plan("published", CPU, jit=True)
    assert plan.form == "pieces"
    assert "faster than a recording" in plan.describe()
    assert choose_plan("light", CPU, jit=True).form == "recorded"
    assert choose_plan("published", CPU, jit=True, backend="plain").form == "recorded"


def test_gpus_run_layer_by_layer_unless_told_otherwise(gpu) -> None:
    assert choose_plan("published", CUDA).form == "plain"
    assert choose_plan("published", CUDA, compiled=True).form == "compiled"
    assert choose_plan("published", CUDA, jit=True).form == "recorded"


def test_everything_can_be_told() -> None:
    assert choose_plan("published", CPU, backend="plain").form == "plain"
    for backend in ("openvino", "onnxruntime"):
        plan = choose_plan("published", CPU, backend=backend)
        assert (plan.backend, plan.form) == (backend, "converted")
    assert choose_plan("light", CPU, precision="bfloat16").precision == torch.bfloat16


def test_half_precision_is_chosen_on_gpus_only(gpu, monkeypatch) -> None:
    assert choose_plan("published", CUDA).precision == torch.float32
    assert choose_plan("published", CUDA, precision="auto").precision == torch.float16
    assert choose_plan("published", CPU, precision="auto").precision == torch.float32
    assert choose_plan("published", MPS, precision="auto").precision == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
    assert choose_plan("published", CUDA, precision="auto").precision == torch.float32


def test_openvino_is_chosen_if_it_is_there_was_used_and_is_faster(monkeypatch) -> None:
    monkeypatch.setattr(planning.importlib.util, "find_spec", lambda name: object())
    assert choose_plan("light", CPU, converted=lambda: True).backend == "openvino"
    assert choose_plan("light", CPU, converted=lambda: False).backend == "torch"
    assert choose_plan("light", CPU, backend="torch", converted=lambda: True).backend == "torch"
    assert choose_plan("published", CPU, converted=lambda: True).backend == "torch"
    monkeypatch.setattr(planning.importlib.util, "find_spec", lambda name: None)
    assert choose_plan("light", CPU, converted=lambda: True).backend == "torch"


def test_passes_run_side_by_side_only_of_small_networks_on_a_processor_in_pytorch(gpu) -> None:
    assert choose_plan("light", CPU).side_by_side
    assert choose_plan("light", CPU, jit=True).side_by_side
    assert not choose_plan("light", CPU, backend="onnxruntime").side_by_side
    assert not choose_plan("light", CUDA).side_by_side
    assert not choose_plan("published", CPU).side_by_side


@pytest.mark.parametrize(
    "wishes",
    [
        {"backend": "tensorrt"},
        {"precision": "int4"},
        {"jit": True, "compiled": True},
        {"backend": "openvino", "jit": True},
        {"backend": "onnxruntime", "precision": "bfloat16"},
        {"backend": "openvino", "precision": "float16"},
    ],
)
def test_wishes_that_cannot_be_met_are_errors(wishes) -> None:
    with pytest.raises(UsageError):
        choose_plan("light", CPU, **wishes)
    with pytest.raises(UsageError):
        choose_plan("published", CUDA, backend="openvino")


def test_a_remover_says_how_it_runs() -> None:
    remover = Remover("lite")
    assert remover.plan.backend == "torch"
    assert "float32" in remover.plan.describe()


class Half(PyramidNetwork):
    """A network that half precision changes by a given amount."""

    def __init__(self, change: float) -> None:
        super().__init__(torch.nn.Conv2d(3, 1, 1), 1, (32, 32))
        self.change = change

    def predict(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ramp = torch.linspace(-6, 6, x.shape[-1]).expand(1, 1, x.shape[-2], -1)
        return (ramp,) * 3 + (ramp if self.dtype == torch.float32 else ramp + self.change * (ramp.abs() < 1),)


@pytest.mark.parametrize(
    ("change", "kept"), [(0.0, True), (0.03, True), (0.3, False), (float("nan"), False), (1e30, False)]
)
def test_half_precision_that_changes_mattes_is_given_up_and_said(change, kept, caplog) -> None:
    plan = choose_plan("light", CPU, precision="bfloat16", backend="plain")
    with caplog.at_level(logging.WARNING, "transparent_background"):
        _, done = prepare(Half(change), None, None, plan, CPU)
    assert done.precision == (torch.bfloat16 if kept else torch.float32)
    assert bool(caplog.records) != kept
    if not kept:
        assert "bfloat16" in done.describe()


def test_published_networks_are_prepared_in_pieces(monkeypatch) -> None:
    passes = []
    predict = InferenceInSPyReNet.predict
    monkeypatch.setattr(InferenceInSPyReNet, "predict", lambda self, x: passes.append(x) or predict(self, x))
    network = build("mobilenetv2_100", (96, 96))
    run, _ = prepare(network, None, None, choose_plan("published", CPU), CPU)
    x = torch.zeros(1, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(run(x), network(x).d0, atol=1e-4, rtol=1e-4)
    assert len(passes) == 1


@pytest.fixture
def own_threads():
    """Give back the number of threads."""
    import cv2

    before = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def test_threads_are_the_cores_unless_said_otherwise(own_threads, monkeypatch) -> None:
    import cv2

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # as a container's share would
    assert threading.usable_cores() == 1
    assert threading.set_threads(None) == torch.get_num_threads() == 1
    assert threading.set_threads(3) == torch.get_num_threads() == cv2.getNumThreads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert threading.set_threads(None) == 3  # what the environment had set is left alone


def test_the_command_says_how_it_runs_and_takes_threads(own_threads, tmp_path, photo, capsys) -> None:
    source = tmp_path / "photo.png"
    photo.save(source)
    arguments = [str(source), "-m", "lite", "-d", str(tmp_path / "o.png"), "-v", "--threads", "1"]
    assert main(arguments) == 0
    assert "float32" in capsys.readouterr().err
    assert torch.get_num_threads() == 1
    assert main([*arguments, "--backend", "tensorrt"]) == 2
