"""The README is short, its plugin works as printed, and its numbers are those of the reference results."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from documents import blocks, loosely
from shell import bench

from vaegan_bench.api import Model
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.registry.selectors import split_list
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.loop import train

README = Path(__file__).parents[2] / "README.md"
COMMANDS = [
    line
    for block in blocks("../README.md")
    if block.language == "sh"
    for line in block.text.splitlines()
    if line.startswith("vaegan-bench")
]


@pytest.fixture
def loss(tmp_path: Path) -> Path:
    """The README's loss, in its file."""
    (block,) = [block for block in blocks("../README.md") if block.file]
    file = tmp_path / block.file
    file.write_text(block.text, "utf-8")
    return file


def test_the_readme_is_short() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= 150
    assert max(map(len, lines)) <= 100


def test_the_loss_in_the_readme_registers_and_trains(loss: Path) -> None:
    written = [line for line in loss.read_text("utf-8").splitlines() if line]
    assert "these twelve lines" in README.read_text("utf-8")
    assert len(written) == 12
    model = Registry([loss]).build(Model, "vaegan[similarity=charbonnier]")
    assert train(small_run(model), blobs(), torch.device("cpu")).status == "ok"


def test_the_check_of_the_loss_prints_what_the_readme_shows(loss: Path) -> None:
    (shown,) = [block.text for block in blocks("../README.md") if block.language == "text"]
    ran = bench("check", loss.name, cwd=loss.parent)
    assert ran.returncode == 0
    assert loosely(shown) in loosely(ran.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_in_the_readme_exist_with_their_options(command: str) -> None:
    _, name, *words = shlex.split(command, comments=True)
    page = bench(name, words[0] if name == "data" else "--help", "--help", cwd=README.parent)
    assert page.returncode == 0
    missing = [word for word in words if word.startswith("--") and word not in page.stdout]
    assert not missing


def test_the_models_in_the_readme_can_be_planned(loss: Path) -> None:
    registry = Registry([loss])
    listed = re.findall(r'run .*--models "([^"\n]*)"', README.read_text("utf-8"))
    assert len(listed) >= 3
    for models in listed:
        make_plan(
            load_study("quick").with_values({"models": split_list(models), "device": "cpu"}, "the README"), registry
        )


def test_the_numbers_in_the_readme_are_those_of_the_reference_results() -> None:
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith(("| `vae", "| `gan"))]
    assert [row.split("`")[1] for row in rows] == ["vae", "gan", "vaegan", "vaegan-pixel"]
    summary = (README.parent / "results" / "reference-quick" / "summary.md").read_text("utf-8").splitlines()
    for row in rows:
        model, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        found = {cell.strip() for line in summary if line.startswith(f"| {model} |") for cell in line.split("|")}
        assert set(cells) <= found


def test_the_readme_shows_one_image_which_is_there() -> None:
    (image,) = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text("utf-8"))
    assert (README.parent / image).is_file()


def test_make_names_a_python_that_is_too_old(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(README.parent / name, tmp_path)
    old = tmp_path / "python3.10"
    pretend = "import sys; sys.version_info = (3, 10, 13); exec(sys.argv[1])"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{pretend}' \"$2\"\n")
    old.chmod(0o755)
    ran = subprocess.run(["make", "run", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 2
    assert f"{old} is too old: vaegan-bench needs Python 3.11 or newer" in ran.stderr
    assert "make run PYTHON=" in ran.stderr
    assert not (tmp_path / ".venv").exists()
