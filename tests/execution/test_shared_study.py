"""Several processes share the runs of one study: each run is done once, and who waits learns how it ended."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from shell import bench
from stored_study import store_study

from vaegan_bench.api import Engine, StoreError, Work, hookimpl, silent
from vaegan_bench.execution import runner
from vaegan_bench.execution.engines import agenda, serial
from vaegan_bench.execution.engines.processes import Processes
from vaegan_bench.execution.engines.workers import worker_pool
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.planned_work import PlannedWork
from vaegan_bench.execution.run_study import run_study
from vaegan_bench.execution.runner import Runner
from vaegan_bench.execution.tasks import RunTask
from vaegan_bench.execution.time_limit import TimeIsUp, time_limit
from vaegan_bench.execution.transfer import files_of
from vaegan_bench.execution.worker_setup import setup_for_workers
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.status.recorded import recorded_status
from vaegan_bench.results.checkpoints import CHECKPOINT
from vaegan_bench.results.failures import note_failure
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.claim_folder import ClaimFolder
from vaegan_bench.system.claims import Claim, holder_of, try_claim
from vaegan_bench.system.errors import IncompleteError, StudyWarning
from vaegan_bench.system.processes import this_process

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from races import RACES, hold_all

SMALL = {"steps": 2, "batch": 8, "samples": 16, "metrics": ["reconstruction"], "datasets": ["avatars[faces=64]"]}


@pytest.fixture(autouse=True)
def _looks_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "PATIENCE", 0.02)
    for module in (serial, worker_pool):
        monkeypatch.setattr(module, "LOOK", 0.02)


class Notebook:
    """Writes down what it is told of runs, and does what it is asked to do then."""

    def __init__(self, **actions: Callable[[str], object]) -> None:
        self.heard: list[tuple[str, ...]] = []
        self.actions = actions

    def hear(self, hook: str, run: str, *more: str) -> None:
        self.heard.append((hook, run.partition("-s0")[0], *more))
        self.act(hook, run)

    def act(self, hook: str, run: str) -> None:
        self.actions.get(hook, len)(run)

    @hookimpl
    def run_started(self, run: str, steps: int) -> None:
        self.hear("trained" if steps else "measured", run)

    @hookimpl
    def step_ended(self, run: str) -> None:
        self.act("stepped", run)

    @hookimpl
    def terms_logged(self, run: str) -> None:
        self.hear("logged", run)

    @hookimpl
    def run_ended(self, run: str, status: str) -> None:
        self.hear("ended", run, status)

    @hookimpl
    def run_awaited(self, run: str, holder: str) -> None:
        self.hear("awaited", run, holder)

    @hookimpl
    def run_copied(self, run: str, folder: str) -> None:
        self.hear("copied", run, Path(folder).parent.name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


Make = Callable[..., Execution]


@pytest.fixture
def make(tmp_path: Path, cache: Path) -> Make:
    """An execution of a small study."""

    def made(notebook: Notebook, *models: str, name: str = "study", number: int = 1, **values: object) -> Execution:
        registry = Registry()
        registry.manager.register(notebook, "notebook")
        plan = make_plan(load_study("smoke").with_values({**SMALL, "models": models, **values}, "the test"), registry)
        return Execution(plan, registry, StudyFolder(tmp_path / name), cache, engine=Processes(workers=number))

    return made


@pytest.mark.parametrize("number", [1, 2])
def test_a_run_of_another_process_is_passed_over_and_awaited_with_what_borrows_from_it(make: Make, number: int) -> None:
    held = list[Claim]()
    notebook = Notebook(awaited=lambda run: threading.Timer(0.3, held.pop().release).start())
    execution = make(notebook, "vae-disl", "vae", number=number)
    gan, _, _ = execution.plan.runs
    execution.folder.create()
    held.append(execution.folder.run(gan.id).claim())
    execution.run()
    assert execution.failures == {}
    awaited = ("awaited", "gan", str(this_process()))
    in_order = [hook for hook in notebook.heard if hook in (awaited, ("trained", "gan"), ("trained", "vae-disl"))]
    assert in_order == [awaited, ("trained", "gan"), ("trained", "vae-disl")]
    assert ("trained", "vae") in notebook.heard  # before or after: nobody waits to train it
    assert execution.work.left() == []
    assert list(execution.folder.path.rglob(".*")) == []


def test_what_another_process_has_finished_meanwhile_is_not_done_again(make: Make) -> None:
    other = Notebook()

    def work_on_vae(run: str) -> None:
        if run.startswith("gan"):
            make(other, "vae").run()

    notebook = Notebook(trained=work_on_vae)
    execution = make(notebook, "gan", "vae")
    execution.run()
    assert other.heard == [("trained", "vae"), ("logged", "vae"), ("ended", "vae", "ok")]
    assert notebook.heard == [
        ("trained", "gan"), ("logged", "gan"), ("ended", "gan", "ok"), ("ended", "vae", "ok"),
    ]  # fmt: skip
    assert execution.work.left() == []


def test_a_copied_run_can_be_written_to_though_the_other_cannot(make: Make) -> None:
    make(Notebook(), "vae", name="other").run()
    notebook = Notebook()
    execution = make(notebook, "vae")
    [run] = execution.plan.runs
    other = execution.folder.path.parent / "other" / run.id
    for file in other.iterdir():
        file.chmod(0o444)
    execution.run()
    assert ("copied", "vae", "other") in notebook.heard
    copies = {file.name: file.stat() for file in execution.folder.run(run.id).lasting()}
    assert {name: found.st_mtime_ns for name, found in copies.items()} == {
        file.name: file.stat().st_mtime_ns for file in other.iterdir()
    }
    assert all(found.st_mode & 0o200 for found in copies.values())


def test_a_run_that_cannot_be_copied_is_trained_again_and_the_reason_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("Cannot write it: Permission denied.")

    make(Notebook(), "vae", name="other").run()
    monkeypatch.setattr(RunFolder, "copy_from", fail)
    notebook = Notebook()
    with pytest.warns(StudyWarning, match=r"is trained again, as it cannot be copied from .*other.*Permission denied"):
        make(notebook, "vae").run()
    assert ("trained", "vae") in notebook.heard


def test_a_run_that_changes_while_it_is_copied_is_copied_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, copy = [StoreError("It was changed while it was copied.")], RunFolder.copy_from

    def changing(self: RunFolder, claim: Claim, other: RunFolder) -> None:
        if changes:
            raise changes.pop()
        copy(self, claim, other)

    make(Notebook(), "vae", name="other").run()
    monkeypatch.setattr(RunFolder, "copy_from", changing)
    notebook = Notebook()
    make(notebook, "vae").run()
    assert [hook for hook, *_ in notebook.heard] == ["copied", "ended"]
    assert not changes


def test_only_a_run_that_is_whole_is_sent_to_a_worker_without_our_folder(make: Make) -> None:
    first, second, third = (make(Notebook(), "vae", name=name) for name in ("first", "second", "third"))
    first.run()
    second.run()
    [run] = third.plan.runs
    damaged = first.folder.run(run.id).path / "weights.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    third.folder.create()
    setup = setup_for_workers(third.work, third.registry, 60.0)
    planned = PlannedWork([run], setup, Runner(third.work, third.references, print), print, silent)
    sent = planned.portable(next(task for task in planned.tasks if task.name == run.id))
    planned.close()
    assert isinstance(sent, RunTask)
    assert sent.files == {run.id: files_of(second.folder.run(run.id))}


@pytest.mark.usefixtures("tables_alone")
def test_a_command_whose_tables_follow_a_later_plan_says_so_and_misses_nothing(make: Make) -> None:
    def begin_later(run: str) -> None:
        record = execution.folder.study()
        execution.folder.write_study(replace(record, runs=(*record.runs, "vae-s0-01234567")))

    execution = make(Notebook(ended=begin_later), "gan")
    with pytest.warns(StudyWarning, match="follow the plan of a command that was started later"):
        assert run_study(execution).lines == []


@pytest.mark.usefixtures("tables_alone")
def test_numbers_that_had_a_problem_are_named_whatever_plan_the_tables_follow(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_later(run: str) -> None:
        record = execution.folder.study()
        execution.folder.write_study(replace(record, runs=(*record.runs, "vae-s0-01234567")))

    execution = make(Notebook(ended=begin_later), "gan")
    monkeypatch.setattr(RunFolder, "problems", lambda self, keys: {"reconstruction": "no idea"} if keys else {})
    with pytest.warns(StudyWarning, match="follow the plan of a command that was started later"):
        lines = run_study(execution).lines
    assert lines == [f"{execution.plan.runs[0].id}: reconstruction: no idea"]


def test_verdicts_and_sheets_that_failed_are_made_by_the_next_command(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no memory")

    first, notebook = make(Notebook(), "vae"), Notebook()
    [run] = first.plan.runs
    with monkeypatch.context() as patch:
        patch.setattr("vaegan_bench.execution.measured_run.verdicts", fail)
        first.run()
    assert [reason.partition(" (")[0] for reason in first.failures.values()] == ["ValueError: no memory"]
    (status,) = recorded_status(first.folder).runs
    assert (status.state, status.again) == ("failed", ("images of sheets: not made yet",))
    second = make(notebook, "vae")
    assert second.work.left() == [run]
    second.run()
    assert second.failures == {}
    assert ("measured", "vae") in notebook.heard
    assert "samples" in second.folder.run(run.id).images()
    assert recorded_status(first.folder).runs[0].state == "finished"


@dataclass(frozen=True, kw_only=True)
class OutOfTime(Engine):
    """Gives up its first task, and then the time is over."""

    name = "out-of-time"

    def count(self, runs: int, threads: int, device: str) -> int:
        return 1

    def run(self, work: Work) -> None:
        work.give_up(work.tasks[0], "memory ran out")
        raise TimeIsUp


def test_the_end_of_the_time_does_not_hide_what_failed(make: Make) -> None:
    execution = make(Notebook(), "vae", "gan")
    execution.engine = OutOfTime()
    with pytest.raises(IncompleteError) as raised, time_limit("2h"):
        execution.run()
    failed, over = raised.value.lines
    assert failed == f"{execution.plan.runs[0].id}: memory ran out"
    assert over.startswith("The time limit of 2h is over.")


def test_what_failed_in_another_process_is_tried_again_only_by_the_next_command(make: Make) -> None:
    def fail(run: str) -> None:
        if run.startswith("gan"):
            note_failure(execution.folder.run(vae.id).path, "memory ran out")

    notebook = Notebook(trained=fail)
    execution = make(notebook, "gan", "vae")
    _, vae = execution.plan.runs
    execution.run()
    assert execution.failures == {vae.id: f"memory ran out ({this_process()})"}
    assert ("trained", "vae") not in notebook.heard
    again = make(Notebook(), "gan", "vae")
    again.run()
    assert again.failures == {}
    assert again.work.left() == []
    assert list(execution.folder.path.rglob(".*")) == []


def test_a_run_that_was_taken_over_is_dropped_and_is_no_failure(make: Make) -> None:
    def when_logged(run: str) -> None:
        notebook.actions = {}
        take_over(execution, run)

    notebook = Notebook(logged=when_logged)
    execution = make(notebook, "gan")
    execution.run()
    ends = [status for hook, _, status in (heard for heard in notebook.heard if heard[0] == "ended")]
    assert ends[0].startswith("interrupted: Another process took over ")
    assert "its work" in ends[0].lower()
    assert ends[1:] == ["ok"]
    assert execution.failures == {}
    assert execution.work.left() == []


def take_over(execution: Execution, run: str) -> None:
    """What another process does that finds the owner of a run dead."""
    path = execution.folder.run(run).path
    holder = holder_of(path)
    assert holder is not None
    ClaimFolder(path).end(holder.token)


def test_who_was_taken_for_dead_writes_no_checkpoint(make: Make) -> None:
    def at_a_step(run: str) -> None:
        notebook.actions = {"ended": at_the_end}
        take_over(execution, run)

    def at_the_end(run: str) -> None:
        left.append([path.name for path in execution.folder.run(run).path.glob("*")])

    notebook, left = Notebook(stepped=at_a_step), list[list[str]]()
    execution = make(notebook, "gan", steps=3)
    execution.checkpoint = 0
    execution.run()
    assert left[0] == []
    assert len(left) == 2
    assert execution.failures == {}
    assert execution.work.left() == []


def test_a_failure_of_who_was_taken_for_dead_is_not_noted(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    execution, measure = make(Notebook(), "gan"), runner.measure_run

    def fail_once(run: Run, *others: Any) -> list[dict[str, Any]]:
        monkeypatch.setattr(runner, "measure_run", measure)
        take_over(execution, run.id)
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(runner, "measure_run", fail_once)
    execution.run()
    assert execution.failures == {}
    assert execution.work.left() == []
    assert list(execution.folder.path.rglob(".*")) == []


def test_a_run_of_another_study_is_copied_if_it_is_whole(make: Make) -> None:
    first, copying = make(Notebook(), "gan", "vae", name="first"), Notebook()
    first.run()
    gan, vae = (first.folder.run(run.id) for run in first.plan.runs)
    content = bytearray((vae.path / "weights.safetensors").read_bytes())
    (vae.path / "weights.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (gan.path / CHECKPOINT).touch()
    second = make(copying, "gan", "vae", name="second")
    second.run()
    assert copying.heard == [
        ("copied", "gan", "first"), ("ended", "gan", "ok"),
        ("trained", "vae"), ("logged", "vae"), ("ended", "vae", "ok"),
    ]  # fmt: skip
    copy = second.folder.run(gan.path.name)
    assert (copy.path / "weights.safetensors").read_bytes() == (gan.path / "weights.safetensors").read_bytes()
    assert list(copy.rows()) == list(gan.rows())
    assert {path.name for path in gan.path.iterdir()} - {path.name for path in copy.path.iterdir()} == {CHECKPOINT}
    more = Notebook()
    make(more, "gan", name="third", metrics=["reconstruction", "latent-health"], samples=24).run()
    assert more.heard == [("copied", "gan", "first"), ("measured", "gan"), ("ended", "gan", "ok")]
    assert copy.record().definition.steps == 2


def test_a_disk_that_is_full_ends_the_study_also_while_a_run_is_copied(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(Notebook(), "gan", name="first").run()

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vaegan_bench.results.run_folder.shutil.copyfile", full)
    notebook = Notebook()
    with pytest.raises(IncompleteError, match="No space left on device"):
        make(notebook, "gan", name="second").run()
    assert ("trained", "gan") not in notebook.heard


def test_a_finished_run_is_evaluated_unless_another_process_works_on_it(make: Make) -> None:
    execution = make(Notebook(), "gan", "vae")
    execution.run()
    gan, vae = (execution.folder.run(run.id).path for run in execution.plan.runs)
    with RunFolder(gan).claim():
        done = bench("evaluate", gan, vae, "--metrics", "reconstruction", "--samples", "8", "--cache-dir", "cache",
                     cwd=execution.folder.path.parent)  # fmt: skip
    assert done.returncode == 1
    assert f"Another process is working on {gan}, process {os.getpid()} on " in done.stderr
    assert "wait for it, then try again" in done.stderr
    assert len(RunFolder(vae).measurements.by_key()) == 2
    assert len(RunFolder(gan).measurements.by_key()) == 1


def test_each_run_has_a_claim_of_its_own(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    with study.run("vae-0").claim(), study.run("vae-1").claim():
        with pytest.raises(StoreError, match=r"Another process is working on .*/vae-0, process \d+ on .*: wait"):
            study.run("vae-0").claim()
        assert len(study.rows()) == 24  # readers never wait
    study.run("vae-0").claim().release()


def measured_elsewhere(folder: RunFolder) -> None:
    """Let a run be measured with the weights of another machine's extractors."""
    found = folder.measurements.by_key().values()
    records = [{**each, "weights": dict.fromkeys(each["weights"], "theirs")} for each in found]
    with folder.claim() as claim:
        folder.measurements.add(claim, [(record, {}) for record in records], None)


