"""Run one program over photos and save what it returns: the half of ``versus.py`` inside an environment.

The same calls drive both programs, since ours is meant to be swapped in::

    python versus_driver.py JOB.json

Needs only what transparent-background 1.3.4 itself installs. For each photo and task it saves
``NUMBER.TASK.npy``, for each photo ``NUMBER.matte.npy`` (float32, (h, w)), and ``seconds.json``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from transparent_background import Remover


def published_matte(remover: Any, image: Image.Image) -> np.ndarray:
    """Return the float matte of 1.3.4, which has no call for it: the steps of its ``process``."""
    with torch.no_grad():
        prediction = remover.model(remover.transform(image).unsqueeze(0).to(remover.device))
        full = torch.nn.functional.interpolate(
            prediction, image.size[::-1], mode="bilinear", align_corners=True
        )
    return full[0, 0].cpu().numpy()


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    out = Path(job["out"])
    remover = Remover(mode=job["mode"], device=job["device"], resize="static")
    ours = hasattr(remover, "alpha")
    # After the program is loaded: importing pymatting, as 1.3.4 does, undoes OMP_NUM_THREADS for torch.
    torch.set_num_threads(job["threads"])
    cv2.setNumThreads(job["threads"])
    # Compiling, filling caches and first-time imports are not what a picture takes.
    remover.process(Image.open(job["photos"][0]).convert("RGB"), type="rgba")
    seconds: dict[str, float] = {}
    for number, photo in enumerate(job["photos"]):
        with Image.open(photo) as opened:
            image = opened.convert("RGB")
        matte = remover.alpha(image) if ours else published_matte(remover, image)
        np.save(out / f"{number}.matte.npy", matte)
        for task in job["tasks"]:
            options = dict(task["options"])
            if ours and task["name"] == "background":
                options["fit"] = "stretch"  # 1.3.4 knows nothing else
            given = np.array(image) if task["array"] else image
            took = []
            for _ in range(job["repeats"]):
                start = time.perf_counter()
                result = remover.process(given, **options)
                took.append(time.perf_counter() - start)
            seconds[f"{number}.{task['name']}"] = min(took)
            np.save(out / f"{number}.{task['name']}.npy", np.asarray(result))
    (out / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
