"""Files for other programs: they hold PyTorch's function, say what they take, and are whole or not there."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import LIGHT, drawn, make_light, need, settle
from PIL import Image

from transparent_background.backends.checking import Difference, check, compare
from transparent_background.backends.export import export, export_sizes
from transparent_background.backends.graph import Graph
from transparent_background.backends.int8 import find_photos, import_nncf
from transparent_background.checkpoints import find
from transparent_background.cli import main
from transparent_background.errors import (
    DeviceError,
    MissingExtraError,
    OutputError,
    SourceNotFoundError,
    UsageError,
)
from transparent_background.model import (
    InSPyReNet,
    PyramidNetwork,
    create_backbone,
    fold_batch_norm,
    to_probability,
)
from transparent_background.model.input import normalise


@pytest.fixture(scope="module")
def light() -> PyramidNetwork:
    return make_light()


@torch.inference_mode()
def matte(network: PyramidNetwork, *images: torch.Tensor, stretch: bool = False) -> np.ndarray:
    return to_probability(network(*map(normalise, images)).d0, stretch=stretch).numpy()


def as_input(images: torch.Tensor) -> np.ndarray:
    return images.numpy().astype(np.float32) / 255


def test_an_openvino_file_takes_rgb_and_returns_mattes(light, tmp_path) -> None:
    openvino = need("openvino")
    report = export(light, LIGHT, tmp_path / "net", "openvino", (96, 128), (64, 64))
    assert report.path == tmp_path / "net.xml"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.bin", "net.xml"]
    assert report.difference < 1e-4
    assert [port.name for port in report.inputs] == ["image", "image_low_resolution"]
    core = openvino.Core()
    model = core.read_model(report.path)
    assert model.get_rt_info(["transparent_background", "size"]).astype(str) == "96x128"
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    large, small = drawn(3, 96, 128), drawn(3, 64, 64)
    result = compiled({"image": as_input(large), "image_low_resolution": as_input(small)})["alpha"]
    expected = matte(light, large, small, stretch=LIGHT.normalisation == "minmax")
    np.testing.assert_allclose(result, expected, atol=1e-4)
    for index in range(3):
        single = slice(index, index + 1)
        alone = compiled([as_input(large[single]), as_input(small[single])])[0]
        np.testing.assert_allclose(alone, result[single], atol=1e-4)


@pytest.mark.slow
def test_an_onnx_file_takes_rgb_and_returns_mattes(light, tmp_path) -> None:
    runtime = need("onnxruntime", "onnxscript")
    report = export(light, LIGHT, tmp_path / "net.onnx", "onnx", (64, 96))
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]  # weights are within
    assert b".py" not in report.path.read_bytes()  # no traces of where it was written
    session = runtime.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["mean"] == "[0.485, 0.456, 0.406]"
    assert [entry.shape[1:] for entry in session.get_inputs()] == [[3, 64, 96]]
    images = drawn(3, 64, 96)
    (result,) = session.run(["alpha"], {"image": as_input(images)})
    np.testing.assert_allclose(result, matte(light, images, stretch=True), atol=1e-4)
    for index in range(3):
        (alone,) = session.run(None, {"image": as_input(images[index : index + 1])})
        np.testing.assert_allclose(alone, result[index : index + 1], atol=1e-4)


@pytest.mark.slow
def test_openvino_reads_the_onnx_file_of_two_passes(light, tmp_path) -> None:
    """It would drop ONNX's antialiasing, which the light head's blend relies on."""
    openvino = need("openvino")
    need("onnxruntime", "onnxscript")
    report = export(light, LIGHT, tmp_path / "net.onnx", "onnx", (96, 160), (64, 64))
    compiled = openvino.Core().compile_model(report.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    large, small = drawn(1, 96, 160), drawn(1, 64, 64)
    result = compiled([as_input(large), as_input(small)])[0]
    np.testing.assert_allclose(result, matte(light, large, small, stretch=True), atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*torch.jit.load.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.load.*:DeprecationWarning")
def test_a_torchscript_file_takes_normalised_pictures_if_asked(light, tmp_path) -> None:
    report = export(light, LIGHT, tmp_path / "net.pt", "torchscript", (64, 64), raw=True)
    extra = {"transparent_background.json": ""}
    module = torch.jit.load(report.path, _extra_files=extra)
    assert json.loads(extra["transparent_background.json"])["output"] == "logits of the matte"
    x = normalise(drawn(2, 64, 64))
    with torch.inference_mode():
        torch.testing.assert_close(module(x), light(x).d0, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "backbone"),
    [("openvino", "swin_tiny_patch4_window7_224"), ("openvino", "res2net50d"), ("onnx", "mobilenetv2_100")],
)
def test_the_published_network_can_be_written(format, backbone, tmp_path) -> None:
    need("openvino", "onnxruntime", "onnxscript")
    torch.manual_seed(0)
    network = settle(InSPyReNet(create_backbone(backbone), depth=16, base_size=(64, 64)))
    report = export(fold_batch_norm(network), LIGHT, tmp_path / "net", format, (96, 128), (64, 64))
    assert report.mean_difference < 1e-4


@pytest.mark.slow
def test_half_takes_half_the_space_and_stays_near(light, tmp_path) -> None:
    need("openvino")
    full = export(light, LIGHT, tmp_path / "full.xml", "openvino", (64, 64))
    half = export(light, LIGHT, tmp_path / "half.xml", "openvino", (64, 64), half=True)
    sizes = [report.files[1].stat().st_size for report in (full, half)]
    assert sizes[1] < 0.6 * sizes[0]
    assert half.mean_difference < 0.01


@pytest.mark.slow
def test_half_takes_half_the_space_in_onnx(light, tmp_path) -> None:
    need("onnxruntime", "onnxscript")
    full = export(light, LIGHT, tmp_path / "full.onnx", "onnx", (64, 64))
    half = export(light, LIGHT, tmp_path / "half.onnx", "onnx", (64, 64), half=True)
    graph = full.bytes - 4 * sum(weight.numel() for weight in light.parameters())
    assert half.bytes - graph < 0.7 * (full.bytes - graph)
    assert half.mean_difference < 0.01


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """Drawn ones: noise would be outside the ranges of everything."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, photo in enumerate(drawn(6, 96, 128)):
        Image.fromarray(photo.permute(1, 2, 0).numpy()).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module", autouse=True)
