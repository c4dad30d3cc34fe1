"""The calls that public programs written for 1.3.4 make: nodes of ComfyUI, scripts, web interfaces.

Numbers named as those of 1.3.4 were compared with that package, with seeded weights in the published format.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from reference_weights import DATA, published_state_dict
from torch.nn import functional

import transparent_background
from transparent_background import Remover
from transparent_background.checkpoints.registry import CHECKPOINTS
from transparent_background.checkpoints.user_config import read_user_config
from transparent_background.compat.modules import MODULES, NAMES
from transparent_background.errors import InputError, UsageError

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])

pytestmark = pytest.mark.filterwarnings("ignore:.*since transparent-background 2:DeprecationWarning")


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover("lite", device="cpu")


def names_of(module: str) -> list[str]:
    return [f"{module}:{name}" for name in MODULES[module]]


FROM_PACKAGE = "from transparent_background import Remover as A"
FROM_MODULE = "from transparent_background.Remover import Remover as B"
IMPORTED = "import sys, transparent_background.Remover"


@pytest.mark.parametrize(
    "order",
    [
        f"{FROM_PACKAGE}\n{FROM_MODULE}",
        f"{FROM_MODULE}\n{FROM_PACKAGE}",
        f"{IMPORTED}\n{FROM_PACKAGE}\nB = transparent_background.Remover",
        f"import transparent_background.Remover as B\n{FROM_PACKAGE}",
        f"{IMPORTED}\n{FROM_MODULE}\nA = sys.modules['transparent_background.Remover'].Remover",
    ],
)
def test_the_class_and_the_module_of_its_name_come_in_any_order(order) -> None:
    code = f"{order}\nassert A is B and isinstance(A, type), (A, B)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", [*names_of("Remover"), *names_of("utils"), *names_of("InSPyReNet"), *names_of("gui")]
)
def test_every_name_is_there_and_says_what_to_use(name) -> None:
    module, _, attribute = name.partition(":")
    if attribute == "dynamic_resize_a":
        pytest.importorskip("albumentations")
    with pytest.warns(DeprecationWarning, match=rf"{module}\.{attribute} is deprecated .*; use ") as caught:
        exec(f"from transparent_background.{module} import {attribute}", {})
    assert caught[0].filename == "<string>"  # the program's own line, not one of ours


@pytest.mark.parametrize("name", NAMES)
def test_the_package_has_its_functions(name) -> None:
    with pytest.warns(DeprecationWarning, match=f"transparent_background.{name} is deprecated"):
        assert callable(getattr(transparent_background, name))


def test_modules_can_be_had_from_the_package_and_looked_through() -> None:
    from transparent_background import utils

    assert utils is sys.modules["transparent_background.utils"]
    assert not hasattr(utils, "download_and_unzip")  # it ran a shell
    assert not hasattr(utils, "__path__")
    star: dict[str, object] = {}
    pytest.importorskip("albumentations")
    exec("from transparent_background.utils import *", star)
    assert {"dynamic_resize", "tonumpy", "IMG_EXTS"} <= set(star)


def test_a_node_that_runs_the_network_itself_gets_its_matte(remover) -> None:
    picture = (
        Image.open(Path(__file__).parents[2] / "samples" / "astronaut.jpg").convert("RGB").resize((300, 200))
    )
    x = remover.transform(picture).unsqueeze(0).to(remover.device)
    with torch.no_grad():
        pred = remover.model(x)
    pred = functional.interpolate(pred, picture.size[::-1], mode="bilinear", align_corners=True)
    static = Remover("lite", device="cpu", resize="static").alpha(picture)
    assert np.abs(pred.numpy().squeeze() - static).max() < 0.01


def test_a_batch_is_stretched_as_a_whole(remover) -> None:
    """As in 1.3.4; ``process`` stretches every picture by itself."""
    generator = torch.Generator().manual_seed(0)
    batch = torch.rand(2, 3, 64, 64, generator=generator)
    batch[1] *= 0.1
    with torch.no_grad():
        pred = remover.model(batch)
        logits = remover.model.forward_inspyre(batch)["saliency"][-1]
    chance = torch.sigmoid(logits)
    expected = (chance - chance.min()) / (chance.max() - chance.min() + 1e-8)
    if remover.normalisation == "minmax":
        assert torch.allclose(pred, expected, atol=1e-6)
        assert not torch.isclose(pred[1].max() - pred[1].min(), torch.tensor(1.0))
    else:
        assert torch.allclose(pred, chance)


def test_the_model_may_be_moved_without_harm(remover, photo) -> None:
    before = np.asarray(remover.process(photo))
    assert sum(weight.numel() for weight in remover.model.parameters()) > 1e6
    remover.model.to("meta")
    assert np.array_equal(np.asarray(remover.process(photo)), before)
    del vars(remover)["_former"]


def test_setting_an_attribute_warns_that_it_does_nothing(photo) -> None:
    remover = Remover("lite", device="cpu")
    with pytest.warns(DeprecationWarning, match=r"matting_fn has no effect any more.*foreground="):
        remover.matting_fn = None
    assert remover.matting_fn is None


def test_transforms_give_the_numbers_of_1_3_4(remover) -> None:
    array = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    height, width = remover.checkpoint.base_size
    small = np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    expected = ((small / 255 - MEAN) / STD).transpose(2, 0, 1)
    assert np.allclose(remover.transform(Image.fromarray(array)).numpy(), expected, atol=1e-6)
    rough = cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    given = remover.cv2_transform(image=array)["image"]
    assert np.allclose(given.numpy(), ((rough / 255 - MEAN) / STD).transpose(2, 0, 1), atol=1e-5)
    dynamic = Remover("lite", device="cpu", resize="dynamic")
    assert dynamic.transform(Image.new("RGB", (300, 200))).shape == (3, 192, 288)
    assert dynamic.transform(Image.new("RGB", (4000, 2000))).shape == (3, 1280, 2560)


def test_settings_and_background_have_their_keys(remover) -> None:
    assert remover.meta.base_size == remover.meta["base_size"] == [320, 320]
    assert set(remover.meta) == {"url", "md5", "ckpt_name", "http_proxy", "base_size"}
    assert remover.background == {"img": None, "name": None, "shape": None}


def test_the_estimate_takes_colours_and_a_matte(remover) -> None:
    matte = np.tile(np.linspace(0, 1, 64), (64, 1))
    colours = matte[..., None] * [1, 0, 0] + (1 - matte[..., None]) * [0, 1, 0]
    estimated = remover.matting_fn(colours, matte)
    assert estimated.shape == (64, 64, 3)
    assert estimated[:, 48:, 1].max() < 0.1  # the green behind is gone


def test_the_network_is_built_and_loaded_by_hand() -> None:
    """The expected matte is the published code's; see ``reference_weights``."""
    from transparent_background.InSPyReNet import InSPyReNet_SwinB

    model = InSPyReNet_SwinB(depth=64, pretrained=False, threshold=None, base_size=[384, 384], ckpt_name="x")
    model.eval()
    model.load_state_dict(published_state_dict("swinb"), strict=True)
    model = model.to("cpu")
    expected = np.load(DATA / "parity_256x320.npz")
    x = torch.from_numpy(((expected["image"] / np.float32(255) - MEAN) / STD).transpose(2, 0, 1)[None])
    with torch.no_grad():
        pred = model(x)
    np.testing.assert_allclose(pred[0, 0, ::8, ::8].numpy(), expected["swinb_pred"], atol=1e-4, rtol=0)
    keys = {key for key in published_state_dict("swinb") if not key.endswith("attn_mask")}
    assert set(model.state_dict()) == keys
    with pytest.raises(RuntimeError, match="weights missing"):
        model.load_state_dict({}, strict=True)
    with pytest.raises(UsageError, match="pretrained"):
        InSPyReNet_SwinB(pretrained=True)


