"""The command: options of 1.3.4 and new ones, one line for each mistake, the right exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command import tb
from drawing import draw_object
from film_makers import make_film
from PIL import Image

from transparent_background._version import __version__
from transparent_background.cli import main
from transparent_background.cli.options import build_parser
from transparent_background.cli.watch import Watcher


@pytest.fixture
def photo_file() -> Path:
    Image.fromarray(draw_object()).save("photo.jpg")
    return Path("photo.jpg")


def spawn(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "transparent_background", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, **options
    )


def test_the_shortest_call_makes_a_cut_out(photo_file, capsys) -> None:
    assert tb("photo.jpg") == 0
    with Image.open("photo_rgba.png") as image:
        assert (image.mode, image.size) == ("RGBA", (128, 96))
    captured = capsys.readouterr()
    assert captured.out == ""  # data only
    assert "1 done" in captured.err
    assert "photo_rgba.png" in captured.err


def test_every_option_of_1_3_4_is_there_long_and_short(photo_file) -> None:
    long_names = ["--source photo.jpg --dest out --type map --reverse --format png --resize static --jit"]
    short = ["-s photo.jpg -d out -t map -R -f png -r static -j -th 0.5"]
    for text in long_names + short:
        arguments = [*text.split(), "--mode", "lite", "--device", "cpu"]
        assert main(arguments) == 0
        assert Path("out/photo_map_reverse.png").exists()
        Path("out/photo_map_reverse.png").unlink()
    options = build_parser().parse_args(["-c", "x.pth", "-m", "fast", "-D", "cpu", "-th", "0.3", "-s", "a"])
    assert (options.ckpt, options.mode, options.device, options.threshold) == ("x.pth", "fast", "cpu", "0.3")


@pytest.mark.parametrize(
    ("arguments", "name", "mode"),
    [
        (["-t", "map"], "photo_map.jpg", "L"),
        (["-t", "green"], "photo_green.jpg", "RGB"),
        (["-t", "[255, 0, 0]"], "photo_[255, 0, 0].jpg", "RGB"),
        (["-t", "blur", "-f", "webp"], "photo_blur.webp", "RGB"),
        (["-t", "overlay"], "photo_overlay.jpg", "RGB"),
        (["-t", "behind.png", "--background-fit", "tile"], "photo_behind.jpg", "RGB"),
        (["-f", "jpg", "--background", "#00f"], "photo_rgba.jpg", "RGB"),
        (["-f", "avif"], "photo_rgba.avif", "RGBA"),
        (["-d", "sub/mine.tiff"], "sub/mine.tiff", "RGBA"),
        (["--crop=2%", "--threshold", "0.3", "--foreground", "original"], "photo_rgba.png", "RGBA"),
    ],
)
def test_types_and_formats(photo_file, arguments, name, mode) -> None:
    Image.new("RGB", (20, 30), "navy").save("behind.png")
    assert tb("photo.jpg", *arguments) == 0
    with Image.open(name) as image:
        assert image.mode == mode


def test_several_sources_and_a_folder_with_other_things(photo_file, capsys) -> None:
    folder = Path("mixed/deeper")
    folder.mkdir(parents=True)
    Image.fromarray(draw_object()).save("mixed/a.png")
    Image.fromarray(draw_object()).save(folder / "b.webp")
    make_film(Path("mixed/clip.mp4"), 3)
    Path("mixed/notes.txt").write_text("notes")
    assert tb("photo.jpg", "-s", "mixed", "-d", "out", "--recursive", "--json") == 0
    assert {str(p) for p in Path("out").rglob("*.png")} == {
        "out/photo_rgba.png",
        "out/a_rgba.png",
        "out/deeper/b_rgba.png",
    }
    assert Path("out/clip_rgba.mov").exists()
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["done"], summary["failed"], summary["mode"]) == (4, 0, "lite")
    assert {Path(item["path"]).name for item in summary["left_out"]} == {"notes.txt"}
    assert "left out: mixed/notes.txt" in captured.err


def test_failed_sources_do_not_stop_the_rest(photo_file, capsys) -> None:
    Path("broken.jpg").write_bytes(b"no picture")
    Path("empty.png").touch()
    assert tb("broken.jpg", "photo.jpg", "empty.png", "missing.jpg", "-q") == 4
    assert Path("photo_rgba.png").exists()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert sorted(line.split(":")[1].strip() for line in lines) == ["broken.jpg", "empty.png", "missing.jpg"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "a source is missing"),
        (["photo.jpg", "--no-such-option"], 2, "--no-such-option"),
        (["photo.jpg", "-t", "sepia"], 2, "type 'sepia' is unknown; choose rgba"),
        (["photo.jpg", "-t", "#12345"], 2, "#12345"),
        (["photo.jpg", "-th", "1.5"], 2, "--threshold must be a number from 0 to 1"),
        (["photo.jpg", "-f", "xyz"], 2, "--format 'xyz' cannot be written"),
        (["photo.jpg", "--quality", "0"], 2, "--quality must be a whole number from 1 to 100"),
        (["photo.jpg", "--background", "photo.jpg"], 2, "is no colour"),
        (["photo.jpg", "--crop=wide"], 2, "crop padding 'wide'"),
        (["photo.jpg", "--workers", "0"], 2, "--workers must be a whole number of at least 1"),
        (["photo.jpg", "-j", "-r", "dynamic"], 2, "--jit works at one size"),
        (["photo.jpg", "-m", "nope"], 2, "mode 'nope' is unknown; choose from base"),
        (["photo.jpg", "-D", "cuda:42"], 2, "cuda:42"),
        (["photo.jpg", "-D", "abacus"], 2, "abacus"),
        (["photo.jpg", "-c", "gone.pth"], 3, "gone.pth: no such checkpoint"),
        (["photo.jpg", "-c", "photo.jpg"], 3, "photo.jpg: is no file of weights"),
        (["photo.jpg", "-m", "fast"], 3, "downloading is switched off"),
        (["gone.jpg"], 4, "gone.jpg: no such file"),
        (["film.mp4"], 4, "film.mp4: is empty"),
        (["photo.jpg", "-d", "photo.jpg"], 4, "would overwrite a source"),
        (["photo.jpg", "-d", "photo.jpg/sub"], 4, "the folder cannot be made"),
    ],
)
def test_every_mistake_is_one_line_and_its_code(photo_file, capsys, arguments, code, words) -> None:
    Path("film.mp4").touch()
    assert tb(*arguments) == code
    errors = [line for line in capsys.readouterr().err.splitlines() if words in line]
    assert len(errors) == 1
    assert "Traceback" not in errors[0]
    assert sorted(p.name for p in Path().iterdir()) == ["film.mp4", "photo.jpg"]


def test_debug_shows_the_traceback(photo_file) -> None:
    with pytest.raises(Exception, match="no such checkpoint"):
        tb("photo.jpg", "-c", "gone.pth", "--debug")


def test_skipping_what_is_there(photo_file, capsys) -> None:
    assert tb("photo.jpg") == 0
    before = Path("photo_rgba.png").stat().st_mtime_ns
    assert tb("photo.jpg", "--skip-existing", "--json") == 0
    assert Path("photo_rgba.png").stat().st_mtime_ns == before
    assert json.loads(capsys.readouterr().out)["skipped"] == 1


def test_a_pipe_takes_and_gives_a_picture(photo_file) -> None:
    child = spawn("-m", "lite", "-", stdin=subprocess.PIPE)
    out, errors = child.communicate(photo_file.read_bytes(), timeout=120)
    assert child.returncode == 0, errors
    with Image.open(io.BytesIO(out)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (128, 96))


def test_a_reader_that_goes_away_causes_no_traceback(here) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)).save("big.png")
    child = spawn("-m", "lite", "big.png", "-d", "-", "-q")
    child.stdout.close()
    errors = child.stderr.read().decode()
    child.wait(timeout=120)
    child.stderr.close()
    assert child.returncode != 0
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_ends_with_130_and_whole_files(here) -> None:
    Path("photos").mkdir()
    for index in range(150):
        Image.fromarray(draw_object(300, 300)).save(f"photos/{index}.jpg")
    child = spawn("-m", "lite", "photos", "-d", "out", "--verbose")
    for line in child.stderr:
        if b"->" in line:
            break  # the first result is written
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=120)
    assert child.returncode == 130
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    results = list(Path("out").iterdir())
    assert 0 < len(results) < 150
    for path in results:
        assert path.suffix == ".png"
        with Image.open(path) as image:
            image.load()


def test_version_and_help(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"transparent-background {__version__}\n"
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for name in ("--source", "--crop", "--watch", "models", "doctor", "exit codes", "examples"):
        assert name in text


def test_models_lists_locates_and_verifies(capsys, private_home) -> None:
    assert main(["models"]) == 0
    table = capsys.readouterr().out
    assert "lite" in table
    assert "bundled" in table
    assert "SwinB-DIS5K-LR" in table
    assert main(["models", "list", "--json"]) == 0
    known = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert known["base"]["bytes"] == 367_520_613
    assert known["base"]["state"] == "not downloaded"
    assert main(["models", "path", "lite"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()
    assert main(["models", "path", "base"]) == 3
    assert "models download base" in capsys.readouterr().err
    assert main(["models", "download", "fast"]) == 3  # offline
    assert main(["models", "verify", "nope"]) == 2
    private_home.mkdir()
    (private_home / "ckpt_fast.pth").write_bytes(b"PK other")
    assert main(["models", "verify", "fast"]) == 3
    assert "expected e61ed7e8" in capsys.readouterr().err


def test_models_download_fetches(capsys, private_home, monkeypatch) -> None:
    from weights_server import CONTENT, Behaviour, serve

    monkeypatch.delenv("TRANSPARENT_BACKGROUND_OFFLINE")
    private_home.mkdir()
    with serve(Behaviour(CONTENT)) as url:
        (private_home / "config.yaml").write_text(f"mine: {{url: '{url}', ckpt_name: mine.pth}}")
        assert main(["models", "download", "mine"]) == 0
    assert capsys.readouterr().out.strip() == str(private_home / "mine.pth")


def test_doctor_tells_what_is_here(capsys) -> None:
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["versions"]["transparent-background"] == __version__
    assert "cpu" in report["devices"]
    assert "lite" in report["weights"]
    assert set(report["extras"]) >= {"video", "heif", "openvino"}
    assert report["picture"]["seconds"] > 0
    assert report["picture"]["alpha_inside"] > report["picture"]["alpha_outside"]
    assert main(["doctor"]) == 0
    assert "lite" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_options_and_commands(shell, capsys) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("skip-existing", "models", "doctor"):
        assert word in script


@pytest.mark.skipif(sys.platform == "win32", reason="needs bash")
def test_the_bash_script_completes(capsys, here) -> None:
    main(["completion", "bash"])
    Path("complete.sh").write_text(capsys.readouterr().out)
    script = """
