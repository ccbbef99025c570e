"""Signals and time limits: training is kept at the next step, the command ends, and the same command goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shell import Ran, bench
from small_studies import tables_alone

import vaegan_bench as vb
from vaegan_bench.api import BenchError, StoreError, StudyError, UnknownNameError, hookimpl
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.postponed_signals import postponed_signals
from vaegan_bench.execution.time_limit import TimeIsUp, read_duration, time_limit
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.archive import archive_study
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.errors import IncompleteError

SMALL = {"steps": 8, "samples": 32, "metrics": ["reconstruction"]}

SIGNALLING = '''
"""Sends a signal to its own process in the middle of a step, once; and writes down what it is told."""
import signal
from dataclasses import dataclass
from pathlib import Path
from vaegan_bench.api import Model, hookimpl
from vaegan_bench.models.vaegan import VAEGAN

@dataclass(frozen=True, kw_only=True)
class Signalling(Model):
    """A VAE/GAN that is disturbed in its fifth step."""
    name = "signalling"
    players = VAEGAN.players

    def objectives(self, play):
        if play.step == 4 and Path("signal").exists():
            signal.raise_signal(signal.Signals[Path("signal").read_text()])
            Path("signal").unlink()
        return VAEGAN().objectives(play)

def note(words):
    with Path("heard").open("a") as file: file.write(f"{words} ")

@hookimpl
def run_started(steps, done): note(f"{done}/{steps}:")
@hookimpl
def step_ended(step): note(step)
@hookimpl
def vaegan_bench_plugins(): return [Signalling]
'''


@pytest.fixture(autouse=True)
def _no_signal_is_ignored() -> Iterator[None]:
    """Jobs in the background ignore SIGINT, and those of nohup SIGHUP."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def signalling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugin") / "signalling.py"
    path.write_text(SIGNALLING)
    return path


