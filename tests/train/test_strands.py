"""Hair that training grows on cut-outs: where it is, what colours it has, what a seed gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from transparent_background.train.strands import REACH, strands, with_room

RED, BLUE, GREEN = (200, 20, 40), (30, 20, 210), (0, 255, 0)


@pytest.fixture
def cut_out() -> tuple[np.ndarray, np.ndarray]:
    """Return a disc, red on the left and blue on the right, in the middle of green."""
    y, x = np.mgrid[:256, :256]
    alpha = (80.5 - np.hypot(y - 127.5, x - 127.5)).clip(0, 1).astype(np.float32)
    colours = np.empty((256, 256, 3), np.uint8)
    colours[:] = GREEN
    colours[(alpha > 0) & (x < 128)], colours[(alpha > 0) & (x >= 128)] = RED, BLUE
    return colours, alpha


@pytest.mark.parametrize("seed", range(6))
def test_strands_lie_outside_the_object_and_end_within_reach(cut_out, seed) -> None:
    colours, alpha = cut_out
    _, grown = strands(colours, alpha, np.random.default_rng(seed))
    assert grown.dtype == np.float32 and grown.max() <= 1
    assert (grown >= alpha).all()
    assert (grown[alpha == 1] == 1).all()
    added = grown - alpha
    away = cv2.distanceTransform((alpha < 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert (added > 0.1).sum() > 300
    assert away[added > 0].max() < REACH * 160


@pytest.mark.parametrize("seed", range(6))
def test_strands_get_fainter_towards_their_tips(cut_out, seed) -> None:
    colours, alpha = cut_out
    _, grown = strands(colours, alpha, np.random.default_rng(seed))
    away = cv2.distanceTransform((alpha < 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    cover = [grown[(away >= near) & (away < near + 2)].mean() for near in (2, 4, 6, 8)]
    assert cover == sorted(cover, reverse=True)
    assert 0 < cover[0] < 0.95


def test_strands_have_the_colours_beside_their_roots(cut_out) -> None:
    colours, alpha = cut_out
    mixed, grown = strands(colours, alpha, np.random.default_rng(0))
    hair = (alpha == 0) & (grown > 0)
    assert mixed.dtype == np.uint8
    assert mixed[hair][:, 1].max() < 60  # nothing of the surrounding green
    left, right = hair.copy(), hair.copy()
    left[:, 90:], right[:, :166] = False, False
    red, blue = mixed[left].astype(int), mixed[right].astype(int)
    assert len(red) and (red[:, 0] > red[:, 2]).all()
    assert len(blue) and (blue[:, 2] > blue[:, 0]).all()
    assert len(np.unique(red[:, 0])) > 20  # lighter and darker ones


def test_a_generator_in_the_same_state_grows_the_same(cut_out) -> None:
    first = strands(*cut_out, np.random.default_rng(3))
    again, other = strands(*cut_out, np.random.default_rng(3)), strands(*cut_out, np.random.default_rng(4))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[1] != other[1]).any()


def test_what_is_given_stays_as_it_was(cut_out) -> None:
    colours, alpha = (array.copy() for array in cut_out)
    strands(colours, alpha, np.random.default_rng(3))
    assert (colours == cut_out[0]).all() and (alpha == cut_out[1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_grows_where_the_object_is_cut_off(seed) -> None:
    alpha = np.zeros((128, 128), np.float32)
    alpha[64:, :] = 1  # met by three borders
    colours = np.full((128, 128, 3), 90, np.uint8)
    _, grown = strands(colours, alpha, np.random.default_rng(seed))
    roots = np.flatnonzero(grown[63] > 0.3)
    assert len(roots)
    alone = np.zeros_like(alpha)
    alone[1:-1, 1:-1] = 1
    assert strands(colours, alone, np.random.default_rng(seed))[1].sum() == alone.sum()


def test_a_cut_out_without_an_outline_is_given_back() -> None:
    colours, alpha = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.float32)
    assert strands(colours, alpha, np.random.default_rng(0))[1] is alpha
    alpha[20:22, 20:22] = 1  # a speck
    assert strands(colours, alpha, np.random.default_rng(0))[1] is alpha


def test_room_is_made_where_the_object_ends() -> None:
    alpha = np.zeros((60, 100), np.float32)
    alpha[10:, 20:80] = 1  # cut off below
    colours = np.full((60, 100, 3), 7, np.uint8)
    wider, room = with_room(colours, alpha)
    assert room.shape == (60 + 12, 100 + 24) == wider.shape[:2]  # a fifth of 60
    assert room.sum() == alpha.sum() and (room[-1] == np.pad(alpha[-1], 12)).all()
    assert (wider == 7).all()
