"""How many pictures a second the service gives, how long each waits, and in how much memory.

Requests come from wrk (Debian: ``apt-get install wrk``), each a photo in a form, from so many clients at
once. Linux only; wants an idle machine. Beside it rembg's service if ``--rembg`` names a Python that has it::

    python -m venv rembg && rembg/bin/pip install "rembg[cpu,cli]"
    pip install onnx onnxscript
    python -m benchmarks.serve --rembg rembg/bin/python --clients 1 4 16

rembg's network is U-2-Net, its long-time default, with random weights (``benchmarks.u2net_network``), which
cost the time of trained ones. Printed as Markdown.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks.machine import describe_machine
from benchmarks.photo import SAMPLES, megapixel
from benchmarks.service import Service, form, ours, running

SCRIPT = """\
wrk.method = "POST"
local file = io.open({body}, "rb")
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = {kind}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What wrk measured."""

    rate: float
    """Pictures a second that were answered with 200."""
    half: float
    """Half were answered within so many ms."""
    most: float
    """99 of 100 were."""
    refused: int
    """Requests that were answered with something else, or not."""


def measure(service: Service, script: Path, clients: int, seconds: int) -> Row:
    """Let so many clients ask without a pause."""
    query = script.with_suffix(".query").read_text(encoding="utf-8")
    command = [
        "wrk",
        "-t1",
        f"-c{clients}",
        f"-d{seconds}s",
        "--timeout",
        "60s",
        "--latency",
        "-s",
        str(script),
    ]
    done = subprocess.run(
        [*command, f"{service.address}/api/remove{query}"], capture_output=True, text=True, check=True
    )
    text = done.stdout
    total = int(_find(r"(\d+) requests in", text))
    taken = float(_find(r"requests in ([\d.]+)s", text))
    refused = int(_find(r"Non-2xx or 3xx responses: (\d+)", text, "0"))
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    return Row(
        rate=(total - refused) / taken,
        half=_milliseconds(_find(r"(?m)^\s+50%\s+(\S+)", text)),
        most=_milliseconds(_find(r"(?m)^\s+99%\s+(\S+)", text)),
        refused=refused + errors,
    )


def _find(pattern: str, text: str, default: str | None = None) -> str:
    found = re.search(pattern, text)
    if found is None and default is None:
        raise SystemExit(f"wrk said something unexpected:\n{text}")
    return found[1] if found else str(default)


def _milliseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if found is None:
        return math.nan  # nothing was answered
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[found[2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=Path, help="default: a sample, enlarged to a megapixel")
    parser.add_argument("--mode", default="lite")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=int, default=20, help="of every measurement (20)")
    parser.add_argument("--rounds", type=int, default=2, help="each service in turn (2)")
    parser.add_argument("--rembg", metavar="PYTHON", help="a Python with rembg[cpu,cli]")
    options = parser.parse_args()
    picture = options.photo.read_bytes() if options.photo else megapixel(SAMPLES / "astronaut.jpg")

    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        services = [
            stack.enter_context(
                running(f"ours, {options.mode}", ours("-m", options.mode), "/readyz", folder / "ours.log")
            )
        ]
        scripts = [_script(folder / "ours.lua", picture)]
        if options.rembg:
            model = folder / "u2net.onnx"
            from benchmarks.u2net import export

            export(model, picture)
            command = [options.rembg, "-c", "from rembg.cli import main; main()", "s", "--no-ui"]
            command += ["--host", "127.0.0.1", "--port", "{port}"]
            services.append(
                stack.enter_context(
                    running(
                        *("rembg, U-2-Net", command, "/openapi.json", folder / "rembg.log"),
                        U2NET_HOME=name,  # outside of which it takes no model
                    )
                )
            )
            extras = json.dumps({"model_path": str(model)})
            query = f"?extras={quote(extras)}"  # which it takes in the query only
            scripts.append(_script(folder / "rembg.lua", picture, query, model="u2net_custom"))
        print(describe_machine(), "\n")
        print("| service | clients | pictures/s | p50, ms | p99, ms | refused | memory, MB | peak, MB |")
        print("|---|---|---|---|---|---|---|---|")
        for service, script in zip(services, scripts, strict=True):
            if not measure(service, script, 1, 20).rate:  # what is done once is done now
                raise SystemExit(f"{service.name} answers with errors")
        for clients in options.clients:
            for service, script in zip(services, scripts, strict=True):
                rows = [measure(service, script, clients, options.seconds) for _ in range(options.rounds)]
                best = max(rows, key=lambda row: row.rate)
                print(
                    f"| {service.name} | {clients} | {best.rate:.2f} | {best.half:.0f} | {best.most:.0f} | "
                    f"{best.refused} | {service.memory():.0f} | {service.peak():.0f} |",
                    flush=True,
                )


def _script(path: Path, picture: bytes, query: str = "", **fields: str) -> Path:
    """Write a form, a query, and the script that makes wrk send them."""
    path.with_suffix(".query").write_text(query, encoding="utf-8")
    body, kind = form(picture, **fields)
    path.with_suffix(".body").write_bytes(body)
    path.write_text(
        SCRIPT.format(body=json.dumps(str(path.with_suffix(".body"))), kind=json.dumps(kind)),
        encoding="utf-8",
    )
    return path


if __name__ == "__main__":
    main()
