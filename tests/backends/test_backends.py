"""The network in other runtimes: PyTorch's numbers, converted once, kept, and converted again if damaged."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from networks import LIGHT, drawn, make_light, need, noise, settle

from transparent_background.backends import converted
from transparent_background.backends.converted import ConvertedNetwork, was_converted
from transparent_background.backends.graph import Graph
from transparent_background.checkpoints import Checkpoint
from transparent_background.checkpoints.recognition import find_checkpoint
from transparent_background.engine.loading import load_network
from transparent_background.errors import DeviceError, MissingExtraError, UsageError
from transparent_background.model import (
    InSPyReNet,
    PyramidNetwork,
    create_backbone,
)
from transparent_background.model.input import normalise

PUBLISHED = Checkpoint(name="test", file_name="", depth=16, base_size=(64, 64))


@pytest.fixture(scope="module")
def light() -> PyramidNetwork:
    return make_light()


@pytest.fixture
def weights(tmp_path) -> Path:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"stands for the weights: only its checksum counts")
    return path


@pytest.fixture
def conversions(monkeypatch) -> list[tuple]:
    """Collect the sizes that networks are converted for."""
    sizes = []

    class Noted(Graph):
        def __init__(self, network: PyramidNetwork, *given: tuple[int, int]) -> None:
            sizes.append(given)
            super().__init__(network, *given)

    monkeypatch.setattr(converted, "Graph", Noted)
    return sizes


def pictures(batch: int, *size: int) -> torch.Tensor:
    return normalise(drawn(batch, *size))


@torch.inference_mode()
def assert_same(network: ConvertedNetwork, reference: PyramidNetwork, *inputs: torch.Tensor) -> None:
    expected = reference(*inputs).d0
    assert expected.std() > 0.01
    torch.testing.assert_close(network(*inputs), expected, atol=1e-3, rtol=1e-3)


@pytest.fixture(params=["openvino", pytest.param("onnxruntime", marks=pytest.mark.slow)])
def backend(request) -> str:
    need(request.param, *(["onnxscript"] if request.param == "onnxruntime" else []))
    return request.param


def test_one_pass_gives_pytorchs_numbers_whatever_the_batch(light, weights, backend, conversions) -> None:
    network = ConvertedNetwork(light, LIGHT, weights, backend)
    assert_same(network, light, pictures(1, 64, 96))
    assert_same(network, light, pictures(3, 64, 96))
    assert conversions == [((64, 96),)]


@pytest.mark.slow
def test_two_passes_give_pytorchs_numbers(light, weights) -> None:
    need("openvino")
    network = ConvertedNetwork(light, LIGHT, weights)
    for size in ((96, 160), (128, 128)):  # the large picture's shape shrunk by odd factors
        assert_same(network, light, pictures(2, *size), pictures(2, 64, 64))


@pytest.mark.slow
def test_two_passes_give_pytorchs_numbers_in_onnx_runtime(light, weights) -> None:
    need("onnxruntime", "onnxscript")
    network = ConvertedNetwork(light, LIGHT, weights, "onnxruntime")
    assert_same(network, light, pictures(2, 96, 160), pictures(2, 64, 64))


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["swin_tiny_patch4_window7_224", "mobilenetv2_100", "res2net50d"])
def test_the_published_network_gives_pytorchs_numbers(weights, backbone) -> None:
    need("openvino")
    torch.manual_seed(0)
    reference = settle(InSPyReNet(create_backbone(backbone), depth=16, base_size=(64, 64)))
    network = ConvertedNetwork(reference, PUBLISHED, weights)
    assert_same(network, reference, noise(2, 3, 64, 64))
    assert_same(network, reference, noise(1, 3, 96, 128), noise(1, 3, 64, 64, seed=1))


def test_the_bundled_model_gives_pytorchs_numbers() -> None:
    need("openvino")
    record, path = find_checkpoint("lite", None)
    reference = load_network(record, path, torch.device("cpu"))
    network = ConvertedNetwork(reference, record, path)
    assert_same(network, reference, pictures(1, 320, 416), pictures(1, 320, 320))


def test_a_second_object_finds_what_the_first_one_converted(light, weights, conversions) -> None:
    need("openvino")
    first = ConvertedNetwork(light, LIGHT, weights)
    assert not first.is_ready((64, 64))
    assert not was_converted(LIGHT, weights)
    first.prepare((64, 64))
    assert first.is_ready((64, 64)) and not first.is_ready((64, 64), (64, 64))
    assert was_converted(LIGHT, weights)
    second = ConvertedNetwork(light, LIGHT, weights)
    assert second.is_ready((64, 64))
    assert_same(second, light, pictures(1, 64, 64))
    assert conversions == [((64, 64),)]


def test_other_weights_are_converted_anew(light, weights) -> None:
    need("openvino")
    ConvertedNetwork(light, LIGHT, weights).prepare((64, 64))
    weights.write_bytes(b"other weights")
    assert not ConvertedNetwork(light, LIGHT, weights).is_ready((64, 64))
    assert not was_converted(LIGHT, weights)


@pytest.mark.parametrize(
    "suffix", [".xml", *(pytest.param(suffix, marks=pytest.mark.slow) for suffix in (".bin", ".json"))]
)
def test_a_damaged_file_is_converted_again(light, weights, suffix, caplog, conversions) -> None:
    need("openvino")
    ConvertedNetwork(light, LIGHT, weights).prepare((64, 64))
    (path,) = converted.folder().glob(f"*{suffix}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    network = ConvertedNetwork(light, LIGHT, weights)
    assert_same(network, light, pictures(1, 64, 64))
    assert len(conversions) == 2
    assert "damaged" in caplog.text
    ConvertedNetwork(light, LIGHT, weights).prepare((64, 64))
    assert len(conversions) == 2


def test_a_whole_file_that_cannot_be_loaded_is_converted_again(
    light, weights, monkeypatch, caplog, conversions
) -> None:
    """As if another machine had made it that shares the folder."""
    need("openvino")
    ConvertedNetwork(light, LIGHT, weights).prepare((64, 64))
    network = ConvertedNetwork(light, LIGHT, weights)
    real, refused = network._runtime.open, []

    def open_later(*arguments):
        if not refused:
            refused.append(arguments)
            raise RuntimeError("made for another processor")
        return real(*arguments)

    monkeypatch.setattr(network._runtime, "open", open_later)
    assert_same(network, light, pictures(1, 64, 64))
    assert refused and len(conversions) == 2
    assert "converted again" in caplog.text


def test_only_whole_conversions_are_left_in_the_folder(light, weights) -> None:
    need("openvino")
    ConvertedNetwork(light, LIGHT, weights).prepare((64, 64))
    assert sorted(path.suffix for path in converted.folder().iterdir()) == [".bin", ".json", ".xml"]


def test_a_folder_that_cannot_be_written_to_is_done_without(light, weights, private_home, caplog) -> None:
    need("openvino")
    private_home.mkdir(parents=True)
    (private_home / "converted").write_text("a file where the folder would be")
    network = ConvertedNetwork(light, LIGHT, weights)
    assert_same(network, light, pictures(1, 64, 64))
    assert "not kept" in caplog.text


@pytest.mark.slow
def test_conversions_that_were_not_used_for_longest_make_room(light, weights, monkeypatch) -> None:
    need("openvino")
    monkeypatch.setattr(converted, "KEPT_BYTES", 1)
    monkeypatch.setattr(converted, "LOADED", 1)
    network = ConvertedNetwork(light, LIGHT, weights)
    for size in ((64, 64), (64, 96)):
        network.prepare(size)
    assert network.is_ready((64, 96)) and not network.is_ready((64, 64))


@pytest.mark.slow
def test_threads_share_a_network(light, weights, monkeypatch) -> None:
    need("openvino")
    monkeypatch.setattr(converted, "LOADED", 2)
    network = ConvertedNetwork(light, LIGHT, weights)
    sizes = [(64, 64), (64, 96), (96, 64)]
    inputs = [pictures(1, *sizes[index % 3]) + 0.05 * index for index in range(12)]
    with torch.inference_mode():
        expected = [light(x).d0 for x in inputs]
    results: dict[int, torch.Tensor] = {}

    def work(start: int) -> None:
        for index in range(start, 12, 4):
            results[index] = network(inputs[index])

    workers = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 12
    for index, result in results.items():
        torch.testing.assert_close(result, expected[index], atol=1e-3, rtol=1e-3)


def test_bfloat16_stays_near(light, weights) -> None:
    need("openvino")
    network = ConvertedNetwork(light, LIGHT, weights, precision="bfloat16")
    x = pictures(1, 64, 96)
    with torch.inference_mode():
        difference = torch.sigmoid(network(x)) - torch.sigmoid(light(x).d0)
    assert difference.abs().mean() < 0.02


@pytest.mark.parametrize("module", ["openvino", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_named_with_its_extra(light, weights, module, monkeypatch) -> None:
    backend = "openvino" if module == "openvino" else "onnxruntime"
    if module == "onnxscript":
        need("onnxruntime")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "transparent-background\[{backend}\]"'):
        ConvertedNetwork(light, LIGHT, weights, backend)


def test_openvino_is_used_without_its_reports_to_its_maker() -> None:
    need("openvino")
    code = """
