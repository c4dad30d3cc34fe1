"""What is free, and who waits for whom."""

from __future__ import annotations

import threading

import pytest

from transparent_background.errors import MemoryShortageError
from transparent_background.images.memory import (
    UNCOUNTED,
    Ledger,
    decoding,
    finishing,
    free_memory,
    kept,
    peak,
)

MB = 1_000_000
MACHINE = {"proc/meminfo": "MemTotal: 999 kB\nMemFree: 1 kB\nMemAvailable:  4000 kB\n"}


def lay_out(root, files: dict[str, str]) -> None:
    """Write files of ``/proc`` and ``/sys``."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_machine_says_what_is_free(tmp_path) -> None:
    lay_out(tmp_path, MACHINE)
    assert free_memory(tmp_path) == 4000 * 1024


def test_a_container_of_version_2_says_what_is_left_of_its_limit(tmp_path) -> None:
    group = "sys/fs/cgroup/memory."
    counted = "anon 5\ninactive_file 100000\nactive_file 20000\nshmem 7\n"
    own = {f"{group}max": "3000000\n", f"{group}current": "2500000\n", f"{group}stat": counted}
    lay_out(tmp_path, {**MACHINE, "proc/self/cgroup": "0::/\n", **own})
    assert free_memory(tmp_path) == 620_000  # pages of files are dropped when there is need


def test_the_limits_of_the_groups_around_hold_as_well(tmp_path) -> None:
    outer, inner = "sys/fs/cgroup/outer/memory.", "sys/fs/cgroup/outer/inner/memory."
    around = {f"{outer}max": "1000", f"{outer}current": "400", f"{outer}stat": ""}
    own = {"proc/self/cgroup": "0::/outer/inner\n", f"{inner}max": "max\n", f"{inner}current": "10"}
    lay_out(tmp_path, {**MACHINE, **own, **around})
    assert free_memory(tmp_path) == 600


def test_a_container_of_version_1_says_what_is_left_of_its_limit(tmp_path) -> None:
    """Its path is the host's, and within the container its own group is the top."""
    top = "sys/fs/cgroup/memory/memory."
    groups = {"proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/system.slice\n"}
    own = {f"{top}limit_in_bytes": "9000", f"{top}usage_in_bytes": "4000"}
    lay_out(tmp_path, {**groups, **own, f"{top}stat": "total_inactive_file 50"})
    assert free_memory(tmp_path) == 5050


def test_where_nobody_says_it_is_not_known(tmp_path) -> None:
    assert free_memory(tmp_path) is None
    with Ledger(lambda: None).hold(1 << 60, "anything"):
        pass


def test_who_is_alone_and_needs_more_than_there_is_is_refused_in_a_sentence() -> None:
    with pytest.raises(MemoryShortageError) as refused, Ledger(lambda: 900 * MB).hold(2100 * MB, "a picture"):
        pass
    assert str(refused.value) == (
        "a picture needs about 2.1 GB of memory, and 900 MB are free; make it smaller first"
    )


def test_who_finds_too_little_waits_for_the_others() -> None:
    ledger, waiting, order = Ledger(lambda: 100 * MB), threading.Event(), []

    def second() -> None:
        waiting.set()
        with ledger.hold(60 * MB, "the second"):
            order.append("second")

    thread = threading.Thread(target=second)
    with ledger.hold(60 * MB, "the first"):
        thread.start()
        assert waiting.wait(10)
        thread.join(0.1)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_two_that_would_wait_for_each_other_do_not() -> None:
    """Each holds some and asks for more, as a result does that reads its background."""
    ledger, both, refused = Ledger(lambda: 100 * MB), threading.Barrier(2), []

    def work() -> None:
        with ledger.hold(45 * MB, "a result"):
            both.wait(10)
            try:
                with ledger.hold(200 * MB, "a background"):
                    pass
            except MemoryShortageError as error:
                refused.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(refused) == 2


def test_little_is_not_counted() -> None:
    with Ledger(lambda: 0).hold(UNCOUNTED, "a thumbnail"):
        pass


def test_the_peak_is_that_of_the_dearest_step() -> None:
    size = 1000, 1000
    assert peak(size, 1, 0) == max(decoding(size, 1), kept(size, 1) + finishing(size, 1))
    assert peak(size, 2, 10**9) == kept(size, 2) + 10**9
