"""Metrics against values worked out independently: by hand, or by plain loops over pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from transparent_background.evaluate import boundary, matte
from transparent_background.evaluate.metrics import Evaluator, score_picture


def square(side: int = 12, low: int = 4, high: int = 8) -> np.ndarray:
    mask = np.zeros((side, side), np.float32)
    mask[low:high, low:high] = 1
    return mask


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    mask = np.zeros((30, 40), np.float32)
    mask[8:22, 10:30] = 1
    noise = rng.random(mask.shape).astype(np.float32)
    return (0.7 * mask + 0.3 * noise).astype(np.float32), mask


def test_mae_is_the_mean_difference() -> None:
    # 16 of 144 pixels are 0.25 away
    assert score_picture(0.75 * square(), square()).values["mae"] == pytest.approx(0.25 * 16 / 144)


def test_the_f_curve_by_counting_pixels(pair) -> None:
    prediction, mask = pair
    scores = score_picture(prediction, mask)
    truth = mask > 0.5
    for threshold in (40, 100, 200, 230):
        chosen = np.floor(prediction.astype(np.float64) * 255) >= threshold
        hits = sum(1 for a, b in zip(chosen.flat, truth.flat, strict=True) if a and b)
        precision, recall = hits / max(chosen.sum(), 1), hits / truth.sum()
        f = 1.3 * precision * recall / (0.3 * precision + recall) if hits else 0.0
        index = 255 - threshold
        assert scores.curves["precision"][index] == pytest.approx(precision)
        assert scores.curves["recall"][index] == pytest.approx(recall)
        assert scores.curves["f"][index] == pytest.approx(f)


def test_adaptive_f_cuts_at_twice_the_mean(pair) -> None:
    prediction, mask = pair
    chosen, truth = prediction >= min(2 * prediction.mean(), 1), mask > 0.5
    hits = (chosen & truth).sum()
    precision, recall = hits / chosen.sum(), hits / truth.sum()
    expected = 1.3 * precision * recall / (0.3 * precision + recall)
    assert score_picture(prediction, mask).values["adaptive_f"] == pytest.approx(expected)


def test_weighted_f_by_its_formula() -> None:
    # Margolin et al. 2014, section 5; inside the object the error is 0.3 everywhere, so that it does
    # not matter which of several nearest object pixels is taken
    mask = square(20, 6, 13)
    prediction = np.where(mask > 0, 0.7, 0.0)
    prediction[2:5, 3:9] = 0.9
    truth = mask > 0.5
    error = np.abs(prediction - mask)
    near = np.argwhere(truth)
    distance = np.array(
        [[min(math.hypot(y - a, x - b) for a, b in near) for x in range(20)] for y in range(20)]
    )
    spread = np.where(truth, error, 0.3)
    offsets = range(-3, 4)
    kernel = np.array([[math.exp(-(y * y + x * x) / 50) for x in offsets] for y in offsets])
    kernel /= kernel.sum()
    padded = np.pad(spread, 3)
    blurred = np.array(
        [[(padded[y : y + 7, x : x + 7] * kernel).sum() for x in range(20)] for y in range(20)]
    )
    lowest = np.where(truth & (blurred < error), blurred, error)
    importance = np.where(truth, 1.0, 2 - 0.5 ** (distance / 5))
    weighted = lowest * importance
    recall = 1 - weighted[truth].mean()
    hits = truth.sum() - weighted[truth].sum()
    precision = hits / (hits + weighted[~truth].sum())
    expected = 2 * recall * precision / (recall + precision)
    values = score_picture(prediction.astype(np.float32), mask).values
    assert values["weighted_f"] == pytest.approx(expected, abs=1e-6)


def test_s_measure_by_its_formula(pair) -> None:
    # Fan et al. 2017, equations 1 to 9, written out for this picture
    prediction, mask = (layer.astype(np.float64) for layer in pair)
    truth = mask > 0.5

    def part(x: np.ndarray) -> float:
        return 2 * x.mean() / (x.mean() ** 2 + 1 + x.std(ddof=1))

    share = truth.mean()
    objects = share * part(prediction[truth]) + (1 - share) * part(1 - prediction[~truth])
    rows, columns = np.nonzero(truth)
    y, x = round(rows.mean()) + 1, round(columns.mean()) + 1
    regions = 0.0
    for window in (np.s_[:y, :x], np.s_[:y, x:], np.s_[y:, :x], np.s_[y:, x:]):
        a, b = prediction[window], mask[window]
        n = a.size
        ma, mb = a.mean(), b.mean()
        va, vb = ((a - ma) ** 2).sum() / (n - 1), ((b - mb) ** 2).sum() / (n - 1)
        vab = ((a - ma) * (b - mb)).sum() / (n - 1)
        upper, lower = 4 * ma * mb * vab, (ma**2 + mb**2) * (va + vb)
        similarity = upper / lower if upper else float(lower == 0)
        regions += similarity * n / mask.size
    expected = (objects + regions) / 2
    assert score_picture(*pair).values["s_measure"] == pytest.approx(expected, abs=1e-6)


def test_e_measure_at_one_threshold_by_its_formula(pair) -> None:
    # Fan et al. 2018, equations 2 to 4; PySODMetrics divides by the pixels less one
    prediction, mask = (layer.astype(np.float64) for layer in pair)
    threshold = 150
    chosen = (np.floor(prediction * 255) >= threshold).astype(float)
    a, b = chosen - chosen.mean(), mask - mask.mean()
    alignment = 2 * a * b / (a**2 + b**2)
    expected = ((alignment + 1) ** 2 / 4).sum() / (mask.size - 1)
    assert score_picture(*pair).curves["e"][255 - threshold] == pytest.approx(expected, abs=1e-6)


def test_iou_counts_pixels_over_a_half() -> None:
    mask = square()
    prediction = np.roll(mask, 1, axis=0) * 0.6  # 12 pixels in common, 20 in all
    assert score_picture(prediction, mask).values["iou"] == pytest.approx(12 / 20)


def test_mba_counts_right_pixels_in_bands_around_the_edge() -> None:
    # a picture of 300 + 300 pixels: m = 2, so all radii are 1 + int(i / 5) = 1
    mask = np.zeros((300, 300), bool)
    mask[100:200, 100:200] = True
    prediction = np.zeros_like(mask)
    prediction[100:200, 100:199] = True
    # the disk of radius 1 is a cross: the band is the 4 * 100 pixels outside and the 4 * 99 inside
    assert boundary.mean_boundary_accuracy(prediction, mask) == pytest.approx((796 - 100) / 796)


def test_mba_takes_wider_bands_in_larger_pictures() -> None:
    mask = np.zeros((900, 900), bool)
    mask[300:600, 300:600] = True
    prediction = np.zeros_like(mask)
    prediction[302:598, 302:598] = True
    total = 0.0
    for radius in (1, 2, 3, 4, 5):  # m = 6: 1 + int(5 i / 5)
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        band = cv2.dilate(mask.astype(np.uint8), disk) != cv2.erode(mask.astype(np.uint8), disk)
        total += np.mean((prediction == mask)[band])
    assert boundary.mean_boundary_accuracy(prediction, mask) == pytest.approx(total / 5)


def test_boundary_iou_compares_inner_edges() -> None:
    # the diagonal of 30 x 40 is 50: edges are one pixel wide
    mask, prediction = np.zeros((30, 40), bool), np.zeros((30, 40), bool)
    mask[5:15, 5:15] = prediction[5:15, 5:16] = True
    # edges of 36 and 38 pixels; in common: the left 10 and 9 more of the top and bottom rows each
    assert boundary.boundary_iou(prediction, mask) == pytest.approx(28 / (36 + 38 - 28))


def test_an_edge_at_the_pictures_border_is_an_edge() -> None:
    # the diagonal of 60 x 80 is 100: edges are two pixels wide
    mask = np.zeros((60, 80), bool)
    mask[:20, :30] = True
    # a frame of two pixels within 20 x 30; without the picture's border it would be an L
    assert boundary._inner_edge(mask, 2).sum() == 20 * 30 - 16 * 26
    assert boundary.boundary_iou(mask, mask) == 1


def test_sad_and_mse_of_soft_mattes() -> None:
    truth = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    worse = np.clip(truth + np.float32(0.1), 0, 1)
    difference = [abs(float(a) - float(b)) for a, b in zip(worse.flat, truth.flat, strict=True)]
    assert matte.sad(worse, truth) == pytest.approx(sum(difference) / 1000)
    assert matte.mse(worse, truth) == pytest.approx(sum(d * d for d in difference) / 100)


def test_the_gradient_error_by_convolving_by_hand() -> None:
    truth = square(40, 12, 28)
    worse = cv2.GaussianBlur(truth, (0, 0), 2.0)
    half = 4  # where the Gaussian of sigma 1.4 has fallen below 0.01

    def gauss(x: float) -> float:
        return math.exp(-x * x / (2 * 1.4**2)) / (1.4 * math.sqrt(2 * math.pi))

    offsets = range(-half, half + 1)
    kernel = np.array([[gauss(y) * x * gauss(x) / 1.4**2 for x in offsets] for y in offsets])
    kernel /= math.sqrt((kernel**2).sum())

    def gradient(image: np.ndarray) -> np.ndarray:
        padded = np.pad(image.astype(np.float64), half, mode="edge")
        result = np.zeros_like(image, np.float64)
        for y, x in np.ndindex(image.shape):
            window = padded[y : y + 2 * half + 1, x : x + 2 * half + 1]
            result[y, x] = math.hypot((window * kernel).sum(), (window * kernel.T).sum())
        return result

    expected = ((gradient(worse) - gradient(truth)) ** 2).sum() / 1000
    assert matte.gradient_error(worse, truth) == pytest.approx(expected, rel=1e-6)


def test_connectivity_counts_what_hangs_apart() -> None:
    truth = square(20, 4, 12)
    worse = truth.copy()
    worse[16:18, 16:18] = 0.5
    # the island joins the object at no height: its connectedness is 1 - 0.5 against 1 - 0, and four
    # pixels of it make a difference of 0.5 each
    assert matte.connectivity_error(worse, truth) == pytest.approx(4 * 0.5 / 1000)
    assert matte.connectivity_error(truth, truth) == 0
    worse[16:18, 16:18] = 0.1  # less than 0.15 above the height where it falls off: no difference
    assert matte.connectivity_error(worse, truth) == 0
    worse[16:18, 16:18] = 0.2
    assert matte.connectivity_error(worse, truth) == pytest.approx(4 * 0.2 / 1000)


def test_errors_within_two_parts_are_those_of_the_whole() -> None:
    truth = cv2.GaussianBlur(square(40, 12, 28), (0, 0), 2.0)
    worse = np.clip(truth + np.linspace(-0.4, 0.4, 40, dtype=np.float32), 0, 1)
    left = np.zeros(truth.shape, bool)
    left[:, :15] = True
    for error in (matte.sad, matte.gradient_error, matte.connectivity_error):
        parts = error(worse, truth, left), error(worse, truth, ~left)
        assert min(parts) > 0 and sum(parts) == pytest.approx(error(worse, truth))
    assert matte.mse(worse, truth, left) == pytest.approx(matte.mse(worse[:, :15], truth[:, :15]))
    assert math.isnan(matte.mse(worse, truth, np.zeros(truth.shape, bool)))


def test_a_perfect_matte_scores_perfectly() -> None:
    values = score_picture(square(64, 20, 40), square(64, 20, 40), soft=True).values
    for name in ("s_measure", "max_f", "weighted_f", "iou", "mba", "boundary_iou"):
        assert values[name] == pytest.approx(1, abs=1e-3), name
    for name in ("mae", "sad", "mse", "gradient", "connectivity"):
        assert values[name] == pytest.approx(0, abs=1e-9), name


def test_stretching_makes_a_faint_matte_full() -> None:
    faint = 0.2 * square()
    assert score_picture(faint, square(), stretch=True).values["mae"] == pytest.approx(0, abs=1e-6)
    assert score_picture(faint, square()).values["mae"] > 0.08


def test_a_constant_matte_is_scored_and_not_stretched() -> None:
    nothing = np.zeros((12, 12), np.float32)
    values = score_picture(nothing, square(), stretch=True).values
    assert values["mae"] == pytest.approx(16 / 144)
    assert values["iou"] == 0


def test_a_picture_without_an_object_counts_for_mae_and_s_alone() -> None:
    nothing = np.zeros((12, 12), np.float32)
    evaluator = Evaluator()
    evaluator.step(square(), square())
    before = evaluator.results()
    evaluator.step(nothing, nothing)
    after = evaluator.results()
    assert after["max_f"] == before["max_f"] == 1
    assert after["mae"] == 0
    evaluator.step(0.5 + nothing, nothing)
    assert evaluator.results()["mae"] == pytest.approx(0.5 / 3)


def test_the_best_f_is_that_of_the_mean_curve(pair) -> None:
    # two pictures that are best at different thresholds: the mean of the best is out of reach
    evaluator = Evaluator()
    curves = [
        evaluator.step(prediction, pair[1]).curves["f"]
        for prediction in (pair[0], np.clip(pair[0] - 0.4, 0, 1))
    ]
    assert evaluator.results()["max_f"] == pytest.approx(np.mean(curves, axis=0).max())


def test_sizes_must_be_equal() -> None:
    with pytest.raises(ValueError, match=r"\(12, 12\)"):
        score_picture(square(), square(16))