import sys
from transparent_background.backends.runtimes import find_runtime
find_runtime("openvino").version()
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_wrong_arguments_are_named(light, weights) -> None:
    need("openvino")
    with pytest.raises(UsageError, match=r"backend='tvm'.*openvino"):
        ConvertedNetwork(light, LIGHT, weights, "tvm")
    with pytest.raises(UsageError, match="multiples of 32"):
        ConvertedNetwork(light, LIGHT, weights)(noise(1, 3, 64, 65))


def test_a_runtime_that_computes_something_else_is_refused(light, weights, monkeypatch) -> None:
    need("openvino")
    other = Graph.forward
    monkeypatch.setattr(Graph, "forward", lambda self, *inputs: other(self, *inputs) + 0.1)
    network = ConvertedNetwork(light, LIGHT, weights)
    with pytest.raises(DeviceError, match=r"openvino .* does not give this network's numbers"):
        network.prepare((64, 64))
    assert not network.is_ready((64, 64))


def test_the_converted_graph_is_pytorchs_function(light) -> None:
    graph = Graph(light, (96, 160), (64, 64))
    inputs = (pictures(2, 96, 160), pictures(2, 64, 64))
    with torch.inference_mode():
        torch.testing.assert_close(graph(*inputs), light(*inputs).d0, atol=1e-4, rtol=1e-4)
