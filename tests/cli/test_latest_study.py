"""Commands that show a study take the one that was run last where none is named, and say which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shell import bench
from stored_study import store_study

from vaegan_bench.api import StudyError
from vaegan_bench.cli.options import latest_study
from vaegan_bench.results.study_folder import STUDY, StudyFolder

COMMANDS = (("table",), ("table", "--format", "csv"), ("report",), ("compare", "vae", "gan"))
NONE = "There is no study in results that can be read: name a study's folder, or run a study with vaegan-bench run."


def write(study: Path, seconds: int) -> None:
    """Write a study that was run so many seconds after a moment in the past."""
    store_study(study)
    date(study, seconds)


def date(study: Path, seconds: int) -> None:
    os.utime(study / STUDY, (10**9 + seconds, 10**9 + seconds))


def test_the_newest_study_is_taken_and_of_equally_new_ones_the_last_by_name(tmp_path: Path) -> None:
    for name, seconds in {"a": 1, "b": 3, "c": 2}.items():
        write(tmp_path / name, seconds)
    assert latest_study(tmp_path) == tmp_path / "b"
    date(tmp_path / "c", 3)
    assert latest_study(tmp_path) == tmp_path / "c"


def test_a_study_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a", 1)
    write(tmp_path / "b", 2)
    (tmp_path / "b" / STUDY).write_text("{}")
    (tmp_path / "c").mkdir()
    (tmp_path / "c.toml").write_text("steps = 1\n")
    assert latest_study(tmp_path) == tmp_path / "a"
    (tmp_path / "a" / STUDY).write_text("{}")
    with pytest.raises(StudyError, match=r"There is no study in .* that can be read: name a study's folder"):
        latest_study(tmp_path)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_without_a_study_the_error_says_what_to_do(command: tuple[str, ...], tmp_path: Path) -> None:
    done = bench(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {NONE}\n")
    assert list(tmp_path.iterdir()) == []


def test_every_command_says_whose_numbers_it_shows(tmp_path: Path) -> None:
    write(tmp_path / "results" / "newer", 2)
    write(tmp_path / "results" / "older", 1)
    table, csv, report, compare = (bench(*command, cwd=tmp_path) for command in COMMANDS)
    assert [done.returncode for done in (table, csv, report, compare)] == [0, 0, 0, 0]
    assert table.stdout.splitlines()[0].strip() == compare.stdout.splitlines()[0].strip() == "results/newer"
    assert report.stdout.splitlines()[0] == "results/newer/report.html"
    assert (csv.stdout.splitlines()[0][:8], csv.stderr) == ("dataset,", "Study: results/newer\n")
    assert not (tmp_path / "results" / "older" / "report.html").exists()


def test_a_study_that_is_run_again_without_a_change_is_the_latest(tmp_path: Path) -> None:
    write(tmp_path / "a", 1)
    write(tmp_path / "b", 2)
    again = StudyFolder(tmp_path / "a")
    again.write_study(again.study())
    assert latest_study(tmp_path) == tmp_path / "a"


def test_a_study_is_found_by_its_name_in_results(tmp_path: Path) -> None:
    write(tmp_path / "results" / "mine", 1)
    write(tmp_path / "results" / "newest", 2)
    for command in (("table", "mine"), ("report", "mine"), ("compare", "vae", "gan", "--study", "mine")):
        done = bench(*command, cwd=tmp_path)
        assert (done.returncode, "results/mine" in done.stdout) == (0, True), done.stderr
    write(tmp_path / "mine", 3)
    assert "results/mine" not in bench("table", "mine", cwd=tmp_path).stdout
    assert "nowhere holds no study" in bench("table", "nowhere", cwd=tmp_path).stderr
