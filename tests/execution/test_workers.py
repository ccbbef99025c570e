"""Runs side by side in processes: the same bits, the same hooks, and what becomes of a process that dies."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from shell import bench, interruptible
from small_studies import MORTAL, SMALL, executed, values
from stored_study import add, measurement, store_study

import vaegan_bench as vb
from vaegan_bench.api import Message, Work
from vaegan_bench.api.engines import discard
from vaegan_bench.execution.engines.processes import Processes
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.held_runs import HeldRuns
from vaegan_bench.execution.runner import Outcome
from vaegan_bench.execution.tasks import RunTask
from vaegan_bench.execution.transfer import (
    TransferredRun,
    collect_files,
    files_of,
    store_transferred,
    study_folder_with,
)
from vaegan_bench.execution.worker_setup import WorkerSetup, rebuild_plan, setup_for_workers
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.status.recorded import recorded_status
from vaegan_bench.results.archive import archive_study
from vaegan_bench.results.checkpoints import CHECKPOINT
from vaegan_bench.results.failures import failure_since
from vaegan_bench.results.measurements import METRICS
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.results.trained_files import WEIGHTS
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study import as_plain
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.claim_folder import Holder
from vaegan_bench.system.claims import Claim
from vaegan_bench.system.errors import ClaimLostError, IncompleteError, RefusedError, StoreError, StudyError
from vaegan_bench.system.processes import this_process


def test_two_workers_give_the_same_bits_and_hooks_as_one(tmp_path: Path) -> None:
    (alone, told_alone), (both, told) = (
        executed(tmp_path / "alone", Serial()),
        executed(tmp_path / "both", Processes(workers=2)),
    )
    assert not alone.failures
    assert not both.failures
    assert [run.label for run in both.plan.runs] == ["gan", "vae-disl", "vae"]
    for run in alone.plan.runs:
        one, other = alone.folder.run(run.id), both.folder.run(run.id)
        for name in ("weights.safetensors", "history.csv"):
            assert (one.path / name).read_bytes() == (other.path / name).read_bytes()
        assert values(one) == values(other) != []
        assert other.record().environment.device.endswith(", 1 thread)")
    steps = ["step 1", "step 2", "step 3", "terms 4", "step 4"]
    assert told.heard == told_alone.heard
    assert list(told.heard.values()) == [["run of 4", *steps, "evaluated True", "ended ok"]] * 3
    gan, borrower, _ = (run.id for run in both.plan.runs)
    assert told.runs.index(gan) < told.runs.index(borrower)
    assert both.weights == alone.weights != {}
    assert both.folder.rulers() == alone.folder.rulers() != []


@pytest.mark.usefixtures("tables_alone")
def test_a_worker_that_dies_costs_its_run_alone_which_is_tried_once_more(tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    models = "mortal,mortal[always=true],speaker,speaker[about=that]"
    line = ("run", "smoke", "--steps", "4", "--samples", "32", "--metrics", "reconstruction", "--models", models)
    done = bench(
        *line, "--threads", "2", "--workers", "2", "--cache-dir", "cache", "--plugin", "mortal.py", cwd=tmp_path
    )
    assert done.returncode == 1
    assert ", 2 runs side by side." in done.stdout
    again = "interrupted: its worker process was killed by SIGKILL; it is tried once more"
    assert len(re.findall(rf"^mortal-s0-\w+: {again}$", done.stdout, re.M)) == 1
    assert len(re.findall(rf"^mortal-always-true-s0-\w+: {again}$", done.stdout, re.M)) == 1
    assert len(re.findall(r"^[\w-]+: done$", done.stdout, re.M)) == 3
    words = [f"a word about {what} from 2 threads" for what in ("that", "this")]
    assert sorted(re.findall(r"^a word about .*$", done.stdout, re.M)) == words
    (error,) = (text for text in done.stderr.splitlines() if text.startswith("Error"))
    assert error.startswith("Error: mortal-always-true-s0-")
    assert ": its worker process was killed by SIGKILL, for the second time. If memory ran out, choose fewer" in error
    assert done.stderr.count("Warning: a warning about both\n") == 1
    rows = vb.load(tmp_path / "results" / "smoke").rows
    assert set(rows["model"]) == {"mortal", "speaker", "speaker[about=that]"}


@pytest.mark.usefixtures("tables_alone")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_command_and_the_same_command_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    # Enough steps that neither run has been trained before the other has started, on however busy a machine.
    line = ["run", "smoke", "--metrics", "reconstruction", "--steps", "200", "--models", "waiting,waiting[which=1]"]
    line += ["--plugin", "mortal.py", "--cache-dir", "cache"]
    process = interruptible(*line, "--workers", "2", cwd=tmp_path)
    while len(list(tmp_path.glob("*.begun"))) < 2:  # a run that has taken no step leaves nothing to go on from
        assert process.poll() is None
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.kill()
    output, errors = process.communicate(timeout=60)  # which waits for all that hold its streams
    if number == signal.SIGINT:
        assert (process.returncode, errors) == (130, "Interrupted.\n")
        assert "0 of 2 runs are finished and kept in results/smoke" in output
        begun = {name: int(step) for name, step in re.findall(r"([\w-]+) goes on from step (\d+)", output)}
        assert len(begun) == len(list(tmp_path.glob("results/smoke/*/checkpoint.safetensors"))) == 2
        assert len(re.findall(r"^waiting[\w-]*-s0-\w+: interrupted$", output, re.M)) == 2
    assert _end_of_group(process.pid)
    assert not list(tmp_path.rglob("*.partial"))
    assert not list(tmp_path.rglob("*.claim"))
    (tmp_path / "hurry").touch()
    assert bench(*line, cwd=tmp_path).returncode == 0
    assert not list(tmp_path.rglob("*checkpoint*"))
    if number == signal.SIGINT:
        assert begun == {name: int((tmp_path / f"{name}.started").read_text()) for name in begun}


def _end_of_group(group: int) -> bool:
    """Wait for the end of all processes of a group; False where that takes more than a few seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


