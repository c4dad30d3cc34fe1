"""Names lead to weights: the registry, the user's config, the default."""

from __future__ import annotations

import json
import logging
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from transparent_background import checkpoints
from transparent_background.checkpoints import CHECKPOINTS, Checkpoint
from transparent_background.checkpoints.failures import failed_lately
from transparent_background.errors import DownloadError, OfflineError, UnknownModeError, UsageError

DOCS = Path(__file__).parents[2] / "docs" / "models.md"

PUBLISHED_CONFIG = """\
base:
  url: "https://github.com/plemeri/transparent-background/releases/download/1.2.12/ckpt_base.pth"
  md5: "d692e3dd5fa1b9658949d452bebf1cda"
  ckpt_name: "ckpt_base.pth"
  http_proxy: NULL
  base_size: [1024, 1024]
base-nightly:
  url: "https://github.com/plemeri/transparent-background/releases/download/1.2.12/ckpt_base_nightly.pth"
  md5: NULL
  ckpt_name: "ckpt_base_nightly.pth"
  http_proxy: NULL
  base_size: [1024, 1024]
"""


def write_config(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "config.yaml").write_text(text)


def test_every_record_can_be_had_and_used() -> None:
    assert len({record.name for record in CHECKPOINTS}) == len(CHECKPOINTS) == 13
    assert len({record.file_name for record in CHECKPOINTS}) == len(CHECKPOINTS)
    for record in CHECKPOINTS:
        assert record.bundled or record.sources
        assert all(source.startswith("https://") for source in record.sources)
        assert record.resize == ("blend" if record.base_size[0] < 1024 else "static") or record.name == "fast"
        assert record.description
        assert record.origin


def test_names_are_found_whatever_their_case() -> None:
    assert checkpoints.find("swinb-dis5k").name == "SwinB-DIS5K"
    with pytest.raises(UnknownModeError, match=r"'nope' is unknown; choose from base, fast,.*lite"):
        checkpoints.find("nope")


def test_the_bundled_file_is_in_the_package() -> None:
    path = checkpoints.local_path(checkpoints.find("lite"))
    assert path is not None
    assert path.stat().st_size < 12_000_000
    assert checkpoints.fetch(checkpoints.find("lite"), offline=True) == path


