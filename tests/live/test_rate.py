"""Holding the rate: smaller pictures for the network, then smaller frames, and back again."""

from __future__ import annotations

from transparent_background.live.rate import LONGEST_PATIENCE, PATIENCE, Pace, Step, make_ladder


def feed(pace: Pace, seconds: float, times: int) -> list[Step]:
    return [pace.feed(seconds) for _ in range(times)]


def test_the_ladder_leaves_edges_alone_first_then_lowers_the_network_then_large_frames() -> None:
    ladder = make_ladder((320, 320), (720, 1280))
    assert [step.base_size[0] for step in ladder] == [320, 320, 288, 256, 224, 192, 160, 160, 160]
    assert [step.scale for step in ladder] == [1, 1, 1, 1, 1, 1, 1, 0.75, 0.5]
    assert [step.estimate for step in ladder] == [True, *[False] * 8]
    assert make_ladder((384, 384), (360, 640))[-1] == Step((192, 192))  # small frames stay as they are
    assert make_ladder((320, 320), (1080, 1920), flexible=False) == [
        Step(None, estimate=True),
        *(Step(None, scale) for scale in (1, 0.75, 0.5)),
    ]
    for step in make_ladder((1024, 1024), (360, 640)):
        assert step.base_size[0] % 32 == 0


def test_a_fast_machine_stays_at_the_best() -> None:
    pace = Pace(make_ladder((320, 320), (720, 1280)), fps=20)
    assert {step.base_size for step in feed(pace, 0.049, 500)} == {(320, 320)}


def test_a_slow_machine_goes_down_until_the_rate_is_held() -> None:
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    seconds = 0.0
    for _ in range(200):
        size = pace.step.base_size[0]
        seconds = 0.02 + 0.06 * size**2 / 320**2  # 80 ms at the best
        pace.feed(seconds)
    assert pace.step.base_size == (224, 224)  # 49 ms
    assert seconds <= 1 / 20


def test_it_goes_up_again_when_the_machine_is_free_and_stays_there() -> None:
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    feed(pace, 0.2, 100)
    assert pace.index == 6
    steps = feed(pace, 0.01, 600)
    assert steps[-1].base_size == (320, 320)
    sizes = [step.base_size[0] for step in steps]
    assert sizes == sorted(sizes)


def test_one_slow_frame_changes_nothing() -> None:
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    for _ in range(30):
        feed(pace, 0.03, 10)
        pace.feed(0.5)
    assert pace.index == 0


def test_it_does_not_swing_between_two_steps() -> None:
    """A step up that looked possible and was not is tried more and more rarely."""
    pace = Pace(make_ladder((320, 320), (360, 640)), fps=20)
    changes, last = [], 0
    for frame in range(4000):
        pace.feed(0.055 if pace.index == 0 else 0.03)
        if pace.index != last:
            changes.append(frame)
            last = pace.index
    assert len(changes) < 30
    assert changes[-1] - changes[-2] >= LONGEST_PATIENCE or changes[-2] - changes[-3] >= LONGEST_PATIENCE
    assert changes[1] - changes[0] >= PATIENCE
