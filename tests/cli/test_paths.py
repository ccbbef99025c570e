"""Paths from users pass one door: `~` means the same everywhere, and what can be no path is one line."""

from __future__ import annotations

import os
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from shell import bench

import vaegan_bench
from vaegan_bench.api import BenchError, Dataset, StoreError
from vaegan_bench.api.places import VARIABLE, data_folder
from vaegan_bench.cli.app import app
from vaegan_bench.metrics.extractors.published_weights import PublishedWeights, file_at
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.paths import home_folder, output_file, user_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def parameters(application: typer.Typer = app) -> Iterator[tuple[str, str, object]]:
    """Command, parameter and annotation, of all commands."""
    for group in application.registered_groups:
        assert group.typer_instance is not None
        yield from parameters(group.typer_instance)
    for command in application.registered_commands:
        assert command.callback is not None
        hints = typing.get_type_hints(command.callback, include_extras=True)
        yield from ((command.callback.__name__, name, hint) for name, hint in hints.items() if name != "return")


def test_every_parameter_that_is_a_path_passes_the_door() -> None:
    found = [(command, name, hint) for command, name, hint in parameters() if "Path" in str(hint)]
    for command, name, hint in found:
        (declared,) = typing.get_args(hint)[1:]
        assert declared.parser in (user_path, output_file), f"{command} {name} must be declared with parser=user_path"
    assert {("run", "results"), ("prepare", "data_dir"), ("evaluate", "runs")} <= {each[:2] for each in found}
    assert len(found) >= 20


def test_a_tilde_is_the_home_folder(home: Path) -> None:
    assert user_path("~/x") == home / "x"
    assert user_path(Path("~") / "x") == home / "x"
    assert user_path("a/~x") == Path("a/~x")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "A path is empty"),
        ("a\0b", r"'a\x00b' cannot be a path: it holds a NUL"),
        ("~nobody-of-this-name/x", "There is no home directory for '~nobody-of-this-name/x': write the whole path."),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_can_be_no_path_is_one_line_everywhere(home: Path, written: str, told: str) -> None:
    with pytest.raises(StoreError) as raised:
        user_path(written)
    assert told in str(raised.value)
    lines: list[tuple[str, ...]] = [
        ("table", written),
        ("run", "smoke", "--results", written),
        ("run", "smoke", "--cache-dir", written),
        ("run", "smoke", "--data-dir", written),
        ("run", "smoke", "--plugin", written or "./"),
        ("evaluate", written or "x\0"),
        ("evaluate", "--real", written, "--fake", "b"),
        ("sample", written),
        ("sample", "x", "--out", written),
        ("compare", "a", "b", "--study", written),
        ("new", "loss", "my_l", "--folder", written),
        ("data", "info", "avatars", "--out", written),
    ]
    for line in lines:
        done = bench(*line)
        assert done.returncode == 2, line
        assert done.stderr.count("\n") == 1, line
        assert "Error: " in done.stderr
    assert list(Path.cwd().iterdir()) == [home]


def test_a_tilde_means_the_same_in_python_selectors_files_and_variables(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench("new", "loss", "my_l", "--folder", "~/plugins")
    assert "my-l" in Registry(["~/plugins/my_l.py"]).of_kind("reconstruction loss")
    (home / "mine.toml").write_text("steps = 3\n")
    assert load_study("~/mine.toml").steps == 3
    dataset = Registry().build(Dataset, "folder[path=~/faces]")
    assert dataset.source_folder == home / "faces"
    monkeypatch.setenv(VARIABLE, "~/data")
    assert data_folder() == home / "data"
    for reader in (vaegan_bench.load, vaegan_bench.load_model):
        with pytest.raises(BenchError, match=f"{home}/no-study"):
            reader("~/no-study")
    (home / "w.pth").write_bytes(b"weights")
    published = PublishedWeights(extractor="x", url="u", sha256="", file="f")
    assert file_at("~/w.pth", published).path == home / "w.pth"


@pytest.mark.usefixtures("tables_alone")
def test_runs_are_kept_in_the_home_folder_and_not_in_one_called_tilde(home: Path) -> None:
    study = {"models": ["vae"], "metrics": ["reconstruction"], "steps": 2, "samples": 4, "batch": 4, "size": 16}
    networks = "compact[latent=4,width=4,decoder_width=4]"
    done = vaegan_bench.run("smoke", results="~/results", cache="~/cache", networks=networks, **study)
    assert done.folder.path == home / "results" / "smoke"
    assert list(home.glob("results/smoke/vae-*/weights.safetensors"))
    assert {path.name for path in home.iterdir()} >= {"results", "cache"}
    assert list(Path.cwd().iterdir()) == [home]


def test_without_a_home_folder_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)
    with pytest.raises(StoreError, match=r"There is no home directory for cache: .* --cache-dir"):
        home_folder("cache")
    with pytest.raises(StoreError, match="--data-dir"):
        home_folder("data")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("table", "a_file"), "a_file holds no study"),
        (("sample", "a_file"), "a_file holds no run: there is no run.json in it."),
        (("evaluate", "--real", "a_file", "--fake", "a_file"), "There is no folder a_file"),
        (("run", "smoke", "--plugin", "a_folder"), "a_folder is a folder: name a plugin file in it"),
        (("run", "smoke", "--plugin", "./a_folder"), "is a folder: name a plugin file in it"),
        (("run", "a_folder"), "a_folder is a folder: name a TOML file in it"),
        (("run", "a_folder.toml"), "a_folder.toml is a folder"),
        (("run", "a_file"), "a_file is not a study file: its name must end in .toml"),
        (("run", "smoke", "--results", "a_file"), "Cannot write results to a_file"),
    ],
)
def test_a_file_for_a_folder_and_the_reverse_are_one_line(
    home: Path, arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    (tmp_path / "a_file").write_text("x")
    for name in ("a_folder", "a_folder.toml"):
        (tmp_path / name).mkdir()
    done = bench(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert told in done.stderr