source complete.sh
COMP_WORDS=(transparent-background --skip); COMP_CWORD=1; COMP_LINE='transparent-background --skip'
$(complete -p transparent-background | sed 's/.*-F \\([^ ]*\\).*/\\1/')
echo "${COMPREPLY[@]}"
"""
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert "--skip-existing" in result.stdout, result.stderr


def test_watching_finds_new_files_once_they_stop_growing(here) -> None:
    Path("in").mkdir()
    Image.fromarray(draw_object()).save("in/old.png")
    watcher = Watcher(["in"], recursive=False)
    assert watcher.poll().items == []
    Path("in/new.jpg").write_bytes(b"first half")
    assert watcher.poll().items == []  # it may still grow
    Path("in/new.jpg").write_bytes(b"first half and second")
    assert watcher.poll().items == []
    assert [s.relative.name for s in watcher.poll().items] == ["new.jpg"]
    assert watcher.poll().items == []
    Path("in/old.png").write_bytes(b"changed")
    watcher.poll()
    assert [s.relative.name for s in watcher.poll().items] == ["old.png"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_watch_works_until_ctrl_c(here) -> None:
    Path("in").mkdir()
    child = spawn("-m", "lite", "in", "-d", "out", "--watch")
    for line in child.stderr:
        if b"watching" in line:
            break
    Image.fromarray(draw_object()).save("in/new.png")
    deadline = time.monotonic() + 60
    while not Path("out/new_rgba.png").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert Path("out/new_rgba.png").exists()
    assert child.returncode == 0, errors


@pytest.mark.parametrize(
    ("arguments", "camera", "record"),
    [
        (["0"], "0", None),
        (["rtsp://me:secret@host/live", "--mirror"], "rtsp://me:secret@host/live", None),
        (["clip.mp4", "--preview"], "clip.mp4", None),
        (["http://host/mjpeg", "--virtual-camera"], "http://host/mjpeg", None),
        (["0", "-d", "call.mp4"], "0", "call.mp4"),
    ],
)
def test_what_is_shown_live(photo_file, monkeypatch, arguments, camera, record) -> None:
    shown = []
    monkeypatch.setattr(
        "transparent_background.cli.live.run_live",
        lambda request, source: shown.append((source, request.camera.record or request.run.dest)) or 0,
    )
    Path("clip.mp4").touch()
    assert tb(*arguments) == 0
    assert shown == [(camera, record)]


def test_a_camera_stands_alone_and_a_stream_can_be_recorded_as_a_film(photo_file, capsys) -> None:
    assert tb("0", "photo.jpg") == 2
    assert "name it alone" in capsys.readouterr().err
    assert tb("photo.jpg", "--preview") == 2
    assert "shown live" in capsys.readouterr().err
    assert tb("rtsp://127.0.0.1:9/live", "-d", "film.mp4", "-t", "white") == 4  # nobody answers there
    assert "rtsp://127.0.0.1:9/live: cannot be opened" in capsys.readouterr().err


def test_results_in_a_watched_folder_are_no_new_sources(photo_file) -> None:
    watched = Path("watched")
    watched.mkdir()
    watcher = Watcher(["watched"], recursive=False)
    for name in ("a.png", "a_rgba.png", "a_rgba_matte.mp4"):
        (watched / name).write_bytes(b"x" * 10)
    watcher.ignore([watched / "a_rgba.png", watched.resolve() / "a_rgba_matte.mp4", Path("elsewhere.png")])
    watcher.poll()
    assert [source.path for source in watcher.poll().items] == [watched / "a.png"]


@pytest.mark.parametrize("format", ["apng", "webp", "gif"])
def test_the_mattes_of_an_animation_are_an_animation(here_with_animation, format) -> None:
    assert tb("a.gif", "-t", "map", "-f", format) == 0
    with Image.open(f"a_map.{format}") as image:
        assert image.n_frames == 3


@pytest.fixture
def here_with_animation(photo_file) -> None:
    frames = [Image.fromarray(np.roll(draw_object(), 9 * i, axis=1)) for i in range(3)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:], duration=100)