REASON = "refused.py cannot be imported: ValueError: not here (refused.py:5)."
REFUSED = '''
"""Cannot be imported by a worker."""
import multiprocessing
if multiprocessing.parent_process() is not None:
    raise ValueError("not here")
from vaegan_bench.api import hookimpl
@hookimpl
def run_started(): pass
'''


def test_workers_that_cannot_begin_are_one_error_and_not_started_again(tmp_path: Path) -> None:
    (tmp_path / "refused.py").write_text(REFUSED)
    line = ("run", "smoke", "--models", "gan,vae", "--workers", "2", "--plugin", "refused.py", "--cache-dir", "cache")
    done = bench(*line, cwd=tmp_path)
    assert done.returncode == 2
    words = r"Error: A worker process cannot begin: process \d+ on \S+: "
    assert re.fullmatch(f"{words}{re.escape(REASON)}\n", done.stderr)
    assert not list(tmp_path.glob("results/smoke/*/"))


PICKY = '''
"""Can be imported by the first worker only."""
import multiprocessing
from pathlib import Path
if multiprocessing.parent_process() is not None:
    Path("first worker").touch(exist_ok=False)
from vaegan_bench.api import hookimpl
@hookimpl
def run_started(): pass
'''


@pytest.mark.usefixtures("tables_alone")
@pytest.mark.parametrize("engine", ["processes[workers=2]", "dask[workers=2]"])
def test_a_worker_that_cannot_begin_costs_no_run_if_another_one_can(engine: str, tmp_path: Path) -> None:
    if engine.startswith("dask"):
        pytest.importorskip("distributed")
    (tmp_path / "picky.py").write_text(PICKY)
    line = ("run", "smoke", "--models", "gan,vae", "--steps", "200", "--metrics", "reconstruction", "--engine", engine)
    done = bench(*line, "--plugin", "picky.py", "--cache-dir", "cache", cwd=tmp_path)
    assert done.returncode == 0
    (warning,) = done.stderr.splitlines()
    words = (
        r"Warning: A worker process cannot begin: process \d+ on \S+: picky\.py cannot be imported: FileExistsError: "
    )
    assert re.match(words, warning)
    assert warning.endswith("Others did its work.")
    assert len(list(tmp_path.glob("results/smoke/*/metrics.json"))) == 2


