"""Studies that do not come to their end: Ctrl-C, full disks, plugins that leave; what is kept, and what is said."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from shell import Ran, bench
from small import QUITTER

import vaegan_bench as vb
from vaegan_bench.api import hookimpl
from vaegan_bench.cli.progress import TerminalProgress
from vaegan_bench.execution.execution import Execution
from vaegan_bench.registry.lifecycle import Lifecycle
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.disk_space import shortage_in
from vaegan_bench.system.errors import IncompleteError, StoreError

ROGUE = '''
"""Plugins that raise where they are told to: ROGUE is 'hook what', such as 'run_ended exit'."""
import os, sys
from dataclasses import dataclass
from vaegan_bench.api import Dataset, Measurement, Metric, hookimpl
from vaegan_bench.datasets.avatars import Avatars

def act(how):
    if how == "exit":
        sys.exit(0)
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "raise":
        raise ValueError("no idea")

def at(hook):
    where, _, how = os.environ.get("ROGUE", "").partition(" ")
    if where == hook:
        act(how)

@dataclass(frozen=True, kw_only=True)
class Rogue(Metric):
    """Measures nothing."""
    name = "rogue"
    family = "sample quality"
    how: str = "nan"

    def __call__(self, outputs):
        act(self.how)
        value = float(self.how)
        perfect = Measurement("rogue-auc", 1.0, "higher", "1", attribute="Smiling", ceiling=1.0)
        return [Measurement("rogue", value, "higher", "1"), *([perfect] if value == 1 else [])]

@dataclass(frozen=True, kw_only=True)
class Lost(Dataset):
    """Faces, as long as nothing is said in the environment."""
    name = "lost"
    how: str = "raise"

    def load(self, size, cache, progress):
        if "FOUND" not in os.environ:
            act(self.how)
        return Avatars(faces=240).load(size, cache, progress)

@hookimpl
def study_started(): at("study_started")
@hookimpl
def run_started(): at("run_started")
@hookimpl
def step_ended(): at("step_ended")
@hookimpl
def run_evaluated(): at("run_evaluated")
@hookimpl
def run_ended(): at("run_ended")
@hookimpl
def study_ended(): at("study_ended")
@hookimpl
def vaegan_bench_plugins(): return [Rogue, Lost]
'''


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(tmp_path: Path, cache: Path) -> Callable[..., Ran]:
    """Run a small study with the rogue plugins."""
    (tmp_path / "rogue.py").write_text(ROGUE)

    def ran(*options: str, metrics: str = "reconstruction", models: str = "vae,gan") -> Ran:
        line = ("run", "smoke", "--steps", "2", "--samples", "32", "--models", models, "--metrics", metrics)
        return bench(*line, "--cache-dir", cache, "--plugin", "rogue.py", *options, cwd=tmp_path)

    return ran


def finished(tmp_path: Path) -> list[str]:
    """The models of runs that are on disk, whole."""
    return sorted(path.parent.name.partition("-")[0] for path in tmp_path.glob("results/smoke/*/metrics.json"))


KEPT = {"study_started": 0, "run_started": 0, "step_ended": 0, "run_evaluated": 1, "run_ended": 1, "study_ended": 2}


@pytest.mark.parametrize(("hook", "kept"), KEPT.items())
def test_ctrl_c_anywhere_says_what_is_kept(
    run: Callable[..., Ran], hook: str, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROGUE", f"{hook} interrupt")
    done = run()
    assert done.returncode == 130
    assert f"{kept} of 2 runs are finished and kept in results/smoke" in done.stdout
    assert done.stderr == "Interrupted.\n"
    assert len(finished(tmp_path)) == kept
    assert not list(tmp_path.rglob("*.partial"))
    assert not list(tmp_path.rglob("*.claim"))


def test_what_ctrl_c_says_can_be_pasted(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROGUE", "study_started interrupt")
    done = run("--results", "my results")
    assert "kept in my results/smoke" in done.stdout
    assert "vaegan-bench table 'my results/smoke' shows what is there." in done.stdout


def test_ctrl_c_in_measuring_keeps_the_weights(run: Callable[..., Ran], tmp_path: Path) -> None:
    done = run(metrics="rogue[how=interrupt]")
    assert done.returncode == 130
    assert "0 of 2 runs are finished" in done.stdout
    assert len(list(tmp_path.glob("results/smoke/vae-*/weights.safetensors"))) == 1


class Patient:
    """Hears that the study has ended."""

    def __init__(self) -> None:
        self.heard = 0

    @hookimpl
    def study_ended(self) -> None:
        self.heard += 1


class Impatient:
    """Is interrupted meanwhile."""

    @hookimpl
    def study_ended(self) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_in_a_hook_does_not_keep_the_same_hook_from_other_plugins() -> None:
    before, after, registry = Patient(), Patient(), Registry()
    for plugin in (before, Impatient(), after):  # whichever end is called first
        registry.manager.register(plugin)
    with pytest.raises(KeyboardInterrupt):
        Lifecycle(registry.manager).call("study_ended", name="s")
    assert (before.heard, after.heard) == (1, 1)


def test_sigterm_ends_as_ctrl_c_does_with_its_own_code(tmp_path: Path, cache: Path) -> None:
    code = "from vaegan_bench.cli import main; main()"
    line = [sys.executable, "-c", code, "run", "smoke", "--models", "vae", "--metrics", "reconstruction"]
    line += ["--steps", "100000", "--results", str(tmp_path), "--cache-dir", str(cache)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    while not (tmp_path / "smoke" / "study.json").is_file():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "0 of 1 runs are finished" in output
    assert errors.strip() == "Interrupted."


@pytest.mark.parametrize("how", ["raise", "exit"])
def test_a_second_data_set_that_cannot_be_loaded_is_told_before_anything_trains(
    run: Callable[..., Ran], how: str, tmp_path: Path
) -> None:
    done = run("--datasets", f"avatars[faces=240],lost[how={how}]")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "cannot be loaded: " + {"raise": "ValueError: no idea (", "exit": "sys.exit(0) was called ("}[how] in line
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("tables_alone")
@pytest.mark.parametrize("engine", ["processes", "dask[workers=1]"])
def test_a_finished_run_whose_data_are_gone_costs_no_other(
    engine: str, run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.startswith("dask"):
        pytest.importorskip("distributed")
    monkeypatch.setenv("FOUND", "1")
    assert run("--datasets", "lost", models="vae").returncode == 0
    monkeypatch.delenv("FOUND")
    done = run("--datasets", "avatars[faces=240],lost", "--engine", engine, models="vae")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()  # and none on a bar that was removed twice
    assert "Dataset 'lost' cannot be loaded: ValueError: no idea" in line
    assert finished(tmp_path) == ["vae", "vae"]


@pytest.mark.usefixtures("tables_alone")
@pytest.mark.parametrize("how", ["exit", "raise"])
def test_a_plugin_that_ends_the_program_fails_alone(
    run: Callable[..., Ran], how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROGUE", f"step_ended {how}")
    done = run(metrics=f"rogue[how={how}],reconstruction", models="vae")
    words = {"exit": "sys.exit(0) was called (rogue.py:", "raise": "ValueError: no idea (rogue.py:"}[how]
    first, second = done.stderr.splitlines()
    assert first.startswith("Warning: A hook of plugin rogue.py failed, and the plugin is disabled for this study: ")
    assert f"step_ended: {words}" in first
    assert second.startswith("Error: vae-s0-")
    assert f": rogue[how={how}]: {words}" in second
    assert done.returncode == 1
    assert "psnr" in done.stdout


def test_a_plugin_file_that_ends_the_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gone.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "late.py").write_text(
        "import sys\nfrom vaegan_bench.api import hookimpl\n@hookimpl\ndef vaegan_bench_plugins(): sys.exit()\n"
    )
    done = bench("list", "--plugin", "gone.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "Error: gone.py cannot be imported: sys.exit(0) was called (gone.py:2).\n",
    )
    late = bench("list", "--plugin", "late.py", cwd=tmp_path)
    assert (late.returncode, late.stderr.count("\n")) == (2, 1)
    assert "vaegan_bench_plugins of late.py failed: sys.exit() was called (late.py:4)." in late.stderr


@pytest.mark.usefixtures("tables_alone")
def test_a_number_that_is_none_is_named(run: Callable[..., Ran], tmp_path: Path) -> None:
    done = run(metrics="rogue[how=nan],reconstruction", models="gan")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: gan-s0-")
    assert line.endswith(": rogue: gave NaN for rogue")
    assert ": gave NaN for rogue" in (tmp_path / "results/smoke/summary.md").read_text().split("Not measured")[1]
    assert run(metrics="rogue[how=inf]", models="gan").returncode == 1


def test_an_attribute_without_an_interval_costs_no_figure(run: Callable[..., Ran], tmp_path: Path) -> None:
    done = run(metrics="rogue[how=1.0]", models="gan")
    assert (done.returncode, done.stderr) == (0, "")
    study = tmp_path / "results" / "smoke"
    names = ("attributes", "metrics", "learning-curves", "gradients", "samples")
    assert all((study / f"{name}.png").is_file() for name in names)
    rows = vb.load(study).rows
    assert all(rows[name].dtype.kind == "f" for name in ("low", "high", "ceiling", "floor", "noise"))


@pytest.mark.usefixtures("tables_alone")
def test_from_python_all_reasons_are_raised_and_results_kept(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "rogue.py").write_text(ROGUE)
    (tmp_path / "quitter.py").write_text(QUITTER)
    values = {"models": ["vae", "quitter"], "steps": 9, "samples": 32}
    with pytest.raises(IncompleteError) as raised:
        vb.run(
            "smoke",
            results=tmp_path,
            cache=cache,
            plugins=[tmp_path / "rogue.py", tmp_path / "quitter.py"],
            metrics=["rogue[how=exit]"],
            **values,
        )
    failed, unmeasured = raised.value.lines
    assert failed.startswith("quitter-s0-")
    assert ": rogue[how=exit]: sys.exit(0) was called" in unmeasured
    assert (tmp_path / "smoke" / "summary.md").is_file()
    assert list(vb.load(tmp_path / "smoke").rows["model"].unique()) == ["vae"]


@pytest.mark.usefixtures("tables_alone")
def test_a_progress_bar_that_fails_is_reported_and_costs_nothing(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: TerminalProgress, run: str, steps: int, batch: int) -> None:
        raise RuntimeError("no terminal")

    monkeypatch.setattr(TerminalProgress, "run_started", hookimpl(broken))
    done = run(models="vae")
    assert done.returncode == 0
    assert "A hook of plugin progress bars failed" in done.stderr
    assert "run_started: RuntimeError: no terminal" in done.stderr
    assert finished(tmp_path) == ["vae"]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_that_is_too_small_is_told_before_training(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 0, 3_000_000))
    done = run()
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "The results of 2 unfinished runs of study 'smoke' can take up to " in line
    assert "only 3.0 MB are free there" in line
    assert "--results" in line
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("tables_alone")
def test_what_is_finished_needs_no_space(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(models="vae").returncode == 0
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 0, 0))
    assert run(models="vae").returncode == 0


def test_the_space_asked_for_is_enough_and_not_many_times_too_much(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        "vaegan_bench.execution.workload.check_space", lambda folder, needed, *words: asked.append(needed)
    )
    wide = {"networks": "compact[latent=8,width=64]", "models": ["vae", "vaegan"], "steps": 2}
    vb.run("smoke", results=tmp_path, cache=cache, samples=80, metrics=["reconstruction", "memorisation"], **wide)
    weights = [path.stat().st_size for path in tmp_path.glob("smoke/*/weights.safetensors")]
    # Three checkpoints of the larger run, each with two moments of every weight and perhaps an average.
    least, most = 9 * max(weights), 13 * max(weights)
    used = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert sum(weights) > 4_000_000  # or this test would not see them
    assert used + least < asked[0] < used + most + 20_000_000


@pytest.fixture
def no_large_files() -> Iterator[Callable[[], None]]:
    """From the call on no file may grow beyond 60,000 bytes, as on a disk that is full; until the test ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Filler:
    """Fills the disk when the second run begins."""

    def __init__(self, fill: Callable[[], None]) -> None:
        self.fill = fill
        self.begun: list[str] = []

    @hookimpl
    def run_started(self, label: str) -> None:
        self.begun.append(label)
        if len(self.begun) == 2:
            self.fill()