def test_two_machines_with_extractors_of_their_own_agree_on_one(make: Make) -> None:
    values = {"metrics": ["frechet[extractor=efflite0]"], "calibrate": False}
    ours, theirs = make(Notebook(), "gan", "vae", **values), make(Notebook(), "gan", "vae", **values)
    ours.run()
    theirs.weights = {data: dict.fromkeys(found, "theirs") for data, found in ours.weights.items()}
    theirs._agree_on_weights()
    gan, vae = ours.plan.runs
    measured_elsewhere(ours.folder.run(vae.id))
    assert [each._measured_with_other_weights() for each in (ours, theirs)] == [[vae], [gan]]
    claim = try_claim(ours.folder.path / "weights")
    assert isinstance(claim, Claim)

    def meanwhile(description: str, done: int, total: int) -> None:
        if not done:
            claim.release()
            ours._agree_on_weights()

    theirs.progress = meanwhile
    theirs._do = lambda runs: done.append(runs)  # type: ignore[method-assign]
    done = list[Sequence[Run]]()
    theirs._agree_on_weights()
    assert done == [[]]
    assert ours.work.settings.hashes_on(ours.folder.run(vae.id)) == {*next(iter(ours.weights.values())).values()}
    assert [path.name for path in ours.folder.path.iterdir() if path.name.startswith(".")] == []