def test_home_follows_the_variable_and_the_tilde(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_FILE_PATH", "~/weights")
    assert checkpoints.home() == tmp_path / "weights" / ".transparent-background"
    monkeypatch.delenv("TRANSPARENT_BACKGROUND_FILE_PATH")
    assert checkpoints.home() == tmp_path / ".transparent-background"


def test_asking_creates_nothing(private_home) -> None:
    checkpoints.all_checkpoints()
    checkpoints.local_path(checkpoints.find("base"))
    assert not private_home.exists()


def test_a_copy_of_the_published_config_keeps_our_mirrors(private_home) -> None:
    own = {record.name: record for record in CHECKPOINTS}
    write_config(private_home, PUBLISHED_CONFIG)
    assert checkpoints.find("base") == own["base"]
    assert checkpoints.find("base-nightly") == own["base-nightly"]


def test_the_users_config_adds_and_changes_modes(private_home) -> None:
    write_config(
        private_home,
        """
mine:
  url: https://drive.google.com/file/d/1abcDEF_ghij-k/view?usp=sharing
  md5: 00000000000000000000000000000AFF
  ckpt_name: mine.pth
  http_proxy: http://proxy:8080
  base_size: [640, 512]
  backbone: res2net50d
  depth: 32
  resize: dynamic
fast:
  url: file:///weights/fast.pth
  md5: null
  ckpt_name: my_fast.pth
  base_size: [384, 384]
""",
    )
    mine = checkpoints.find("mine")
    assert (mine.drive_id, mine.urls) == ("1abcDEF_ghij-k", ())
    assert mine.md5 == "00000000000000000000000000000aff"
    assert (mine.base_size, mine.backbone, mine.depth, mine.resize) == (
        (640, 512),
        "res2net50d",
        32,
        "dynamic",
    )
    assert mine.http_proxy == "http://proxy:8080"
    fast = checkpoints.find("fast")
    assert (fast.sources, fast.md5, fast.sha256) == (("file:///weights/fast.pth",), None, None)
    assert fast.file_name == "my_fast.pth"


def test_a_config_of_an_earlier_release_keeps_our_mirrors(private_home) -> None:
    own = checkpoints.find("base")
    write_config(
        private_home,
        """
base:
  url: https://drive.google.com/file/d/13oBl5MTVcWER3YU4fSxW3ATlVfueFQPY/view?usp=share_link
  md5: d692e3dd5fa1b9658949d452bebf1cda
  ckpt_name: ckpt_base.pth
""",
    )
    assert checkpoints.find("base") == own


def test_the_same_file_at_another_address_is_tried_there_first(private_home) -> None:
    own = checkpoints.find("base")
    write_config(
        private_home,
        "Base: {url: 'http://nas/base.pth', md5: d692e3dd5fa1b9658949d452bebf1cda, ckpt_name: ckpt_base.pth}",
    )
    changed = checkpoints.find("base")
    assert changed.sources == ("http://nas/base.pth", *own.sources)
    assert changed.sha256 == own.sha256
    assert len(checkpoints.names()) == len(CHECKPOINTS)


@pytest.mark.parametrize(("url", "sources"), [("", ()), (", url: 'file:///lite'", ("file:///lite",))])
def test_the_users_own_lite_is_not_looked_for_in_the_package(private_home, url, sources) -> None:
    write_config(private_home, f"lite: {{ckpt_name: my_lite.safetensors{url}}}")
    lite = checkpoints.find("lite")
    assert not lite.bundled
    assert lite.sources == sources
    assert checkpoints.local_path(lite) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("base: [unclosed", r"not valid YAML \(line 1\)"),
        ("- a\n- b", "must map mode names"),
        ("mine: 3", "mine: must hold settings"),
        ("mine: {url: 'https://a/b'}", "mine: ckpt_name is missing"),
        ("mine: {ckpt_name: ../../evil.pth}", "ckpt_name must be a file name"),
        ("mine: {ckpt_name: ..}", "ckpt_name must be a file name"),
        ("mine: {ckpt_name: 'C:\\\\a.pth'}", "ckpt_name must be a file name"),
        ("mine: {ckpt_name: null}", "mine: ckpt_name is missing"),
        ("mine: {ckpt_name: a.pth, md5: 12}", "md5 must be text"),
        ("mine: {ckpt_name: a.pth, md5: abc}", "md5 must be 32 hexadecimal"),
        ("mine: {ckpt_name: a.pth, base_size: [10]}", "base_size must be"),
        ("mine: {ckpt_name: a.pth, base_size: large}", "base_size must be"),
        ("mine: {ckpt_name: a.pth, depth: 0}", "depth must be"),
        ("mine: {ckpt_name: a.pth, resize: big}", "resize must be one of static"),
    ],
)
def test_a_broken_config_names_file_and_field(private_home, text, words) -> None:
    write_config(private_home, text)
    with pytest.raises(UsageError, match=words) as caught:
        checkpoints.all_checkpoints()
    assert str(private_home / "config.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_config_changes_nothing(private_home) -> None:
    write_config(private_home, "# nothing\n")
    assert list(checkpoints.all_checkpoints()) == [record.name for record in CHECKPOINTS]


def test_the_default_is_lite_only_where_base_cannot_be_had_and_says_so(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        assert checkpoints.choose_default(offline=True).name == "lite"
    assert "USING THE SMALL BUNDLED MODEL" in caplog.text


def test_a_failed_download_is_not_waited_for_again_at_once(private_home, monkeypatch, caplog) -> None:
    asked = []

    def fail(record, *arguments, **words):
        asked.append(record.name)
        raise DownloadError(f"{record.name}: no network")

    monkeypatch.setattr("transparent_background.checkpoints.download.download", fail)
    now = time.time()
    monkeypatch.setattr("transparent_background.checkpoints.failures.time.time", lambda: now)
    for _ in range(2):
        assert checkpoints.choose_default(offline=False).name == "lite"
    assert asked == ["base"]
    assert "could not be downloaded just now" in caplog.text
    with pytest.raises(DownloadError, match="no network"):  # who asks for it by name is not told of the past
        checkpoints.fetch(checkpoints.find("base"), offline=False)
    now += 600
    assert checkpoints.choose_default(offline=False).name == "lite"
    now -= 3600  # the clock was set back: nothing is known
    assert checkpoints.choose_default(offline=False).name == "lite"
    assert asked == ["base"] * 4
    assert {path.name for path in private_home.iterdir()} == {".failed.json"}


def test_a_download_that_comes_through_is_no_failure_any_more(private_home, monkeypatch) -> None:
    private_home.mkdir()
    (private_home / ".failed.json").write_text('{"base": 5.0}')

    def bring(record, path, **words):
        path.write_bytes(b"\x80")
        return path

    monkeypatch.setattr("transparent_background.checkpoints.download.download", bring)
    assert checkpoints.choose_default(offline=False).name == "base"
    assert (private_home / ".failed.json").read_text() == "{}"


@pytest.mark.parametrize("notes", ["", "[1]", '{"base": "x"}', '{"base": null}', "\0"])
def test_broken_notes_of_failures_are_none(private_home, notes) -> None:
    private_home.mkdir()
    (private_home / ".failed.json").write_text(notes)
    assert failed_lately(private_home, "base") is None


def test_offline_is_no_failure_to_remember(private_home) -> None:
    assert checkpoints.choose_default(offline=True).name == "lite"
    assert not private_home.exists()


@pytest.mark.parametrize("url", ["", "url: {own}, "])
def test_a_null_checksum_takes_whatever_file_is_there(private_home, url) -> None:
    """As in 1.3.4: weights of one's own under the published name."""
    own = checkpoints.find("base")
    private_home.mkdir()
    (private_home / own.file_name).write_bytes(b"\x80 a pickle by its first byte")
    text = url.format(own=own.urls[0])
    write_config(private_home, f"base: {{{text}md5: NULL, ckpt_name: {own.file_name}}}")
    record = checkpoints.find("base")
    assert (record.md5, record.sha256, record.size) == (None, None, None)
    assert checkpoints.fetch(record, offline=True) == private_home / own.file_name
    write_config(private_home, f"base: {{{text}ckpt_name: {own.file_name}}}")
    with pytest.raises(OfflineError, match="damaged or not the published"):
        checkpoints.fetch(checkpoints.find("base"), offline=True)


def test_the_default_is_base_where_it_is(private_home, monkeypatch) -> None:
    private_home.mkdir()
    write_config(private_home, "base: {url: 'file:///x', ckpt_name: b.pth, base_size: [1024, 1024]}")
    (private_home / "b.pth").write_bytes(b"\x80 a pickle by its first byte")
    assert checkpoints.choose_default(offline=True).name == "base"


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys, json; from transparent_background import checkpoints; checkpoints.all_checkpoints();"
        "print(json.dumps([m for m in ('torch', 'numpy', 'requests', 'gdown') if m in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == []


def zoo() -> list[Checkpoint]:
    return [entry for entry in CHECKPOINTS if "model zoo" in entry.origin]


@pytest.mark.parametrize("checkpoint", zoo(), ids=lambda entry: entry.name)
def test_every_checkpoint_of_the_paper_has_its_recipe(checkpoint) -> None:
    from transparent_background.train.config import load_config

    config = load_config(*_split(checkpoint.recipe))
    assert config.model.base_size == checkpoint.base_size
    assert config.model.backbone == checkpoint.backbone
    assert ", ".join(entry.path for entry in config.data.train) == checkpoint.trained_on
    assert f"`{checkpoint.recipe}`" in DOCS.read_text()


def _split(recipe: str) -> tuple[str, list[str]]:
    name, *changes = shlex.split(recipe)
    return name, changes


def test_the_docs_show_the_registrys_scores() -> None:
    text = DOCS.read_text()
    for checkpoint in zoo():
        for values in checkpoint.scores.values():
            cell = " / ".join(f"{value:.3f}"[1:] for value in values.values())
            assert f" {cell} |" in text, (checkpoint.name, cell)
