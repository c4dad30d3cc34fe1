"""The container's files fit the package: its extras, its options, its port, its limits."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from transparent_background.cli.serve import build_parser, read_settings
from transparent_background.options.service import PORT, ServiceSettings

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = ("cpu", "cuda")
Instruction = tuple[str, str]


def stages() -> dict[str, list[Instruction]]:
    """Return the instructions of every stage, after those of the stage it builds on."""
    text = (ROOT / "Dockerfile").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found: dict[str, list[Instruction]] = {}
    current: list[Instruction] = []
    for line in filter(None, (line.strip() for line in text.replace("\\\n", " ").splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            image, _, stage = rest.partition(" AS ")
            current = found[stage] = list(found.get(image, [(name, image)]))
        else:
            current.append((name, rest.strip()))
    return found


STAGES = stages()


def last(stage: str, name: str) -> str:
    """Return what holds of an instruction in a stage: what its last one says."""
    return [rest for instruction, rest in STAGES[stage] if instruction == name][-1]


def environment(stage: str) -> dict[str, str]:
    pairs = [pair for name, rest in STAGES[stage] if name == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


def arguments(stage: str) -> dict[str, str]:
    pairs = [rest.partition("=") for name, rest in STAGES[stage] if name == "ARG"]
    return {name: value.strip('"') for name, _, value in pairs}


def compose(name: str) -> dict:
    """Return a service of compose.yaml as it is where no variable is set."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "compose.yaml").read_text())
    return yaml.safe_load(text)["services"][name]


def served(command: list[str]) -> ServiceSettings:
    """Read a command as ``transparent-background`` itself would."""
    assert command[0] == "serve"
    return read_settings(vars(build_parser().parse_args(command[1:])))


def commands() -> Iterator[tuple[str, list[str]]]:
    for variant in VARIANTS:
        yield f"Dockerfile {variant}", json.loads(last(variant, "CMD"))
        yield f"compose {variant}", compose(variant)["command"]


each_variant = pytest.mark.parametrize("variant", VARIANTS)
each_command = pytest.mark.parametrize("command", [pytest.param(c, id=name) for name, c in commands()])


@each_command
def test_the_service_starts_with_options_that_it_has(command: list[str], monkeypatch) -> None:
    monkeypatch.delenv("TRANSPARENT_BACKGROUND_TOKEN", raising=False)
    settings = served(command)
    assert settings.host == "0.0.0.0"  # a container's own loopback is reached by nobody
    assert settings.port == PORT
    assert settings.token is None  # nothing secret is in the image
    assert not settings.allow_urls
    assert build_parser().parse_args(command[1:]).mode == ["lite"]  # whose weights are in the package


@each_variant
def test_what_was_taken_on_is_finished_before_a_container_is_killed(variant: str) -> None:
    limits = served(compose(variant)["command"]).limits
    patience = int(re.fullmatch(r"(\d+)s", compose(variant)["stop_grace_period"])[1])
    films = pytest.importorskip("transparent_background.service.films")
    longest = max(limits.timeout, limits.grace + films.CANCELLING + films.FETCHING)
    assert limits.drain + longest + 5 <= patience
    assert last(variant, "STOPSIGNAL") == "SIGTERM"
    # a first process without handlers of its own is not sent signals: ours, while it loads
    assert compose(variant)["init"]


@each_variant
def test_films_fit_into_the_memory_that_compose_gives_for_files(variant: str) -> None:
    service = compose(variant)
    target, gigabytes = re.fullmatch(r"(.+):size=(\d+)g,mode=1777", *service["tmpfs"]).groups()
    limits = served(service["command"]).limits
    assert target == environment(variant)["HOME"] == "/tmp"
    assert limits.film_bytes * limits.films * 2 <= int(gigabytes) << 30
    most = int(service["deploy"]["resources"]["limits"]["memory"].removesuffix("g")) << 30
    network = 800 * 10**6  # and the process, with lite
    assert network + limits.memory + limits.upload_bytes + (int(gigabytes) << 30) <= most