def test_workers_with_other_code_do_not_begin(tmp_path: Path) -> None:
    plan = make_plan(load_study("smoke").with_values({**SMALL, "models": ["gan", "vae"]}, "the test"), Registry())
    execution = Execution(plan, Registry(), StudyFolder(tmp_path / "study"), tmp_path / "cache")
    setup = setup_for_workers(execution.work, Registry(), 60.0)
    other = replace(setup, study=json.dumps(as_plain(replace(plan.study, steps=5))))
    with pytest.raises(RefusedError, match=r"^process \d+ on \S+: its code differs from ours"):
        RunTask(plan.runs[0].id, frozenset(), other)()
    assert not list(tmp_path.glob("study/*/"))


def test_workers_with_other_code_of_metrics_do_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = setup_of(tmp_path)
    assert rebuild_plan(setup).metrics
    there = SimpleNamespace(parts={"vaegan_bench": "0123456789ab"})
    monkeypatch.setattr("vaegan_bench.evaluation.settings.code_of", lambda plugins: there)
    with pytest.raises(StudyError, match=r"^its code differs from ours"):
        rebuild_plan(setup)


def setup_of(folder: Path) -> WorkerSetup:
    values = {**SMALL, "models": ["vae"], "device": "cpu", "precision": "auto"}
    plan = make_plan(load_study("smoke").with_values(values, "the test"), Registry())
    execution = Execution(plan, Registry(), StudyFolder(folder / "study"), folder / "cache")
    return setup_for_workers(execution.work, Registry(), 60.0)


def test_workers_with_another_kind_of_device_or_other_versions_say_so(tmp_path: Path) -> None:
    setup = setup_of(tmp_path)
    with pytest.raises(StudyError, match=r"its device is cpu, and ours is cuda\. Start .* or choose .* --device cpu\."):
        rebuild_plan(replace(setup, plan="others", device="cuda"))
    versions = dict(setup.versions)
    words = f"it has torch {versions['torch']}, and we have torch 0.1: install the same versions there"
    with pytest.raises(StudyError, match=re.escape(words)):
        rebuild_plan(replace(setup, plan="others", versions=tuple({**versions, "torch": "0.1"}.items())))


def test_workers_train_in_the_precision_of_the_command_whatever_is_fast_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaegan_bench.system.device._cpu_is_fast_in_bfloat16", lambda _: True)
    setup = setup_of(tmp_path)
    monkeypatch.setattr("vaegan_bench.system.device._cpu_is_fast_in_bfloat16", lambda _: False)
    assert rebuild_plan(setup).runs[0].precision == "bfloat16"


@dataclass(frozen=True, kw_only=True)
class Pair(Serial):
    """Says that it works on two runs at a time, and does its tasks as workers do them."""

    name = "pair"

    def count(self, runs: int, threads: int, device: str) -> int:
        return 2

    def run(self, work: Work) -> None:
        for task in work.tasks:
            work.end(task, task(discard))


def test_records_of_workers_say_how_many_runs_went_on_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaegan_bench.execution.runner.describe", lambda device, count: f"{device}, {count} runs")
    values = {**SMALL, "models": ["gan"], "metrics": ["reconstruction"], "calibrate": False}
    plan = make_plan(load_study("smoke").with_values(values, "the test"), Registry())
    for name, engine in (("one", Serial()), ("two", Pair())):
        execution = Execution(
            plan, Registry(), StudyFolder(tmp_path / name / "study"), tmp_path / "cache", engine=engine
        )
        execution.run()
    devices = [StudyFolder(tmp_path / name / "study").runs()[0].record().environment.device for name in ("one", "two")]
    assert devices == ["cpu, 1 runs", "cpu, 2 runs"]


def test_a_process_whose_gpu_is_lost_ends_and_fails_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr("vaegan_bench.execution.runner.train_run", fail)
    monkeypatch.setattr("vaegan_bench.execution.runner.still_works", lambda device: False)
    values = {**SMALL, "models": ["gan", "vae"], "metrics": ["reconstruction"], "calibrate": False}
    plan = make_plan(load_study("smoke").with_values(values, "the test"), Registry())
    execution = Execution(plan, Registry(), StudyFolder(tmp_path / "study"), tmp_path / "cache")
    with pytest.raises(IncompleteError, match=r"cpu has stopped working .* illegal memory access .* same command"):
        execution.run()
    assert execution.failures == {}
    monkeypatch.undo()
    execution = Execution(plan, Registry(), StudyFolder(tmp_path / "study"), tmp_path / "cache")
    execution.run()
    assert execution.failures == {}


