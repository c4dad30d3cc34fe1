"""What is promised of a run that was disturbed, and of the next one."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .jobs import RESULTS, Job, parts, tree
from .processes import BROKEN, Disturb, Ended, Waiting, run

DOCUMENTED = frozenset((0, 2, 3, 4))
"""Exit codes of a run that no signal has ended."""


@dataclass
class Trial:
    """A disturbed run and the next one, and which promises they broke."""

    job: str
    fault: str
    ended: Ended
    broken: list[str] = field(default_factory=list)


class Bench:
    """Tries a job again and again in a fresh folder, beside what an undisturbed run of it gave."""

    def __init__(self, job: Job, root: Path) -> None:
        self.job, self.root = job, root
        self.model = self._fresh("model")
        ended = self._run(self.model, job.work)
        self.expected = job.results(self.model)
        if ended.code or not self.expected or parts(self.model):
            raise SystemExit(f"{job.name}: fails undisturbed ({ended.code}): {ended.errors}")
        self.seconds = ended.seconds
        """What an undisturbed run takes."""

    def _run(
        self,
        folder: Path,
        work: Callable[[], int],
        disturb: Disturb | None = None,
        inject: Callable[[], None] | None = None,
    ) -> Ended:
        def beside(process: int, waiting: Waiting) -> threading.Thread:
            other = threading.Thread(target=self.job.accompany, args=(folder, process, waiting))
            other.start()
            if disturb is not None:
                disturb(process, waiting)
            return other

        return run(work, folder, disturb=beside, inject=inject)

    def folder(self, name: str) -> Path:
        """Return the folder of the undisturbed run (``model``) or of the one that is tried (``trial``)."""
        return self.root / self.job.name.replace(" ", "-") / name

    def _fresh(self, name: str) -> Path:
        folder = self.folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.job.prepare(folder)
        return folder

    def attempt(
        self,
        fault: str,
        *,
        disturb: Disturb | None = None,
        inject: Callable[[Path], None] | None = None,
        before: Callable[[Path], None] | None = None,
        after: Callable[[Path], None] | None = None,
        codes: Collection[int] = DOCUMENTED,
        harmed: bool = False,
    ) -> Trial:
        """Disturb a run, see what is there, and run once more.

        Parameters
        ----------
        fault
            What is done to it, in words.
        disturb, inject
            As for :func:`processes.run`; ``inject`` is given the folder.
        before, after
            Called with the folder before the run, and before the next one.
        codes
            What it may exit with.
        harmed
            Whether the fault changes the sources, so that other results are right as well.
        """
        folder = self._fresh("trial")
        if before is not None:
            before(folder)
        sources = tree(folder / "in")
        ended = self._run(folder, self.job.work, disturb, None if inject is None else partial(inject, folder))
        trial = Trial(self.job.name, fault, ended)
        say = trial.broken.append
        if ended.hung:
            say("hung")
        if ended.code == BROKEN or "Traceback" in ended.errors:
            say(f"traceback: {ended.errors.strip().splitlines()[-1][:200] if ended.errors.strip() else ''}")
        elif ended.code not in codes:
            say(f"exit code {ended.code}: {ended.errors.strip()[-200:]}")
        if not harmed and tree(folder / "in") != sources:
            say("a source was changed")
        self._see_results(folder, trial, harmed)
        if ended.code >= 0 and not ended.hung and (left := parts(folder / RESULTS)):
            left = [
                name for name in left if self.job.name != "film --resume" and not name.endswith(".pth.part")
            ]
            if left:
                say(f"left over: {', '.join(left)}")
        if after is not None:
            after(folder)
        if harmed:
            shutil.rmtree(folder / "in")
            shutil.copytree(self.model / "in", folder / "in")
        self._see_next(folder, trial)
        return trial

    def _see_results(self, folder: Path, trial: Trial, harmed: bool) -> None:
        """See whether all that has a final name is whole."""
        try:
            found = self.job.results(folder)
        except Exception as error:
            trial.broken.append(f"half a file has its final name: {error}")
            return
        for name, content in found.items():
            if self.job.may_be_there(name):
                continue
            if name not in self.expected:
                trial.broken.append(f"an unexpected file: {name}")
            elif content != self.expected[name] and not harmed:
                trial.broken.append(f"another result: {name}")

    def _see_next(self, folder: Path, trial: Trial) -> None:
        """Run once more, undisturbed: it does the rest and leaves nothing."""
        ended = self._run(folder, partial(self.job.work, *self.job.again))
        say = trial.broken.append
        if ended.code:
            say(f"the next run exits with {ended.code}: {ended.errors.strip()[-300:]}")
            return
        found = {n: c for n, c in self.job.results(folder).items() if not self.job.may_be_there(n)}
        missing = [name for name in self.expected if name not in found]
        if missing:
            say(f"the next run has not made {', '.join(missing)}")
        elif found != self.expected:
            say("the next run has made something else")
        if left := parts(folder):
            say(f"the next run has left {', '.join(left)}")
        # PyTorch keeps what it compiles there, for the next process
        if left := sorted(p.name for p in (folder / "tmp").iterdir() if "torchinductor" not in p.name):
            say(f"temporary files are left: {', '.join(left)}")