def test_the_entry_point_works_through_a_source(tmp_path, photo, monkeypatch) -> None:
    from transparent_background.Remover import entry_point

    monkeypatch.chdir(tmp_path)
    photo.save("photo.png")
    entry_point("map", "lite", "cpu", None, "photo.png", "out", False, "0.5", "static", reverse=True)
    assert Path("out/photo_map_reverse.png").exists()
    Path("broken.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match="not all"):
        entry_point("rgba", "lite", "cpu", None, "broken.jpg", None, False, None, "static", flet_page=None)


def test_the_console_takes_the_process_arguments(tmp_path, photo, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    photo.save("photo.png")
    monkeypatch.setattr(sys, "argv", ["x", "--source", "photo.png", "--mode", "lite", "--device", "cpu"])
    assert transparent_background.console() == 0
    assert Path("photo_rgba.png").exists()


def test_loaders_and_small_functions(tmp_path, photo, monkeypatch) -> None:
    from transparent_background.Remover import to_base64

    from transparent_background import utils

    for name in ("b10.png", "b2.jpg", "notes.txt"):
        photo.save(tmp_path / name, format="PNG")
    loader = utils.ImageLoader(str(tmp_path))
    assert [(image.mode, name) for image, name in loader] == [("RGB", "b2.jpg"), ("RGB", "b10.png")]
    assert len(loader) == 2
    assert [utils.get_format(names) for names in (["a.JPG"], ["b.mp4"], ["a.jpg", "b.mp4"])] == [
        "Image",
        "Video",
        "",
    ]
    assert utils.get_backend().startswith(("cpu", "cuda:", "mps:"))
    monkeypatch.setattr(sys, "argv", ["x", "-s", "a.jpg", "-th", "0.3", "-R"])
    arguments = utils.parse_args()
    assert (arguments.source, arguments.threshold, arguments.reverse, arguments.mode) == (
        "a.jpg",
        "0.3",
        True,
        "base",
    )
    assert to_base64(photo).startswith("/9j/")


def test_the_published_config_is_there_and_changes_nothing() -> None:
    from transparent_background import utils

    path = Path(transparent_background.__file__).parent / "config.yaml"
    known = {record.name: record for record in CHECKPOINTS}
    read = read_user_config(path, known)
    assert read.keys() == {"base", "fast", "base-nightly"}
    assert all(read[name] == known[name] for name in read)
    assert utils.load_config(str(path))["base"].base_size == [1024, 1024]


def test_resizing_in_a_pipeline_of_albumentations() -> None:
    albumentations = pytest.importorskip("albumentations")
    from transparent_background.utils import dynamic_resize_a

    pipeline = albumentations.Compose([dynamic_resize_a(L=64)])
    for height, width in ((96, 160), (160, 96), (96, 96)):
        shape = pipeline(image=np.zeros((height, width, 3), np.uint8))["image"].shape
        assert min(shape[:2]) == 64
        assert shape[0] % 32 == shape[1] % 32 == 0