def test_what_travels_names_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a cluster may have been started in another folder, and would write beside the study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAEGAN_BENCH_DATA", "sources")
    plan = make_plan(load_study("smoke").with_values({**SMALL, "models": ["gan"]}, "the test"), Registry())
    execution = Execution(plan, Registry(), StudyFolder(Path("results/smoke")), Path("cache"))
    setup = setup_for_workers(execution.work, Registry(), 60.0)
    assert setup.folder == tmp_path / "results" / "smoke"
    assert setup.cache == tmp_path / "cache"
    assert setup.data == str(tmp_path / "sources")


def test_a_trained_run_travels_with_its_files_and_is_only_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache of the worker"))

    def execution(*metrics: str) -> Execution:
        values = {**SMALL, "models": ["vae"], "metrics": metrics, "calibrate": False}
        plan = make_plan(load_study("smoke").with_values(values, "the test"), Registry())
        return Execution(plan, Registry(), StudyFolder(tmp_path / "study"), tmp_path / "cache")

    first, heard = execution("reconstruction"), list[Message]()
    first.run()
    (folder,) = first.folder.runs()
    setup = setup_for_workers(execution("reconstruction", "latent-health").work, Registry(), 60.0)
    held = HeldRuns(first.folder)
    there = RunTask(folder.path.name, frozenset(), setup).portable(held, nowhere)
    came = there(heard.append)
    assert isinstance(came, TransferredRun)
    assert "step_ended" not in [message.get("hook") for message in heard]
    store_transferred(came, held)
    assert {each["label"] for each in folder.measurements.by_key().values()} == {"reconstruction", "latent-health"}
    written = (folder.path / "metrics.json").stat().st_mtime_ns
    store_transferred(came, held)  # it is not as it was when it was sent: another process has measured it
    assert (folder.path / "metrics.json").stat().st_mtime_ns == written


def test_a_run_on_which_another_process_works_is_not_trained_on_a_worker_as_well(tmp_path: Path) -> None:
    plan = make_plan(load_study("smoke").with_values({**SMALL, "models": ["vae"]}, "the test"), Registry())
    execution, (run,) = Execution(plan, Registry(), StudyFolder(tmp_path / "study"), tmp_path / "cache"), plan.runs
    execution.folder.create()
    task = RunTask(run.id, frozenset(), setup_for_workers(execution.work, Registry(), 60.0))
    held = HeldRuns(execution.folder)
    with execution.folder.run(run.id).claim():
        outcome = task.portable(held, nowhere)()
    assert isinstance(outcome, Outcome)
    assert str(outcome.holder) == str(this_process())
    assert not outcome.status
    assert task.portable(held, nowhere).holder is None


def nowhere(run: str) -> None:
    """No other study has the run."""