def nncf_is_imported() -> None:
    """Import NNCF and what it imports, where it is installed: setuptools lengthens the path of imports."""
    if importlib.util.find_spec("nncf") and importlib.util.find_spec("openvino"):
        import_nncf()
        if importlib.util.find_spec("setuptools"):
            importlib.import_module("setuptools")


@pytest.mark.slow
@pytest.mark.parametrize("raw", [False, True])
def test_int8_is_calibrated_on_photos_and_says_how_far_it_is(light, photos, tmp_path, raw) -> None:
    openvino = need("openvino", "nncf")
    about = dataclasses.replace(LIGHT, normalisation="sigmoid")  # stretching blows rounding up
    full = export(light, about, tmp_path / "full.xml", "openvino", (96, 128), (64, 64), raw=raw)
    report = export(light, about, tmp_path / "net.xml", "openvino", (96, 128), (64, 64), raw=raw, int8=photos)
    assert report.metadata["arithmetic"].startswith("int8, calibrated on 6 photos by NNCF")
    assert report.compared_on == "6 of the 6 photos it was calibrated on"
    assert report.files[1].stat().st_size < 0.5 * full.files[1].stat().st_size
    assert "openvino_telemetry" not in sys.modules
    core = openvino.Core()
    model = core.read_model(report.path)
    assert {str(node.get_type_name()) for node in model.get_ops()} >= {"FakeQuantize"}
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    graph = Graph(light, (96, 128), (64, 64), finish=None if raw else "sigmoid")
    inputs = graph.take([np.array(Image.open(photo)) for photo in photos])
    assert [port.shape[0] for port in (*report.inputs, *report.outputs)] == [1, 1, 1]
    each = [compiled([x[i : i + 1].contiguous().numpy() for x in inputs])[0].copy() for i in range(6)]
    output = torch.from_numpy(np.concatenate(each))
    with torch.inference_mode():
        off = (graph.to_matte(output) - graph.reference(inputs)).abs()
    assert float(off.mean()) == pytest.approx(report.mean_difference, rel=0.01)
    assert float(off.max()) == pytest.approx(report.difference, rel=0.01)
    assert 0 < report.mean_difference < 0.01


def test_int8_that_spoils_the_network_is_refused() -> None:
    check(Difference(largest=0.9, mean=0.009, beyond=0.3), "int8", rounded=True)
    with pytest.raises(DeviceError, match=r"^int8 does not .* 0\.0110 in the mean; leave"):
        check(Difference(largest=0.9, mean=0.011, beyond=0.3), "int8", rounded=True)


