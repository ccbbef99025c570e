"""Runs on a real Dask cluster: the same bits, and what becomes of workers and schedulers that die."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from shell import bench, interruptible
from small_studies import MORTAL, Notebook, executed, values

from vaegan_bench.api import Send
from vaegan_bench.api.engines import discard
from vaegan_bench.execution.engines.cluster.submission import GONE, GRACE, Finished, Submission, do
from vaegan_bench.execution.engines.dask import LOCAL, SETTINGS, Dask
from vaegan_bench.execution.engines.serial import Serial
from vaegan_bench.execution.execution import Execution
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import DeviceLostError

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")

WORKER = ("--nthreads", "1", "--no-dashboard", "--no-nanny")


def test_a_cluster_gives_the_same_bits_and_hooks_as_one_process(tmp_path: Path) -> None:
    expected = executed(tmp_path / "alone", Serial())
    with dask.config.set(SETTINGS), distributed.LocalCluster(n_workers=2, **LOCAL) as cluster:
        for transfer in (False, True):
            engine = Dask(scheduler=cluster.scheduler_address, transfer=transfer)
            _assert_same(*expected, *executed(tmp_path / f"transfer {transfer}", engine))


def _assert_same(alone: Execution, told_alone: Notebook, spread: Execution, told: Notebook) -> None:
    assert not spread.failures
    for run in alone.plan.runs:
        one, other = alone.folder.run(run.id), spread.folder.run(run.id)
        _assert_same_files(one, other)
        assert other.record().environment.device.endswith(", 1 thread)")
        seldom = [word for word in told_alone.heard[run.id] if not word.startswith("step ")]
        assert [word for word in told.heard[run.id] if not word.startswith("step ")] == seldom
    gan, borrower, _ = (run.id for run in spread.plan.runs)
    assert told.runs.index(gan) < told.runs.index(borrower)
    assert spread.weights == alone.weights != {}
    assert spread.folder.rulers() == alone.folder.rulers() != []


def _assert_same_files(one: RunFolder, other: RunFolder) -> None:
    for name in ("weights.safetensors", "history.csv"):
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes()
    assert values(one) == values(other) != []


@pytest.mark.usefixtures("tables_alone")
def test_a_worker_that_dies_costs_its_run_alone_which_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    line = ["run", "smoke", "--steps", "4", "--samples", "32", "--metrics", "reconstruction", "--checkpoint", "0"]
    line += ["--cache-dir", "cache", "--plugin", "mortal.py", "--engine"]
    done = bench(*line, "dask[workers=2]", "--models", "mortal,mortal[always=true],speaker", cwd=tmp_path)
    assert done.returncode == 1
    assert {path.name for path in tmp_path.glob("*killed")} == {"killed", "always killed"}
    assert len(re.findall(r"^[\w-]+: done$", done.stdout, re.M)) == 2
    assert "a word about this from 1 threads\n" in done.stdout
    (error,) = (text for text in done.stderr.splitlines() if text.startswith("Error"))
    assert re.match(r"Error: mortal-always-true-s0-\w+: no worker of the cluster could do it: ", error)
    (again,) = tmp_path.glob("mortal-s0-*.started")
    assert again.read_text() == "1"
    alone = bench(*line, "serial", "--models", "mortal,speaker", "--results", "alone", cwd=tmp_path)
    assert alone.returncode == 0
    for run in StudyFolder(tmp_path / "alone" / "smoke").runs():
        _assert_same_files(run, StudyFolder(tmp_path / "results" / "smoke").run(run.path.name))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_leaves_checkpoints_and_ends_the_command_soon(
    number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    line = ["run", "smoke", "--metrics", "reconstruction", "--steps", "2000", "--models", "waiting"]
    line += ["--plugin", "mortal.py", "--cache-dir", "cache", "--checkpoint", "0", "--engine", "dask[workers=1]"]
    process = interruptible(*line, cwd=tmp_path)
    while not list(tmp_path.glob("results/smoke/*/checkpoint.safetensors")):
        assert process.poll() is None
        time.sleep(0.05)
    began = time.monotonic()
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + number, "Interrupted.\n")
    assert time.monotonic() - began < GRACE
    assert "0 of 1 runs are finished and kept in results/smoke; waiting-s0-" in output
    assert list(tmp_path.glob("results/smoke/*/checkpoint*.safetensors"))


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a cluster's, which does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.usefixtures("tables_alone")
def test_the_same_command_goes_on_when_the_scheduler_died(tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    at = str(tmp_path / "scheduler.json")
    line = ["run", "smoke", "--models", "vaegan,vae", "--metrics", "reconstruction", "--steps", "12"]
    line += ["--plugin", "mortal.py", "--cache-dir", "cache", "--engine"]
    alone = bench(*line, "serial", "--results", "alone", cwd=tmp_path)
    assert alone.returncode == 0
    for file in tmp_path.glob("*.started"):
        file.unlink()
    with ExitStack() as cluster:
        scheduler = cluster.enter_context(
            started("distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", at)
        )
        cluster.enter_context(
            started("distributed.cli.dask_worker", "--scheduler-file", at, "--nthreads", "2", *WORKER[2:])
        )
        command = [sys.executable, "-c", "from vaegan_bench.cli import main; main()", *line, f"dask[scheduler={at}]"]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        while not list(tmp_path.glob("*.started")):
            assert process.poll() is None
            time.sleep(0.05)
        scheduler.kill()
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, f"Error: {GONE}\n")
    assert len(list(tmp_path.glob("*.started"))) == 1  # though its worker has two threads
    assert bench(*line, "serial", cwd=tmp_path).returncode == 0
    for one, other in zip(
        StudyFolder(tmp_path / "alone" / "smoke").runs(),
        StudyFolder(tmp_path / "results" / "smoke").runs(),
        strict=True,
    ):
        _assert_same_files(one, other)


@dataclass(frozen=True)
class Overlapping:
    """A task that says whether another one goes on at the same time."""

    name: str
    going: list[str]
    after: frozenset[str] = frozenset()

    def __call__(self, send: Send = discard) -> int:
        self.going.append(self.name)
        time.sleep(0.1)
        found = len(self.going)
        self.going.remove(self.name)
        return found


def test_a_worker_with_several_threads_does_one_task_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distributed.get_worker", lambda: None)
    going = list[str]()
    with ThreadPoolExecutor(3) as threads:
        found = [threads.submit(do, Overlapping(name, going), "a study") for name in ("one", "two", "three")]
    assert [each.result().result for each in found] == [1, 1, 1]


@dataclass(frozen=True)
class Lost:
    """A task of a process whose GPU has stopped working."""

    name: str = "lost"
    after: frozenset[str] = frozenset()

    def __call__(self, send: Send = discard) -> int:
        raise DeviceLostError("cuda has stopped working")


def test_a_worker_whose_gpu_is_lost_ends_as_it_would_fail_all_further_tasks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("distributed.get_worker", lambda: None)
    monkeypatch.setattr("os._exit", sys.exit)
    with pytest.raises(SystemExit, match="1"):
        do(Lost(), "a study")
    assert capsys.readouterr().err == "cuda has stopped working\n"


def test_a_result_that_is_lost_with_its_worker_is_waited_for_again() -> None:
    ended = list[tuple[str, int]]()
    task = Overlapping("one", [])
    work = SimpleNamespace(tasks=[task], end=lambda task, result: ended.append((task.name, result)) or True)
    submission = Submission(SimpleNamespace(status="running"), work, transfer=False)  # type: ignore[arg-type]
    future = SimpleNamespace(status="lost", result=lambda: Finished(7, 0))
    assert submission.agenda.begin() is task
    submission.futures[task.name] = future  # type: ignore[assignment]
    submission._put_finished(task, future)  # type: ignore[arg-type]
    submission.calls.get_nowait()()
    assert (ended, submission.agenda.is_done) == ([], False)
    future.status = "finished"
    submission.calls.get_nowait()()
    assert (ended, submission.agenda.is_done) == ([("one", 7)], True)


def test_a_cluster_that_cannot_start_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr("distributed.LocalCluster", fail)
    line = ("run", "smoke", "--models", "vae,gan", "--cache-dir", "cache", "--engine", "dask[workers=2]")
    done = bench(*line, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: A Dask cluster cannot start on this machine: Nanny failed to start. Scripts ")


def test_a_scheduler_that_ends_before_the_first_worker_comes_ends_the_command(tmp_path: Path) -> None:
    at = tmp_path / "scheduler.json"
    words = ("distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(at))
    with started(*words) as scheduler:
        while not at.is_file():
            time.sleep(0.05)
        line = ["run", "smoke", "--models", "vae", "--cache-dir", "cache", "--engine", f"dask[scheduler={at}]"]
        command = [sys.executable, "-c", "from vaegan_bench.cli import main; main()", *line]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        while not _is_connected(at):
            assert process.poll() is None
            time.sleep(0.2)
        scheduler.kill()
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, f"Error: {GONE}\n")


def _is_connected(scheduler: Path) -> bool:
    """Whether a client waits for workers of the scheduler."""
    with distributed.Client(scheduler_file=str(scheduler), set_as_default=False) as client:
        ours = client.id
        found: list[str] = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.clients))
    return any(each.startswith("Client-") and each != ours for each in found)


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaegan_bench.execution.engines.dask.CONNECT", "1s")
    line = ("run", "smoke", "--models", "vae", "--cache-dir", "cache", "--engine", "dask[scheduler=tcp://127.0.0.1:9]")
    done = bench(*line, cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"Error: Cannot reach a Dask scheduler at tcp://127.0.0.1:9: .*\n", done.stderr)


def test_workers_of_a_cluster_that_is_there_cannot_be_chosen(tmp_path: Path) -> None:
    done = bench("run", "smoke", "--engine", "dask[scheduler=tcp://127.0.0.1:9,workers=3]", cwd=tmp_path)
    assert done.returncode == 2
    assert "workers are those of the scheduler: leave one of the two out" in done.stderr


def test_workers_without_the_memory_for_a_run_are_refused_before_anything_trains(tmp_path: Path) -> None:
    at = str(tmp_path / "scheduler.json")
    with ExitStack() as cluster:
        for words in (
            ("dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", at),
            ("dask_worker", "--scheduler-file", at, *WORKER, "--memory-limit", "300MiB"),
        ):
            cluster.enter_context(started(f"distributed.cli.{words[0]}", *words[1:]))
        line = ("run", "smoke", "--models", "vae", "--cache-dir", "cache", "--engine", f"dask[scheduler={at}]")
        while not Path(at).is_file():
            time.sleep(0.05)
        done = bench(*line, cwd=tmp_path)
    assert done.returncode == 2
    words = (
        r"Error: A run needs at least 0\.4 GiB of memory, and no worker of the cluster may use more than 0\.3 GiB: .*"
    )
    assert re.fullmatch(f"{words}\n", done.stderr)
    assert not list(tmp_path.glob("results/smoke/*/run.json"))
