"""`vaegan-bench report`: the page is written with the rest, and opened where one asks for it."""

from __future__ import annotations

import re
import shutil
import webbrowser
from pathlib import Path

import pytest
from shell import bench
from stored_study import store_study

import vaegan_bench as vb
from vaegan_bench.api import StoreError
from vaegan_bench.results.study_folder import StudyFolder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser was asked to open; the first time it does, after that there is none."""
    seen = list[str]()

    def open_one(url: str) -> bool:
        seen.append(url)
        return len(seen) == 1

    monkeypatch.setattr(webbrowser, "open", open_one)
    return seen


def test_the_page_is_listed_first_and_opened_on_request(tmp_path: Path, opened: list[str]) -> None:
    folder = store_study(tmp_path / "stored")
    page = folder.path / "report.html"
    done = bench("report", folder.path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(page)
    assert opened == []
    page.unlink()
    assert bench("report", folder.path, "--open").returncode == 0
    assert page.is_file()
    assert opened == [page.as_uri()]


def test_where_there_is_no_browser_it_says_what_to_do(tmp_path: Path, opened: list[str]) -> None:
    folder = store_study(tmp_path / "stored")
    opened.append("an earlier one")
    done = bench("report", folder.path, "--open")
    assert done.returncode == 1
    assert done.stderr == f"Error: No browser could be opened: open {folder.path / 'report.html'} by hand.\n"


def test_an_archive_that_cannot_be_written_hides_nothing_else_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_study(tmp_path / "stored")
    next(folder.path.glob("vae-0/metrics.json")).write_text("{")

    def full(study: StudyFolder) -> Path:
        raise StoreError("Cannot write records.zip: No space left on device.") from OSError(28, "No space left")

    monkeypatch.setattr("vaegan_bench.results.archive.archive_study", full)
    done = bench("report", folder.path, "--archive")
    assert done.returncode == 1
    assert "Error: Left out: " in done.stderr
    assert "Error: --archive: Cannot write records.zip" in done.stderr


def test_python_writes_the_same_page(tmp_path: Path) -> None:
    folder = store_study(tmp_path / "stored")
    bench("report", folder.path)
    page = folder.path / "report.html"
    before = without_figures(page)
    page.unlink()
    assert vb.load(folder.path).report() == page
    assert without_figures(page) == before


def without_figures(page: Path) -> str:
    """The page but for its figures, whose layout depends on whether they were drawn before."""
    return re.sub("<svg.*?</svg>", "", page.read_text("utf-8"), flags=re.DOTALL)


def test_a_study_without_a_finished_run_is_one_line(tmp_path: Path) -> None:
    folder = store_study(tmp_path / "stored")
    for run in folder.runs():
        shutil.rmtree(run.path)
    before = sorted(folder.path.iterdir())
    done = bench("report", folder.path, "--archive")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "holds no finished run yet: train some with vaegan-bench run." in done.stderr
    assert sorted(folder.path.iterdir()) == before