def test_differences_of_photos_are_joined() -> None:
    class Copied:
        reference = staticmethod(lambda inputs: inputs[0])
        to_matte = staticmethod(lambda output: output)

    def off(x: np.ndarray) -> np.ndarray:
        return x + np.float32([[0.5, 0.0], [0.0, 0.0]] if x.mean() < 0.5 else [[0.1, 0.1], [0.0, 0.0]])

    pictures = [[torch.zeros(1, 1, 2, 2)], [torch.ones(1, 1, 2, 2)]]
    joined = compare(Copied(), off, pictures)
    expected = ((0.5, joined.largest), ((0.125 + 0.05) / 2, joined.mean), ((0.25 + 0.5) / 2, joined.beyond))
    assert all(found == pytest.approx(value, abs=1e-6) for value, found in expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["onnx", "--int8", "photos"], "int8 is for the format openvino, not onnx"),
        (["torchscript", "--int8", "photos"], "int8 is for the format openvino, not torchscript"),
        (["openvino", "--int8", "photos", "--half"], "leave --half out"),
        (["torchscript", "--half"], "leave --half out"),
    ],
)
def test_combinations_that_make_no_sense_are_refused_before_anything_is_read(
    arguments, words, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_FILE_PATH", str(tmp_path))  # where no weights are
    assert main(["export", *arguments, "--mode", "base", "--offline"]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_folder_without_photos_is_named(tmp_path) -> None:
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        find_photos(tmp_path / "nowhere")
    with pytest.raises(SourceNotFoundError, match=tmp_path.name):
        find_photos(tmp_path)


def test_missing_nncf_is_named(light, tmp_path, monkeypatch) -> None:
    need("openvino")
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match=r"nncf is not installed; run: pip install .*\[int8\]"):
        export(light, LIGHT, tmp_path / "net", "openvino", (64, 64), int8=[tmp_path / "photo.png"])


def test_a_file_that_is_another_function_is_not_left(light, tmp_path, monkeypatch) -> None:
    before = tmp_path / "net.pt"
    before.write_bytes(b"what was there")
    other = Graph.forward
    monkeypatch.setattr(Graph, "forward", lambda self, *inputs: 0.9 * other(self, *inputs))
    with pytest.raises(DeviceError, match=r"mattes differ from PyTorch's by up to 0\.1"):
        export(light, LIGHT, before, "torchscript", (64, 64))
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"what was there"]


def test_mistakes_are_named(light, tmp_path) -> None:
    with pytest.raises(UsageError, match="multiples of 32"):
        export(light, LIGHT, tmp_path / "a", "torchscript", (64, 70))
    with pytest.raises(UsageError, match=r"format 'tflite' is unknown; choose from onnx"):
        export(light, LIGHT, tmp_path / "a", "tflite", (64, 64))
    with pytest.raises(UsageError, match="half"):
        export(light, LIGHT, tmp_path / "a", "torchscript", (64, 64), half=True)
    with pytest.raises(OutputError, match="the folder does not exist"):
        export(light, LIGHT, tmp_path / "no" / "a", "torchscript", (64, 64))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(light, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"transparent-background\[onnxruntime\]"):
        export(light, LIGHT, tmp_path / "a.onnx", "onnx", (64, 64))


def test_sizes_follow_the_checkpoint() -> None:
    lite, base, zoo = find("lite"), find("base"), find("SwinB")
    assert export_sizes(lite) == ((448, 448), (320, 320))
    assert export_sizes(lite, "static") == ((320, 320), None)
    assert export_sizes(lite, "blend", (448, 672)) == ((448, 672), (320, 320))
    assert export_sizes(base) == ((1024, 1024), None)
    assert export_sizes(base, "dynamic", (640, 960)) == ((640, 960), None)
    assert export_sizes(zoo) == ((1280, 1280), (384, 384))
    with pytest.raises(UsageError, match="4/3 of the base size 384x384"):
        export_sizes(zoo, "blend", (512, 512))


@pytest.mark.slow
def test_the_command_writes_and_reports(tmp_path, monkeypatch, capsys) -> None:
    need("openvino")
    monkeypatch.chdir(tmp_path)
    arguments = ["export", "openvino", "--mode", "lite", "--resize", "static", "--size", "64x96"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "lite_96x64.xml" in out and "MB" in out
    assert "input  image (batch, 3, 96, 64)" in out and "output alpha (batch, 1, 96, 64)" in out
    assert main([*arguments, "-o", "other.xml", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["path"] == "other.xml"
    assert report["difference"] < 1 / 255
    assert report["metadata"]["name"] == "lite"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["onnx"], "--mode NAME or --ckpt FILE"),
        (["onnx", "--mode", "lite", "--size", "384"], "give width x height"),
        (["onnx", "--mode", "lite", "--size", "100x100"], "multiples of 32"),
        (["onnx", "--mode", "no such mode"], "choose from"),
    ],
)
def test_mistakes_of_the_command_are_one_line(arguments, words, capsys) -> None:
    assert main(["export", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_completion_knows_it(capsys) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert "openvino" in script and "--half" in script