@pytest.fixture(scope="module")
def whole(cache: Path, signalling: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    with tables_alone():
        assert ran(folder, cache, signalling).returncode == 0
    return only_run(folder)


def ran(folder: Path, cache: Path, plugin: Path, *options: str) -> Ran:
    line = ("run", "smoke", "--models", "signalling", "--steps", "8", "--ema", "0.9", "--samples", "32")
    line += ("--metrics", "reconstruction", "--cache-dir", str(cache), "--plugin", str(plugin))
    return bench(*line, *options, cwd=folder)


def only_run(folder: Path) -> RunFolder:
    (path,) = folder.glob("results/smoke/signalling-*/")
    return RunFolder(path)


def test_a_checkpoint_of_other_code_is_named_and_not_used(tmp_path: Path, cache: Path) -> None:
    plugin = tmp_path / "signalling.py"
    plugin.write_text(SIGNALLING)
    (tmp_path / "signal").write_text("SIGTERM")
    ran(tmp_path, cache, plugin)
    old = only_run(tmp_path).path
    plugin.write_text(SIGNALLING + "# changed\n")
    with tables_alone():
        first, second = ran(tmp_path, cache, plugin), ran(tmp_path, cache, plugin)
    (new,) = set(tmp_path.glob("results/smoke/signalling-*/")) - {old}
    assert first.stderr == (
        f"Warning: The checkpoint at step 5 in {old.relative_to(tmp_path)} is not used, and {new.name} starts from "
        "step 0: code of signalling.py. Remove that folder unless you undo the change.\n"
    )
    assert (second.returncode, second.stderr) == (0, "")


CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGALRM"])
def test_a_signal_keeps_the_training_at_the_next_step(name: str, tmp_path: Path, cache: Path, signalling: Path) -> None:
    (tmp_path / "signal").write_text(name)
    done = ran(tmp_path, cache, signalling, *(["--max-time", "1h"] if name == "SIGALRM" else []))
    run = only_run(tmp_path)
    if name == "SIGALRM":
        assert done.returncode == 1
        assert done.stderr == "Error: The time limit of 1h is over. The same command goes on from here.\n"
    else:
        assert (done.returncode, done.stderr) == (CODES[name], "Interrupted.\n")
    kept = f"0 of 1 runs are finished and kept in results/smoke; {run.path.name} goes on from step 5. The same command"
    assert done.stdout.count(kept) == 1
    assert [path.name for path in run.path.iterdir()] == ["checkpoint.safetensors"]
    assert (tmp_path / "heard").read_text() == "0/8: 1 2 3 4 5 "


@pytest.mark.usefixtures("tables_alone")
def test_the_same_command_goes_on_to_the_same_bits(
    tmp_path: Path, cache: Path, signalling: Path, whole: RunFolder
) -> None:
    (tmp_path / "signal").write_text("SIGTERM")
    assert ran(tmp_path, cache, signalling).returncode == 143
    assert ran(tmp_path, cache, signalling).returncode == 0
    run = only_run(tmp_path)
    assert (tmp_path / "heard").read_text() == "0/8: 1 2 3 4 5 5/8: 6 7 8 "
    assert not list(run.path.glob("*checkpoint*"))
    for file in ("weights.safetensors", "history.csv"):
        assert (run.path / file).read_bytes() == (whole.path / file).read_bytes()
    measured = [[row["value"] for row in each.rows() if row["family"] != "training"] for each in (run, whole)]
    assert measured[0] == measured[1] != []


def test_readers_say_that_training_is_not_finished(
    tmp_path: Path, cache: Path, signalling: Path, whole: RunFolder
) -> None:
    (tmp_path / "signal").write_text("SIGINT")
    ran(tmp_path, cache, signalling)
    folder = only_run(tmp_path).path
    words = (
        rf"Training is not finished in {folder}: there is a checkpoint at step 5\. `vaegan-bench run` with its study"
    )
    with pytest.raises(StoreError, match=words):
        vb.load_model(folder)
    done = bench("evaluate", folder, "--metrics", "reconstruction", "--plugin", signalling, cwd=tmp_path)
    assert done.returncode == 2
    assert "Training is not finished" in done.stderr
    done = bench("table", "results/smoke", cwd=tmp_path)
    assert done.returncode == 2
    assert "holds no finished run yet" in done.stderr
    study = StudyFolder(whole.path.parent)
    archive_study(study).rename(tmp_path / "results/smoke/records.zip")
    assert only_run(tmp_path).record() == whole.record()  # the folder of the checkpoint hides no archive


class Disturbed:
    """Sends signals to its own process after the second step of each run."""

    def __init__(self, *signals: signal.Signals) -> None:
        self.signals, self.steps = signals, list[int]()

    @hookimpl
    def step_ended(self, step: int) -> None:
        self.steps.append(step)
        if step == 2:
            for each in self.signals:
                signal.raise_signal(each)


def execution(folder: Path, cache: Path, plugin: object, checkpoint: float = 60) -> Execution:
    registry = Registry()
    registry.manager.register(plugin, "disturbed")
    plan = make_plan(load_study("smoke").with_values({**SMALL, "models": ["vae"]}, "the test"), registry)
    return Execution(plan, registry, StudyFolder(folder / "study"), cache, checkpoint=checkpoint)


def test_ctrl_c_in_python_keeps_the_training(tmp_path: Path, cache: Path) -> None:
    begun = execution(tmp_path, cache, Disturbed(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        begun.run()
    (run,) = begun.plan.runs
    assert begun.work.begun() == {run.id: 2}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path, cache: Path) -> None:
    begun = execution(tmp_path, cache, Disturbed(signal.SIGINT, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        begun.run()
    assert begun.work.begun() == {}


def test_checkpoints_are_as_far_apart_as_asked_for(tmp_path: Path, cache: Path) -> None:
    found = list[int | None]()

    class Looks:
        """Reads the checkpoint after every step."""

        @hookimpl
        def step_ended(self) -> None:
            found.append(often.work.folder_of(often.plan.runs[0]).checkpoints.step())

    often = execution(tmp_path, cache, Looks(), checkpoint=0)
    often.run()
    assert found == [None, 1, 2, 3, 4, 5, 6, 7]
    assert often.work.begun() == {}


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """What a handler of the user's own hears, which goes on."""
    numbers = list[int]()
    before = {
        each: signal.signal(each, lambda number, _: numbers.append(number)) for each in (signal.SIGTERM, signal.SIGHUP)
    }
    yield numbers
    for each, handler in before.items():
        signal.signal(each, handler)


def test_signals_wait_and_reach_the_handler_that_was_there(heard: list[int]) -> None:
    with postponed_signals(is_patient=False) as signals:
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
        assert signals.arrived == signal.SIGTERM
        signals.deliver()
        assert heard == [signal.SIGTERM]
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)  # as when a terminal is closed
        assert heard == [signal.SIGTERM]
    assert heard == [signal.SIGTERM, signal.SIGHUP]
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM, signal.SIGHUP, signal.SIGTERM]


def test_who_is_patient_waits_whatever_comes(heard: list[int]) -> None:
    with postponed_signals(is_patient=True):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        assert heard == []
    assert heard == [signal.SIGTERM]
    with postponed_signals(is_patient=False):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        assert heard == [signal.SIGTERM, signal.SIGTERM]


def test_a_handler_that_ignores_further_signals_is_not_undone() -> None:
    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # as a worker does that cleans up
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(KeyboardInterrupt), postponed_signals(is_patient=True):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_that_are_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with postponed_signals(is_patient=False) as signals:
        signal.raise_signal(signal.SIGHUP)
        assert signals.arrived is None
    assert signal.signal(signal.SIGHUP, before) is signal.SIG_IGN


@pytest.mark.parametrize(
    ("text", "seconds"), {"3h": 10800, "90m": 5400, "45s": 45, "2h30m": 9000, "1.5h": 5400, "1h1s": 3601}.items()
)
def test_times_have_units(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "h", "3 h", "30m2h", "-3h", "0s", "3d", "٣h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(StudyError, match="A time is written as 3h, 90m, 45s or 2h30m, not"):
        read_duration(text)


@pytest.mark.parametrize("text", ["100000h1s", "99999999999999999999h", "9" * 400 + "s"])
def test_a_time_that_no_alarm_can_be_set_for_is_refused(text: str) -> None:
    assert read_duration("100000h") == 360_000_000
    with pytest.raises(StudyError, match="A time limit is at most 100,000 hours, not"), time_limit(text):
        pass


def test_a_number_without_a_unit_is_refused_with_units(tmp_path: Path) -> None:
    done = bench("run", "smoke", "--max-time", "90", cwd=tmp_path)
    assert done.returncode == 2
    assert "not '90': give it a unit, such as 90s or 90m." in done.stderr
    with pytest.raises(StudyError, match="checkpoint is a number of seconds"):
        vb.run("smoke", checkpoint=-1)
    for given, meant in (("cache_dir", "cache"), ("plugin", "plugins"), ("seed", "seeds")):
        with pytest.raises(UnknownNameError, match=f"Unknown argument of run: '{given}'. Did you mean '{meant}'"):
            vb.run("smoke", **{given: 1})


def test_a_time_limit_interrupts_what_is_no_training_and_is_over_at_the_end() -> None:
    with pytest.raises(IncompleteError, match="The time limit of 2h is over"), time_limit("2h"):
        signal.raise_signal(signal.SIGALRM)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    with pytest.raises(IncompleteError), time_limit("0.01s"):
        signal.pause()
    assert issubclass(TimeIsUp, KeyboardInterrupt)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_time": 3600}, "max_time is text, such as '90m', not 3600."),
        ({"engine": 3}, r"engine is text, such as 'processes\[workers=2\]', not 3."),
        ({"cache": 3}, "A path is text, not 3."),
        ({"plugins": 3}, "plugins is a list of files and modules"),
        ({"fields": {3: {"a": 1}}}, "fields must be a table of tables of plain values"),
        ({"fields": {"vae": {3: 1}}}, "fields must be a table of tables of plain values"),
    ],
)
def test_arguments_of_another_type_are_refused(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=told):
        vb.run("smoke", results=tmp_path / "results", **given)
    assert not list(tmp_path.iterdir())
