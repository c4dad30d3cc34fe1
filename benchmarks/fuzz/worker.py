"""A process that does cases: reads them line by line, and answers what came of each. See :mod:`.keeper`."""

from __future__ import annotations

import faulthandler
import gc
import json
import logging
import os
import re
import resource
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIB = 1 << 20
# what a case may add to a process's memory: a basis, and so many bytes for each of the file's and of a pixel
BOUNDS = {
    "pictures": (256, 100, 64),
    "films": (512, 100, 400),
    "checkpoints": (512, 100, 0),
    "requests": (512, 100, 0),
}


class Records(logging.Handler):
    """Keeps the errors that parts of the package have caught and logged."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was caught; text that is no UTF-8 uvicorn answers as it should, and logs at length."""
        told = record.getMessage().startswith("Invalid UTF-8 sequence")
        if record.exc_info and record.exc_info[1] is not None and not told:
            self.errors.append(record.exc_info[1])


RECORDS = Records()


def do(case: Any, real: bool) -> dict[str, Any]:
    """Do one case; return what came of it."""
    from transparent_background.errors import TransparentBackgroundError

    from .targets import Made, Refused, target_of

    run = target_of(case.kind)
    made, error = Made("refused"), None
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        files = _descriptors()
        started, before = time.perf_counter(), _begin_peak()
        try:
            made = run(case, folder, real)
        except Refused as refused:
            error = RECORDS.errors[-1] if RECORDS.errors else refused
        except BaseException as raised:  # whatever it is, it is what is looked for
            error = raised
        seconds, peak = time.perf_counter() - started, _peak() - before
        faults = [*made.faults, *_left(case, folder, error is not None)]
        if case.kind != "requests":
            faults += _still_open(files)
    wrong = [caught for caught in RECORDS.errors if not isinstance(caught, TransparentBackgroundError)]
    RECORDS.errors.clear()
    if error is not None and not isinstance(error, (TransparentBackgroundError, Refused)):
        wrong.insert(0, error)
    answer: dict[str, Any] = {"words": made.words, "seconds": seconds, "peak": peak}
    basis, for_byte, for_pixel = BOUNDS[case.kind]
    bound = basis * MIB + for_byte * len(case.data) + for_pixel * made.pixels
    if wrong:
        answer |= _trace(wrong[0])
    elif faults:
        answer |= {"outcome": "fault", "what": faults[0], "signature": re.sub(r"\d+", "N", faults[0])}
    elif peak > bound and not real:
        what = f"{peak >> 20} MiB, where {bound >> 20} are allowed"
        answer |= {"outcome": "memory", "what": what, "signature": f"memory {case.kind}"}
    elif error is not None:
        answer |= {"outcome": "refused", "what": type(error).__name__, "text": str(error)[:300]}
        if "\n" in str(error) or not str(error).strip():
            answer |= {"outcome": "fault", "what": "a message that is not one line", "signature": "message"}
    else:
        answer |= {"outcome": "result", "what": made.words}
    return answer


def _trace(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.name}" for frame in frames[-2:]]
    text = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}"[:300]
    signature = f"{type(error).__name__} {' '.join(places)}"
    return {"outcome": "traceback", "what": what, "signature": signature, "trace": text}


def _left(case: Any, folder: Path, failed: bool) -> Iterator[str]:
    """Look for harm to the source, and for what is left of work that failed or ended."""
    source = folder / case.name
    if case.kind in ("pictures", "films") and source.exists() and source.read_bytes() != case.data:
        yield "the source was changed"
    for path in folder.rglob("*"):
        if path.is_file() and path != source and not case.options.get("resume"):
            if path.name.endswith(".part"):
                yield "an unfinished file is left"
            elif failed and case.kind == "films":
                yield "a file is left of a film that failed"


def _still_open(before: int) -> Iterator[str]:
    if _descriptors() > before:
        gc.collect()
        if _descriptors() > before + 1:  # a library may open something once
            yield "descriptors are left open"


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def _status(name: str) -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+)", text)
    return int(found[1]) * 1024 if found else 0


def _begin_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is what there is now
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _prepare() -> None:
    """Make the process quiet, and of one thread where libraries would take several."""
    import av
    import cv2
    import torch

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    av.logging.set_level(None)
    for name in ("transparent_background", "uvicorn.error", "asyncio"):
        logging.getLogger(name).addHandler(RECORDS)
        logging.getLogger(name).propagate = False
    logging.getLogger("transparent_background").setLevel(logging.DEBUG)
    threading.excepthook = lambda args: logging.getLogger("transparent_background").error(
        "a thread ended", exc_info=(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
    )


def main() -> None:
    """Answer lines until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    _prepare()
    from . import targets
    from .case import Case, make_case
    from .keeper import ALIVE

    last = 0.0

    def alive() -> None:
        nonlocal last
        if time.monotonic() - last > 1:
            last = time.monotonic()
            answers.write(ALIVE.decode())
            answers.flush()

    targets.alive = alive
    targets.removers()
    alive()
    for line in sys.stdin:
        asked = json.loads(line)
        case = Case.from_json(asked["case"]) if "case" in asked else make_case(*asked["make"])
        answer = do(case, asked.get("real", False))
        if asked.get("whole") or answer["outcome"] not in ("result", "refused"):
            answer["case"] = case.as_json()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
