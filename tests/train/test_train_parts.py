"""The parts of training by themselves: configuration, samples, augmentations, losses, schedule."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from PIL import Image

from transparent_background.errors import CheckpointError, ConfigError, DataSetError
from transparent_background.media.pairs import check_pairs, find_pairs, read_pair
from transparent_background.model import create_backbone
from transparent_background.model.pyramid import Pyramid
from transparent_background.train import building
from transparent_background.train.augment import Augmenter
from transparent_background.train.building import build_network, choose_precision
from transparent_background.train.config import (
    AugmentConfig,
    LossConfig,
    ModelConfig,
    ScheduleConfig,
    load_config,
)
from transparent_background.train.losses import local_mean, matte_loss, pyramid_loss, structure_loss
from transparent_background.train.reading import bundled_configs
from transparent_background.train.samples import Stream, batch_sizes
from transparent_background.train.validating import QuickScores


def test_the_research_recipe_is_the_papers() -> None:
    config = load_config("swin_b_384")
    assert (config.optimiser.name, config.optimiser.lr) == ("adam", 1e-5)
    assert config.optimiser.head_lr_factor == 10  # of its trainer, run/Train.py
    assert (config.schedule.kind, config.schedule.power) == ("poly", 0.9)
    assert (config.schedule.warmup, config.schedule.minimum) == (12_000, 1e-7)
    assert (config.data.batch_size, config.schedule.epochs) == (6, 60)
    assert (config.augment.scale, config.augment.rotate) == ((0.75, 1.25), 10)
    assert (config.loss.edge, config.loss.window, config.loss.consistency) == (5, 31, 1e-4)
    assert load_config("swin_b_1024").model.base_size == (1024, 1024)
    assert load_config("res2net50_384").model.backbone == "res2net50d"


@pytest.mark.parametrize("name", bundled_configs())
def test_bundled_configurations_are_valid(name) -> None:
    config = load_config(name)
    assert config.data.train
    with torch.device("meta"):
        assert create_backbone(config.model.backbone, config.model.backbone_options).channels


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("optimiser.rate=1", r"optimiser\.rate: unknown key; known are .*lr"),
        ("optimiser.lr=fast", r"optimiser\.lr: expected a number, not 'fast'"),
        ("data.batch_size=2.5", r"data\.batch_size: expected a whole number"),
        ("data.cache=1", r"data\.cache: expected true or false"),
        ("data.sizes=[100]", r"data\.sizes: must be multiples of 32"),
        ("model.base_size=[64]", r"model\.base_size: expected 2 values"),
        ("schedule.kind=linear", r"schedule\.kind: 'linear' is none of poly, cosine, constant"),
        ("data.train=[]", r"data\.train: needs at least one set"),
        ("data.train.0.paste=0.5", r"data\.backgrounds: is needed"),
        ("data.empty=0.1", r"data\.backgrounds: is needed"),
        ("data.train.0.matte=true", r"matte: true needs paste: 1"),
        ("augment.veil_chance=0.1", r"augment\.veil_chance: is for pasted cut-outs"),
        ("data.train.7.weight=2", "the list has 1 entries"),
        ("loss.distil=1", r"loss\.distil: goes with loss\.teacher"),
        ("schedule.steps=-1", r"schedule\.steps: must be above 0"),
        ("augment.flip_chance=7", r"augment\.flip_chance: must be less than or equal to 1"),
        ("augment.scale=[1.2, 0.5]", r"augment\.scale: .*the smaller first"),
        ("optimiser.clip=-1", r"optimiser\.clip: must be above 0"),
        ("nonsense", "a change is written key=value"),
    ],
)
def test_mistakes_in_a_configuration_are_named(change, words) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config("swin_b_384", [change])


def test_changes_reach_into_lists_and_take_plain_exponents() -> None:
    config = load_config("lite", ["data.train.1.weight=3", "optimiser.lr=1e-4"])
    assert config.data.train[1].weight == 3
    assert config.optimiser.lr == 1e-4


def test_a_data_folder_may_be_called_like_a_configuration(tmp_path, monkeypatch) -> None:
    (tmp_path / "lanes").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_config("lanes").model.name == "lanes"


def test_a_missing_configuration_names_those_there_are(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"the package has: .*lite"):
        load_config(tmp_path / "no.yaml")


def test_problems_of_a_data_set_are_listed(tmp_path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    picture = Image.new("RGB", (20, 10))
    for name in ("a", "b", "c"):
        picture.save(tmp_path / "images" / f"{name}.png")
    Image.new("L", (20, 10)).save(tmp_path / "masks" / "a.png")
    with pytest.raises(DataSetError, match=r"no mask for b\.png; no mask for c\.png"):
        find_pairs(tmp_path)
    Image.new("L", (10, 20)).save(tmp_path / "masks" / "b.png")
    (tmp_path / "masks" / "c.png").write_bytes(b"not a picture")
    with pytest.raises(DataSetError, match=r"b\.png is 20 x 10, its mask 10 x 20; c\.png cannot be read"):
        check_pairs(tmp_path, find_pairs(tmp_path))


def save_pair(folder, image: Image.Image, mask: Image.Image, suffix: str = "jpg", **options) -> None:
    for name, picture, ending in (("images", image, suffix), ("masks", mask, "png")):
        (folder / name).mkdir(exist_ok=True, parents=True)
        picture.save(folder / name / f"a.{ending}", **(options if name == "images" else {}))


def test_half_a_picture_is_found_before_the_first_step(tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    save_pair(tmp_path, Image.fromarray(noise), Image.new("L", (80, 60), 255))
    path = tmp_path / "images" / "a.jpg"
    check_pairs(tmp_path, find_pairs(tmp_path))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataSetError, match=r"a\.jpg cannot be read"):
        check_pairs(tmp_path, find_pairs(tmp_path))


def test_a_mask_of_class_numbers_is_no_mask(tmp_path) -> None:
    save_pair(tmp_path, Image.new("RGB", (80, 60)), Image.new("L", (80, 60), 1))
    with pytest.raises(DataSetError, match=r"a\.png has no white \(its largest value is 1 of 255\)"):
        check_pairs(tmp_path, find_pairs(tmp_path))


def test_pictures_are_turned_upright_and_deep_masks_are_scaled(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    ramp = np.linspace(0, 65535, 40 * 60).astype(np.uint16).reshape(40, 60)
    save_pair(tmp_path, Image.new("RGB", (40, 60), "red"), Image.fromarray(ramp), exif=exif)
    (pair,) = find_pairs(tmp_path)
    check_pairs(tmp_path, [pair])
    image, mask = read_pair(pair)
    assert image.shape == (40, 60, 3)
    np.testing.assert_array_equal(mask, np.rint(ramp / 257))


def stream(**options) -> Stream:
    return Stream(np.array([1.0, 1.0, 2.0, 0.5]), 2, [(64, 64), (96, 96)], 7, **options)


def test_an_epoch_shows_pictures_as_often_as_they_weigh() -> None:
    counts = sum(np.bincount(stream().epoch(number), minlength=4) for number in range(200))
    assert list(counts[:3]) == [200, 200, 400]
    assert 70 < counts[3] < 130


def test_a_stream_goes_on_where_it_was_left() -> None:
    whole = list(itertools.islice(stream().batches(), 12))
    rest = list(itertools.islice(stream().batches(5), 7))
    assert whole[5:] == rest
    assert len({draw.size for batch in whole for draw in batch}) == 2
    assert all(len({draw.size for draw in batch}) == 1 for batch in whole)


def test_processes_share_the_stream_without_overlap() -> None:
    shares = [list(itertools.islice(stream(rank=rank, world=2).batches(), 6)) for rank in (0, 1)]
    positions = [draw.position for share in shares for batch in share for draw in batch]
    assert sorted(positions) == list(range(24))
    # both take the same size at a step, so that none waits for the other
    assert [batch[0].size for batch in shares[0]] == [batch[0].size for batch in shares[1]]


def test_batches_have_the_shape_of_the_base_size() -> None:
    config = load_config("lanes", ["data.sizes=[160, 352]"])
    assert batch_sizes(config) == [(160, 256), (352, 576)]


def test_geometry_moves_picture_and_mask_alike() -> None:
    mask = np.zeros((60, 90), np.float32)
    mask[15:40, 30:70] = 1
    image = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    augmenter = Augmenter(AugmentConfig(aspect=1.3, shift=1.0, scale_chance=1, rotate_chance=1))
    moved = 0
    for seed in range(20):
        picture, layer = augmenter.geometry(image, mask, (64, 96), np.random.default_rng(seed))
        assert picture.shape == (64, 96, 3)
        assert layer.shape == (64, 96)
        assert np.abs(picture[..., 0] / 255 - layer).max() < 0.02
        moved += not np.array_equal(layer > 0.5, np.array(Image.fromarray(mask).resize((96, 64))) > 0.5)
    assert moved == 20


def test_augmentation_follows_from_the_generator_alone() -> None:
    augmenter = Augmenter(AugmentConfig(colour_chance=1, degrade_chance=1))
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    results = [augmenter.appearance(image, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_the_matte_loss_counts_what_is_softer_or_harder_than_the_target() -> None:
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    same, hard = torch.logit(ramp, eps=1e-6), torch.where(ramp > 0.5, 20.0, -20.0)
    assert matte_loss(same, ramp) < 1e-4
    # |p - y| is 1/4 on average; a row's differences change by its own 1/31 but at the step of 30/31
    expected = (ramp - (ramp > 0.5).float()).abs().mean() + (30 / 31 + 30 / 31) / 31
    assert matte_loss(hard, ramp).item() == pytest.approx(expected.item(), rel=1e-3)
    pyramid = Pyramid(*(torch.zeros(1, 1, 32 // s, 32 // s) for s in (8, 4, 2, 1, 4, 2, 1)))
    plain, _ = pyramid_loss(pyramid, ramp, LossConfig())
    loss, terms = pyramid_loss(pyramid, ramp, LossConfig(matte=2.0))
    assert (loss - plain).item() == pytest.approx(2 * terms["matte"].item(), rel=1e-4)


@pytest.mark.parametrize(("units", "chosen"), [({"amx_bf16": True}, "bf16"), ({"avx2": True}, "no")])
def test_the_precision_is_what_the_processor_has(units, chosen, monkeypatch) -> None:
    monkeypatch.setattr(building, "choose_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units, raising=False)
    assert choose_precision("auto") == chosen
    assert choose_precision("fp16") == "fp16"


def test_the_local_mean_counts_zeros_outside() -> None:
    mask = torch.zeros(1, 1, 9, 9)
    mask[..., :3, :3] = 1
    mean = local_mean(mask, 5)[0, 0]
    assert mean[0, 0] == pytest.approx(9 / 25)
    assert mean[4, 4] == pytest.approx(1 / 25)


def test_the_structure_loss_by_its_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 6, 7, generator=generator)
    target = (torch.rand(2, 1, 6, 7, generator=generator) > 0.5).float()
    total = 0.0
    for b in range(2):
        padded = np.pad(target[b, 0].numpy(), 1)
        entropy = weights = both = either = 0.0
        for y, x in np.ndindex(6, 7):
            t, z = float(target[b, 0, y, x]), float(logits[b, 0, y, x])
            weight = 1 + 5 * abs(padded[y : y + 3, x : x + 3].sum() / 9 - t)
            p = 1 / (1 + math.exp(-z))
            entropy -= weight * (t * math.log(p) + (1 - t) * math.log(1 - p))
            weights += weight
            both += weight * p * t
            either += weight * (p + t - p * t)
        total += entropy / weights + 1 - (both + 1) / (either + 1)
    assert structure_loss(logits, target, LossConfig(window=3)).item() == pytest.approx(total / 2, rel=1e-5)


def test_a_level_counts_as_if_it_were_brought_to_full_size() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 9, 7, generator=generator, requires_grad=True)
    target = torch.rand(2, 1, 9, 7, generator=generator)
    small = structure_loss(logits, target, LossConfig(window=5), scale=4)
    full = [torch.nn.functional.interpolate(x, scale_factor=4, mode="nearest") for x in (logits, target)]
    large = structure_loss(*full, LossConfig(window=5))
    torch.testing.assert_close(small, large)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (small, large)]
    torch.testing.assert_close(*gradients)


def make_pyramid(scale: float = 1.0) -> Pyramid:
    sizes = (8, 16, 32, 64)
    d3, d2, d1, d0 = (torch.full((1, 1, size, size), scale, requires_grad=True) for size in sizes)
    return Pyramid(d3, d2, d1, d0, d2, d1, d0)


def test_consistency_is_the_distance_to_the_finer_level_which_is_held() -> None:
    pyramid = make_pyramid()
    with torch.no_grad():
        pyramid.d2.add_(0.5)  # half a logit from its neighbours on both sides
    target = torch.zeros(1, 1, 64, 64)
    loss, terms = pyramid_loss(pyramid, target, LossConfig(iou=0, edge=0, consistency=1.0))
    assert terms["consistency"].item() == pytest.approx(1.0, abs=1e-5)
    plain, _ = pyramid_loss(pyramid, target, LossConfig(iou=0, edge=0, consistency=0.0))
    assert (loss - plain).item() == pytest.approx(1.0, abs=1e-5)
    (loss - plain).backward()
    assert pyramid.d3.grad.abs().sum() > 0  # the coarse level is drawn to the fine one
    assert pyramid.d0.grad is None or pyramid.d0.grad.abs().max() < 1e-9


def test_every_level_counts_alike() -> None:
    _, terms = pyramid_loss(make_pyramid(), torch.zeros(1, 1, 64, 64), LossConfig())
    values = [terms[name].item() for name in ("d0", "d1", "d2", "d3")]
    assert values == pytest.approx([values[0]] * 4, rel=1e-5)


def test_the_rate_warms_up_and_decays_to_the_minimum() -> None:
    poly = ScheduleConfig(warmup=100, minimum=1e-7, kind="poly", power=0.9)
    rates = [poly.rate(step, 1000, 1e-5) for step in range(1001)]
    assert rates[0] == rates[-1] == pytest.approx(1e-7)
    assert max(rates) == rates[100]
    assert rates[500] == pytest.approx(1e-7 + (1e-5 - 1e-7) * 0.5**0.9)
    cosine = ScheduleConfig(warmup=0, minimum=0, kind="cosine")
    assert cosine.rate(250, 1000, 1.0) == pytest.approx(0.5 * (1 + math.sqrt(0.5)))


def test_quick_scores_are_those_of_the_evaluation() -> None:
    from transparent_background.evaluate.metrics import Evaluator

    rng = np.random.default_rng(5)
    quick, full = QuickScores(), Evaluator()
    for _ in range(3):
        mask = np.zeros((40, 50), np.float32)
        mask[10:30, 12:38] = 1
        matte = np.clip(0.6 * mask + 0.4 * rng.random(mask.shape), 0, 1).astype(np.float32)
        quick.step(matte, mask)
        full.step(matte, mask)
    empty = np.zeros((40, 50), np.float32)
    quick.step(empty, empty)  # says nothing of F and IoU
    full.step(empty, empty)
    for name, value in quick.results().items():
        assert value == pytest.approx(full.results()[name], abs=2e-3), name


def test_what_is_no_number_is_wrong() -> None:
    quick = QuickScores()
    mask = np.zeros((8, 8), np.float32)
    mask[:4] = 1
    quick.step(np.full((8, 8), np.nan, np.float32), mask)
    assert quick.results()["mae"] == 1
    assert quick.results()["iou"] == 0


def test_backbone_weights_of_a_classifier_fit_and_others_do_not(tmp_path) -> None:
    import timm
    from safetensors.torch import save_file

    state = timm.create_model("mobilenetv2_100", num_classes=3).state_dict()
    path = tmp_path / "classifier.safetensors"
    save_file(state, path)
    config = ModelConfig(
        backbone="mobilenetv2_100", backbone_weights=str(path), head="light", depth=16, base_size=(64, 64)
    )
    network = build_network(config)
    assert torch.equal(network.backbone.state_dict()["conv_stem.weight"], state["conv_stem.weight"])
    del state["conv_stem.weight"]
    save_file(state, path)
    with pytest.raises(CheckpointError, match=r"lacks 1 weights of the backbone, such as conv_stem\.weight"):
        build_network(config)


def test_freezing_what_is_not_there_is_a_mistake() -> None:
    config = ModelConfig(backbone="mobilenetv2_100", backbone_weights=None, depth=16, freeze=["neck"])
    with pytest.raises(ConfigError, match="no part 'neck'"):
        build_network(config)