def test_a_run_is_held_while_a_worker_without_our_folder_trains_it(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    folder.create()
    held = HeldRuns(folder)
    assert held.hold("vae-s0") is None
    assert held.hold("vae-s0") is None  # it is begun once more
    held.report({"hook": "run_started", "what": {"run": "vae-s0", "label": "vae", "steps": 9, "done": 4, "batch": 2}})
    held.report({"hook": "step_ended", "what": {"run": "vae-s0", "step": 6}})
    claim, holder = held.take("vae-s0"), folder.run("vae-s0").try_claim()
    assert isinstance(claim, Claim)
    assert isinstance(holder, Holder)
    assert str(holder) == str(this_process())
    assert claim.progress.pop("speed") > 0
    assert claim.progress == {"phase": "training", "step": 6, "steps": 9}
    claim.release()
    held.hold("vae-s0")
    held.close()
    with folder.run("vae-s0").claim():
        pass


@dataclass(frozen=True, kw_only=True)
class Away(Serial):
    """Does its tasks as workers that do not see the study's folder, and looks at the study meanwhile."""

    name = "away"
    folder: Path
    seen: list[str] = field(default_factory=list)
    fails: bool = False

    def run(self, work: Work) -> None:
        def receive(message: Message) -> None:
            work.receive(message)
            if message.get("hook") in ("step_ended", "run_evaluated"):
                for claim in work.held._claims.values():  # type: ignore[attr-defined]  # of PlannedWork
                    claim.beat()
                self.seen.extend(run.state for run in recorded_status(StudyFolder(self.folder)).runs)

        for task in work.tasks:
            sent = work.portable(task)
            if self.fails:
                raise StudyError("The cluster is gone.")
            work.end(task, pickle.loads(pickle.dumps(sent))(receive))


def test_a_run_that_is_trained_elsewhere_is_held_until_its_files_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache of the worker"))
    values = {**SMALL, "models": ["vae"], "metrics": ["reconstruction"], "calibrate": False}
    plan = make_plan(load_study("smoke").with_values(values, "the test"), Registry())
    folder, (run,) = StudyFolder(tmp_path / "study"), plan.runs
    gone = Execution(plan, Registry(), folder, tmp_path / "cache", engine=Away(folder=folder.path, fails=True))
    with pytest.raises(StudyError, match="The cluster is gone"):
        gone.run()
    engine = Away(folder=folder.path)
    Execution(plan, Registry(), folder, tmp_path / "cache", engine=engine).run()
    assert engine.seen == ["training"] * (run.steps - 1) + ["measuring"] * 2
    assert [each.state for each in recorded_status(folder).runs] == ["finished"]
    with folder.run(run.id).claim():
        pass


def test_a_failure_on_a_worker_is_noted_here(tmp_path: Path) -> None:
    held = HeldRuns(StudyFolder(tmp_path / "study"))
    held.folder.create()
    failed = Outcome("vae-s0", "failed: no memory", "no memory")
    assert store_transferred(TransferredRun(failed, {}), held) == failed
    found = failure_since(held.folder.run("vae-s0").path, 0.0)
    assert found is not None
    assert found.reason == "no memory"
    store_transferred(TransferredRun(Outcome("vae-s0", "ok"), {}), held)
    assert failure_since(held.folder.run("vae-s0").path, 0.0) is None


def test_a_run_of_another_study_is_sent_along(tmp_path: Path) -> None:
    other, study = store_study(tmp_path / "other"), StudyFolder(tmp_path / "study")
    study.create()
    trained = other.runs()[0]
    (trained.path / WEIGHTS).touch()
    task = RunTask(trained.path.name, frozenset(), setup_of(tmp_path))
    sent = task.portable(HeldRuns(study), {trained.path.name: trained}.get)
    assert sent.files == {trained.path.name: files_of(trained)}


def test_a_claim_that_was_lost_meanwhile_is_taken_again_if_nobody_has_it(tmp_path: Path) -> None:
    held = HeldRuns(store_study(tmp_path / "study"))
    run = held.folder.runs()[0]
    held.hold(run.path.name)
    for claim in tmp_path.glob("study/.*.claim"):
        shutil.rmtree(claim)  # another machine thought that this one had died
    files = files_of(run)
    outcome = store_transferred(TransferredRun(Outcome(run.path.name, "ok"), files, files[METRICS]), held)
    assert (outcome.status, outcome.holder) == ("ok", None)


def test_a_run_that_was_sent_before_is_sent_again_with_its_later_measurements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaegan_bench.execution.transfer.temporary_folder", lambda: tmp_path / "worker")
    run = store_study(tmp_path / "study").runs()[0]
    study_folder_with("study", {run.path.name: files_of(run)})
    add(run, [(measurement({"psnr": 20.5}, 7, 3), {})])
    there = study_folder_with("study", {run.path.name: files_of(run)}).run(run.path.name)
    assert there.measurements.by_key() == run.measurements.by_key()


@pytest.mark.parametrize("method", ["try_claim", "receive"])
def test_files_that_cannot_be_stored_cost_their_run_alone(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("Cannot write run.json: No space left on device.") from OSError(errno.ENOSPC, "No space left")

    held = HeldRuns(store_study(tmp_path / "study"))
    run = held.folder.runs()[0]
    files = files_of(run)
    monkeypatch.setattr(RunFolder, method, fail)
    outcome = store_transferred(TransferredRun(Outcome(run.path.name, "ok"), files, files[METRICS]), held)
    assert outcome.failure == "Cannot write run.json: No space left on device."
    assert outcome.disk_is_full


def test_a_run_that_is_taken_over_while_its_files_are_stored_is_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> None:
        raise ClaimLostError("Another process took over the run.")

    held = HeldRuns(store_study(tmp_path / "study"))
    run = held.folder.runs()[0]
    files = files_of(run)
    monkeypatch.setattr(RunFolder, "receive", lose)
    outcome = store_transferred(TransferredRun(Outcome(run.path.name, "ok"), files, files[METRICS]), held)
    assert outcome.holder is not None
    assert not outcome.failure


def test_a_run_whose_measuring_failed_comes_with_its_training(tmp_path: Path) -> None:
    run = store_study(tmp_path / "study").runs()[0]
    files = files_of(run)
    (run.path / CHECKPOINT).touch()  # left by a process that was killed before it could remove it
    came = collect_files(run, Outcome(run.path.name, "failed: no weights", "no weights"), {})
    assert came.files == files != {}
    assert not run.path.exists()


def test_a_run_of_which_only_the_archive_has_the_records_has_no_files_to_send(tmp_path: Path) -> None:
    study = store_study(tmp_path / "study")
    archive_study(study)
    run = study.runs()[0]
    shutil.rmtree(run.path)
    assert run.is_trained
    assert files_of(run) == {}


def test_a_script_that_starts_work_at_its_import_is_told_what_to_change(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    values = {**SMALL, "models": ["gan", "vae"], "datasets": ["avatars[faces=60]"]}
    script.write_text(f"import vaegan_bench as vb\nvb.run('smoke', cache='cache', workers=2, **{values})\n")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "before it could begin. Scripts must start work inside of `if __name__ == '__main__':`" in last
    assert not list(tmp_path.glob("results/smoke/*/"))


def test_a_worker_that_is_ended_after_its_last_task_leaves_no_traceback() -> None:
    script = (
        "import multiprocessing, signal\n"
        "from vaegan_bench.execution.engines.workers.worker import work\n"
        "here, there = multiprocessing.Pipe()\n"
        "here.send(None)  # there is no task\n"
        "work(there)\n"
        "signal.raise_signal(signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")


LOSES_ITS_DEVICE = """
import multiprocessing
from vaegan_bench.execution.engines.workers.worker import work
from vaegan_bench.system.errors import DeviceLostError

class Fails:
    def __call__(self, send):
        raise DeviceLostError("cuda has stopped working in this process: an illegal access.")

here, there = multiprocessing.Pipe()
here.send(Fails())
here.send(Fails())
work(there)
while here.poll():
    print(here.recv())
"""


def test_a_worker_whose_gpu_is_lost_says_so_and_takes_no_further_task() -> None:
    done = subprocess.run([sys.executable, "-c", LOSES_ITS_DEVICE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    reason = "cuda has stopped working in this process: an illegal access."
    assert done.stdout.splitlines() == ["Ready()", f"Lost(reason='{reason}')"]


def test_a_worker_of_a_cluster_forgets_the_sources_of_an_earlier_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAEGAN_BENCH_DATA", raising=False)
    plan = make_plan(load_study("smoke").with_values({**SMALL, "models": ["gan"]}, "the test"), Registry())
    execution = Execution(plan, Registry(), StudyFolder(tmp_path / "results" / "smoke"), tmp_path / "cache")
    plain = setup_for_workers(execution.work, Registry(), 60.0)
    rebuild_plan(replace(plain, data=str(tmp_path)))
    assert os.environ["VAEGAN_BENCH_DATA"] == str(tmp_path)
    rebuild_plan(plain)
    assert "VAEGAN_BENCH_DATA" not in os.environ


def test_a_plugin_file_of_another_encoding_travels_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "latin.py"
    head = "# -*- coding: latin-1 -*-\nfrom vaegan_bench.api import hookimpl\n\n\n@hookimpl\n"
    source = f'{head}def vaegan_bench_plugins():\n    """Für nichts."""\n    return []\n'
    file.write_bytes(source.encode("latin-1"))
    registry = Registry([file])
    plan = make_plan(load_study("smoke").with_values({**SMALL, "models": ["gan"]}, "the test"), registry)
    execution = Execution(plan, registry, StudyFolder(tmp_path / "results" / "smoke"), tmp_path / "cache")
    setup = setup_for_workers(execution.work, registry, 60.0)
    file.unlink()
    assert [run.id for run in rebuild_plan(setup).runs] == [run.id for run in plan.runs]
