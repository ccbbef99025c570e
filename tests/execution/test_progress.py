"""The bars of a study: one for it, one for each run that goes on, and what each run prepares."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vaegan_bench.cli.progress import TerminalProgress


@pytest.fixture
def progress() -> TerminalProgress:
    bars = TerminalProgress(Console(file=io.StringIO(), force_terminal=True, width=100))
    bars.study_started(name="s", runs=["a", "b", "c"], images=[40, 60, 0])
    return bars


def shown(progress: TerminalProgress) -> dict[str, float]:
    """Description → how much of it is done, of every bar."""
    return {task.description.strip(): task.completed for task in progress.bars.tasks}


def test_lines_are_printed_as_they_are(progress: TerminalProgress) -> None:
    progress.run_awaited(run="a", holder="process 7 on [bold]:bell:")
    assert progress.console.file.getvalue() == "Waiting for a, on which process 7 on [bold]:bell: works\n"  # type: ignore[attr-defined]


def test_descriptions_of_bars_are_shown_as_they_are(progress: TerminalProgress) -> None:
    progress("resizing stl10[unlabeled=true] (train)", 1, 4)
    progress.run_started(run="a", steps=10, done=0, batch=4)
    progress("a: resizing stl10[unlabeled=false]", 1, 4)
    lines = Console(file=io.StringIO(), width=200)
    lines.print(progress.bars)
    text = lines.file.getvalue()  # type: ignore[attr-defined]
    assert "resizing stl10[unlabeled=true] (train)" in text
    assert "resizing stl10[unlabeled=false] 25%" in text


def test_runs_side_by_side_have_a_bar_each_and_one_together(progress: TerminalProgress) -> None:
    progress.run_started(run="a", steps=10, done=0, batch=4)
    progress.run_started(run="b", steps=10, done=0, batch=6)
    progress.step_ended(run="a", step=1)
    progress.step_ended(run="b", step=1)
    progress.step_ended(run="b", step=2)
    assert shown(progress) == {"study s": 16, "a": 4, "b": 12}
    assert progress.bars.tasks[0].fields["rate"] == "run 2 of 3"
    progress.run_ended(run="a", status="ok")
    assert shown(progress) == {"study s": 16, "b": 12}
    progress.step_ended(run="b", step=3)
    assert shown(progress) == {"study s": 22, "b": 18}


def test_a_run_that_begins_again_counts_from_its_beginning(progress: TerminalProgress) -> None:
    progress.run_started(run="a", steps=10, done=0, batch=4)
    progress.step_ended(run="a", step=5)
    progress.run_ended(run="a", status="interrupted")
    progress.run_started(run="a", steps=10, done=0, batch=4)
    progress.step_ended(run="a", step=1)
    assert shown(progress) == {"study s": 4, "a": 4}
    assert progress.bars.tasks[0].fields["rate"] == "run 1 of 3"


def test_a_run_that_goes_on_counts_from_its_checkpoint(progress: TerminalProgress) -> None:
    progress.run_started(run="b", steps=10, done=7, batch=6)
    assert shown(progress) == {"study s": 42, "b": 42}
    progress.step_ended(run="b", step=8)
    assert shown(progress) == {"study s": 48, "b": 48}


def test_what_a_run_prepares_is_shown_in_its_bar_and_what_all_need_apart(progress: TerminalProgress) -> None:
    progress.run_started(run="a", steps=0, done=0, batch=4)
    progress.run_started(run="b", steps=0, done=0, batch=4)
    progress("a: features", 1, 4)
    progress("b: neighbours", 2, 4)
    progress("oracle training: once", 3, 4)
    assert shown(progress) == {"study s": 0, "a": 0, "b": 0, "oracle training: once": 3}
    assert [task.fields["rate"] for task in progress.bars.tasks[1:]] == ["features 25%", "neighbours 50%", ""]
    progress("data", 1, 4)
    assert shown(progress) == {"study s": 0, "a": 0, "b": 0, "data": 1}
    progress.run_ended(run="b", status="failed: no idea")
    assert shown(progress) == {"study s": 0, "a": 0, "data": 1}  # others may still need it
    progress.run_ended(run="a", status="ok")
    progress.run_ended(run="c", status="failed: it has not even started")
    assert shown(progress) == {"study s": 0}
    progress("data", 4, 4)
    assert shown(progress) == {"study s": 0}