def test_a_process_that_has_opened_no_extractor_measures_again_what_is_on_other_weights(make: Make) -> None:
    values = {"metrics": ["frechet[extractor=efflite0]"], "calibrate": False}
    first, other = make(Notebook(), "vae", **values), make(Notebook(), "vae", **values)
    first.run()
    (run,) = first.plan.runs
    ours = first.work.settings.hashes_on(first.folder.run(run.id))
    measured_elsewhere(first.folder.run(run.id))
    assert Runner(other.work, other.references, lambda hook, **what: None).attempt(run).status == "ok"
    assert first.work.settings.hashes_on(first.folder.run(run.id)) == ours != {"theirs"}


def test_an_equal_plan_only_gets_a_new_date_and_another_one_replaces_it(make: Make) -> None:
    one = make(Notebook(), "gan")
    one.run()
    record = one.folder.path / "study.json"
    before = record.stat()
    make(Notebook(), "gan").run()
    assert record.stat().st_ino == before.st_ino
    assert record.stat().st_mtime_ns > before.st_mtime_ns  # the study that was run last
    make(Notebook(), "gan", "vae").run()
    assert len(one.folder.study().runs) == 2


def test_nothing_is_lost_or_done_twice_in_some_races() -> None:
    found = hold_all(20, [2, 3], seed=1)
    assert found == {race.name: [] for race in RACES}