@pytest.mark.parametrize("checkpoint", [60, 0])  # so that a checkpoint is what cannot be written
def test_a_disk_that_is_full_meanwhile_stops_the_study_and_the_same_command_goes_on(
    tmp_path: Path, cache: Path, no_large_files: Callable[[], None], checkpoint: float
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    values = {"models": ["gan", "vae", "vaegan"], "steps": 2, "samples": 32, "metrics": ["reconstruction"]}
    registry, filler = Registry(), Filler(no_large_files)
    plan = make_plan(load_study("smoke").with_values(values, "the test"), registry)
    registry.manager.register(filler)
    with pytest.raises(IncompleteError) as raised:
        Execution(plan, registry, StudyFolder(tmp_path / "study"), cache, checkpoint=checkpoint).run()
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    failed, stopped = raised.value.lines
    assert failed.startswith("vae-s0-")
    assert "File too large" in failed
    assert "The study stops here: 1 of 3 runs are finished and kept in" in stopped
    assert "the others can take up to " in stopped
    assert "run the same command again" in stopped
    assert filler.begun == ["gan", "vae"]  # the third would be lost as well
    assert not list(tmp_path.rglob(".*.partial"))
    assert len(list(tmp_path.glob("study/*/run.json"))) == 1
    again = Execution(plan, Registry(), StudyFolder(tmp_path / "study"), cache)
    again.run()
    assert not again.failures
    assert len(again.work.with_results()) == 3


def test_a_disk_that_is_full_in_the_end_costs_the_report_and_says_so_once(
    run: Callable[..., Ran], tmp_path: Path, no_large_files: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(self: TerminalProgress) -> None:
        no_large_files()

    monkeypatch.setattr(TerminalProgress, "study_ended", hookimpl(fill), raising=False)
    done = run(models="vae")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "File too large" in line
    assert line.endswith("When the disk can be written again, run the same command again: it goes on from here.")
    assert finished(tmp_path) == ["vae"]
    assert not list(tmp_path.rglob(".*.partial"))


def test_only_a_shortage_stops_a_study() -> None:
    full, absent = StoreError("cannot write"), StoreError("cannot read")
    full.__cause__ = OSError(28, "No space left on device")
    absent.__cause__ = FileNotFoundError(2, "No such file")
    assert shortage_in(full) is full.__cause__
    assert shortage_in(absent) is None


def test_one_figure_that_cannot_be_drawn_costs_only_itself(
    run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("no canvas")

    monkeypatch.setattr("vaegan_bench.report.plots.learning_curves", broken)
    done = run(models="vae")
    assert done.returncode == 1
    assert sorted(line.partition(" (")[0] for line in done.stderr.splitlines()) == [
        "Error: gradients.png: ValueError: no canvas",
        "Error: learning-curves.png: ValueError: no canvas",
    ]
    study = tmp_path / "results" / "smoke"
    assert (study / "metrics.png").is_file()
    assert (study / "samples.png").is_file()
    assert not (study / "learning-curves.png").exists()
    (study / "learning-curves.png").write_bytes(b"of an older study")
    assert bench("report", study).returncode == 1
    assert not (study / "learning-curves.png").exists()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert {"metrics", "samples"} <= set(vb.load(study).figures())
    named = [str(warning.message).partition(" cannot be drawn")[0] for warning in caught]
    assert sorted(named) == ["The figure gradients", "The figure learning-curves"]


@pytest.mark.usefixtures("tables_alone")
def test_a_cache_that_cannot_be_written_costs_no_number(run: Callable[..., Ran], tmp_path: Path, cache: Path) -> None:
    other = shutil.copytree(cache, tmp_path / "cache")
    shutil.rmtree(other / "references", ignore_errors=True)
    (other / "references").write_text("a file where a folder should be")
    done = run("--cache-dir", str(other), models="gan", metrics="frechet")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"Warning: The cache {other} cannot be written (")
    assert line.endswith("Choose another cache with --cache-dir.")
    (folder,) = tmp_path.glob("results/smoke/gan-*")
    assert {"frechet[oracle[images=640]]"} <= {row["metric"] for row in RunFolder(folder).rows()}
