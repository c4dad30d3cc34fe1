"""The faults: signals at random moments, calls that fail, a small disk, little memory, changing sources."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .processes import NOT_BEGUN, Waiting, arm, shift_clock
from .promises import Bench, Trial

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
CALLS = {
    "open": (errno.ENOSPC, errno.EACCES),
    "write": (errno.ENOSPC, errno.EIO),
    "fsync": (errno.EIO,),
    "rename": (errno.EACCES,),
    "mkdir": (errno.ENOSPC, errno.EACCES),
    "unlink": (errno.EACCES,),
}
"""Which calls fail, and how."""
EARLY = 0.05
"""Seconds in which a process may not have begun to heed signals."""


def signals(bench: Bench, count: int, chance: random.Random) -> Iterator[Trial]:
    """End a run at random moments, by each signal in turn, some of them twice."""
    for index in range(count):
        number = SIGNALS[index % len(SIGNALS)]
        again = chance.random() < 0.3 and number != signal.SIGKILL
        moment = chance.uniform(0, 1.05 * bench.seconds)
        pause = chance.uniform(0, 0.2)

        def disturb(
            process: int, waiting: Waiting, number=number, again=again, moment=moment, pause=pause
        ) -> None:
            if waiting.until(moment):
                os.kill(process, number)
                if again and waiting.until(pause):
                    os.kill(process, signal.SIGINT)

        codes = {0, -number if number == signal.SIGKILL else 128 + number}
        if moment < EARLY:
            codes |= {-number, NOT_BEGUN}
        words = f"{number.name}{' and Ctrl-C' if again else ''} after {moment:.3f} s"
        yield bench.attempt(words, disturb=disturb, codes=codes)


def failing_calls(bench: Bench, most: int, chance: random.Random) -> Iterator[Trial]:
    """Let the nth call of every kind fail, for every n up to the first that is not reached."""
    for call, numbers in CALLS.items():
        for number in numbers:
            for for_ever in (False, True) if number == errno.ENOSPC else (False,):
                for nth in range(1, most + 1):

                    def inject(folder: Path, nth=nth, call=call, number=number, for_ever=for_ever) -> None:
                        arm(folder / bench.job.writes, call, nth, number, for_ever=for_ever)

                    words = f"{call} {nth}{' and later' if for_ever else ''}: {errno.errorcode[number]}"
                    trial = bench.attempt(words, inject=inject)
                    if not trial.ended.fired:
                        break
                    yield trial


def small_disk(bench: Bench, count: int, chance: random.Random) -> Iterator[Trial]:
    """Run where results find too little room, which is made larger for the next run; needs root."""
    where, room_for_all = bench.job.writes, 256  # MiB
    need = sum(path.stat().st_size for path in (bench.model / where).rglob("*") if path.is_file())
    for index in range(count):
        room = max(int((need or 100_000) * (index + chance.random()) / count), 8192)

        def before(folder: Path, room=room) -> None:
            (folder / where).mkdir(exist_ok=True)
            shutil.copytree(folder / where, folder / "held")
            _mount("-t", "tmpfs", "-o", f"size={room}", "none", str(folder / where))
            shutil.copytree(folder / "held", folder / where, dirs_exist_ok=True)
            shutil.rmtree(folder / "held")

        def after(folder: Path) -> None:
            _mount("-o", f"remount,size={room_for_all}m", str(folder / where))

        try:
            yield bench.attempt(f"a disk of {room // 1024} KiB", before=before, after=after)
        finally:
            subprocess.run(["umount", str(bench.folder("trial") / where)], check=False)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def little_memory(bench: Bench, count: int, chance: random.Random) -> Iterator[Trial]:
    """Run with little more memory than the program begins with."""
    for index in range(count):
        more = int(chance.uniform(index, index + 1) / count * 400e6)

        def inject(folder: Path, more=more) -> None:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + more
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        yield bench.attempt(f"{more / 1e6:.0f} MB of memory", inject=inject)


def changing_sources(bench: Bench, count: int, chance: random.Random) -> Iterator[Trial]:
    """Cut off, remove or overwrite a source at a random moment."""
    for index in range(count):
        way = ("cut off", "removed", "overwritten", "replaced")[index % 4]
        moment = chance.uniform(0, 0.8 * bench.seconds)
        which = chance.random()

        def disturb(process: int, waiting: Waiting, way=way, moment=moment, which=which) -> None:
            waiting.until(moment)
            files = sorted(p for p in (bench.folder("trial") / "in").rglob("*") if p.is_file())
            path = files[int(which * len(files))]
            if way == "removed":
                path.unlink()
            elif way == "cut off":
                os.truncate(path, path.stat().st_size // 2)
            elif way == "overwritten":
                path.write_bytes(os.urandom(path.stat().st_size))
            else:
                other = path.with_name("other")
                other.write_bytes(files[0].read_bytes())
                other.replace(path)

        yield bench.attempt(f"a source {way} after {moment:.3f} s", disturb=disturb, harmed=True)


def clock_back(bench: Bench, count: int, chance: random.Random) -> Iterator[Trial]:
    """Set the clock back or forth at a random moment."""
    for index in range(count):
        seconds = chance.choice((-86400.0, -3600.0, -1.0, 3600.0, 86400.0))
        after = chance.uniform(0, bench.seconds) if index else 0.0

        def inject(folder: Path, seconds=seconds, after=after) -> None:
            shift_clock(seconds, after)

        yield bench.attempt(
            f"the clock set by {seconds:+.0f} s after {after:.2f} s", inject=inject, codes={0}
        )


Kind = Callable[[Bench, int, random.Random], Iterator[Trial]]
KINDS: dict[str, Kind] = {
    "signals": signals,
    "calls": failing_calls,
    "disk": small_disk,
    "memory": little_memory,
    "sources": changing_sources,
    "clock": clock_back,
}


@contextmanager
def nothing_mounted(root: Path) -> Iterator[None]:
    """Unmount what was left mounted below a folder, whatever ends the block."""
    try:
        yield
    finally:
        for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
            if (where := line.split()[1]).startswith(str(root)):
                subprocess.run(["umount", where], check=False)