def test_the_port_is_the_same_everywhere() -> None:
    for variant in VARIANTS:
        assert last(variant, "EXPOSE") == str(PORT)
        assert compose(variant)["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]  # this machine alone
        assert f"'127.0.0.1', {PORT}" in last(variant, "HEALTHCHECK")


def test_every_extra_that_is_installed_exists() -> None:
    project = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    extras = set(re.findall(r"^(\w+) = \[", project.partition("\n[")[0], re.MULTILINE))
    wanted = arguments("build")["EXTRAS"].split(",")
    assert {"web", "video"} <= set(wanted) <= extras
    assert any('pip install ".[$EXTRAS]"' in rest for name, rest in STAGES["build"] if name == "RUN")


def test_torch_is_installed_within_the_bounds_of_the_package() -> None:
    bounds = re.findall(
        r'^    "(torch(?:vision)?>=[\d.]+)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    (install,) = [rest for name, rest in STAGES["build"] if name == "RUN" and "torchvision" in rest]
    assert re.findall(r'"(torch[^"]+)"', install) == bounds
    assert arguments("build")["TORCH_INDEX_URL"] == ""  # nobody's server unless the builder says so


@each_variant
def test_nobody_is_root(variant: str) -> None:
    user, group = last(variant, "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    names = [name for name, _ in STAGES[variant]]
    assert "RUN" not in names[names.index("USER") :]
    service = compose(variant)
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@each_variant
def test_the_command_is_the_entry_and_weights_are_kept_in_the_volume(variant: str) -> None:
    scripts = (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[2].partition("\n[")[0]
    (entry,) = json.loads(last(variant, "ENTRYPOINT"))
    assert f"\n{entry} = " in scripts
    volume = last(variant, "VOLUME")
    assert environment(variant)["TRANSPARENT_BACKGROUND_FILE_PATH"] == volume
    assert compose(variant)["volumes"] == [f"weights:{volume}"]


@each_variant
def test_compose_builds_and_names_the_variants_apart(variant: str) -> None:
    service = compose(variant)
    assert service["build"]["target"] == variant
    assert service["image"] == f"transparent-background:{variant}"
    assert set(service["build"].get("args") or {}) <= set(arguments("build"))
    # taken from where compose runs, never written down
    assert "TRANSPARENT_BACKGROUND_TOKEN" in service["environment"]
    assert "devices" in json.dumps(service["deploy"]) if variant == "cuda" else "profiles" not in service


def test_each_variant_asks_for_its_own_device() -> None:
    for command in (json.loads(last("cuda", "CMD")), compose("cuda")["command"]):
        assert build_parser().parse_args(command[1:]).device == ["cuda"]
    assert build_parser().parse_args(json.loads(last("cpu", "CMD"))[1:]).device == ["cpu"]


# what the health check says


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1), (None, 1)])
def test_the_health_check_tells_a_service_that_lives(status: int | None, code: int) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status or 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

    python, *check = json.loads(last("cpu", "HEALTHCHECK").partition(" CMD ")[2])
    assert python == "python"
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if status is not None:
            threading.Thread(target=server.handle_request, daemon=True).start()
        else:
            server.socket.close()
        check = [part.replace(str(PORT), str(server.server_port)) for part in check]
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")  # never asked
        done = subprocess.run(
            [sys.executable, *check], env={**os.environ, **proxies}, capture_output=True, timeout=60
        )
    assert done.returncode == code, done.stderr
    assert asked == ([] if status is None else ["/healthz"])


# what goes into the image


def ignored(name: str) -> bool:
    """Tell whether .dockerignore keeps a file out; the last rule that fits it or its folder decides."""
    result = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pattern = re.escape(line.lstrip("!")).replace(r"\[", "[").replace(r"\]", "]")
        pattern = pattern.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{pattern}(/.*)?", name):
            result = not line.startswith("!")
    return result


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".git/config",
            ".gitignore",
            ".env",
            ".venv/bin/python",
            ".ci/run",
            "tests/conftest.py",
            "docs/films.md",
        ),
        *("samples/astronaut.jpg", "benchmarks/__init__.py", "runs/mine/best.safetensors", "dist/a.whl"),
        *("Dockerfile", "compose.yaml", "id_rsa", "photo.jpg", "transparent_background/.env"),
        *(
            "transparent_background/__pycache__/a.pyc",
            "transparent_background/web/__pycache__/a.cpython-312.pyc",
        ),
        *("transparent_background/checkpoints/weights/a.part", "transparent_background/a.pyc"),
    ],
)
def test_what_is_no_part_of_the_package_stays_outside(name: str) -> None:
    assert ignored(name)


def test_all_that_is_copied_is_there_and_let_in() -> None:
    copied = [source for name, rest in STAGES["build"] if name == "COPY" for source in rest.split()[:-1]]
    assert {"pyproject.toml", "README.md", "LICENSE", "transparent_background"} == set(copied)
    assert not [name for name in copied if ignored(name) or not (ROOT / name).exists()]
    files = [path for path in (ROOT / "transparent_background").rglob("*") if path.is_file()]
    names = [path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts]
    assert [name for name in names if ignored(name)] == []
    assert any(name.endswith(".safetensors") for name in names)
