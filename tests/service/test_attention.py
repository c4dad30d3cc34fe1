"""Who waits for a film, and what becomes of one that nobody waits for."""

from __future__ import annotations

import time

from transparent_background.service.attention import Attention


def test_without_patience_nothing_is_given_up() -> None:
    assert not Attention(asked=time.monotonic() - 1e6).lost


def test_it_is_given_up_when_nobody_asks() -> None:
    attention = Attention(10.0, asked=time.monotonic() - 11)
    assert attention.lost
    attention.ask()
    assert not attention.lost


def test_who_watches_need_not_ask() -> None:
    attention = Attention(10.0)
    with attention.watch():
        attention.asked -= 1000
        assert not attention.lost
    assert not attention.lost  # the time begins when the last one goes
