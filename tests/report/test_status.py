"""`vaegan-bench status`: how far every run is, who works on it, and why the same command would do it again."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from shell import bench
from stored_study import add, measurement, run_record

from vaegan_bench.api import StoreError
from vaegan_bench.cli.interruption import EndedBySignal
from vaegan_bench.cli.status import keep_current
from vaegan_bench.evaluation.settings import EvaluationSettings, definition_of
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.results import load
from vaegan_bench.report.status.asked_study import CurrentStatus, find_study
from vaegan_bench.report.status.differences import definition_differences
from vaegan_bench.report.status.earlier_runs import EarlierRuns, no_longer_shown
from vaegan_bench.report.status.recorded import recorded_status
from vaegan_bench.report.status.stored_runs import StoredRuns
from vaegan_bench.results.checkpoints import Checkpoint
from vaegan_bench.results.failures import note_failure
from vaegan_bench.results.measurements import Sheets
from vaegan_bench.results.records import Definition, StudyRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import Study
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.claim_folder import BEAT, OWNER
from vaegan_bench.system.claims import Claim, Timing, try_claim
from vaegan_bench.system.heartbeat import heartbeat
from vaegan_bench.system.plain_data import read_as
from vaegan_bench.system.processes import this_process

STUDY = Study(
    name="ten", models=("vae", "gan"), seeds=(0, 1, 2, 3, 4), steps=4000, batch=16, samples=40, draws=2, device="cpu",
    precision="float32", metrics=("reconstruction", "latent-health"),
)  # fmt: skip
RESULTS = Path(__file__).parents[2] / "results"
ASLEEP = Timing(pause=1000.0)
SPEEDS = {"vae": 320.0, "gan": 400.0}
OTHER_HOST = {"host": "elsewhere", "hostname": "node7", "pid": 4711}


@dataclass(frozen=True)
class Store:
    """A results folder with one study, of which each run is in another state."""

    results: Path
    plan: Plan

    @property
    def folder(self) -> StudyFolder:
        return StudyFolder(self.results / self.plan.study.name)

    def run(self, name: str) -> Run:
        """A run by 'vae-s0'."""
        return next(run for run in self.plan.runs if run.id.startswith(name))


def planned(study: Study, *plugins: Path) -> Plan:
    return make_plan(study, Registry(plugins))


def record(folder: StudyFolder, plan: Plan) -> None:
    """Write study.json, as `run` does."""
    folder.path.mkdir(parents=True, exist_ok=True)
    runs = tuple(run.id for run in plan.runs)
    folder.write_study(StudyRecord(study=plan.study, runs=runs, evaluation=EvaluationSettings.of(plan).planned()))


def train(folder: StudyFolder, run: Run, **changes: Any) -> None:
    """Write what training would leave of a run."""
    there = folder.run(run.id)
    definition = read_as(Definition, dict(run.definition))
    known = {"label": run.label, "seed": run.seed, "dataset": f"{run.dataset} {run.size}×{run.size}"}
    values = {**known, "steps": run.steps, "speed": SPEEDS.get(run.label, 50.0), "definition": definition, **changes}
    written = replace(run_record(run.id, run.label, run.seed), **values)
    with there.claim() as claim:
        there.training.write(claim, written, [{"step": 50.0, "prior": 1.5}], {"decoder.weight": torch.zeros(3)})


def measure(folder: StudyFolder, run: Run, plan: Plan, **changes: Any) -> None:
    """Write what measuring would leave of a run."""
    settings = EvaluationSettings.of(plan)
    for metric in plan.metrics:
        known = {"label": str(metric), "metric": definition_of(metric), "code": dict(settings.code(metric))}
        known |= {"sampler": settings.drawn_from, "exhibits": []}
        made = measurement({"psnr": 20.5}, settings.samples, settings.draws, **{**known, **changes})
        add(folder.run(run.id), [(made, {})], Sheets(settings.samples, settings.drawn_from, {}, {}))


def claimed(folder: StudyFolder, run: Run, *, owner: dict[str, Any], age: float = 0.0, **progress: Any) -> Claim:
    """Claim a run, as a process that is at this point."""
    claim = try_claim(folder.run(run.id).path, ASLEEP)
    assert isinstance(claim, Claim)
    heartbeat.remove(claim)  # its signs of life stay as old as they are made here
    place = claim.folder.folder / claim.token
    claim.report(**progress)
    claim.beat()
    (place / OWNER).write_text(json.dumps({**json.loads((place / OWNER).read_text()), **owner}))
    when = time.time() - age
    os.utime(place / BEAT, (when, when))
    return claim


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    plan = planned(STUDY)
    made = Store(tmp_path_factory.mktemp("results"), plan)
    folder, run = made.folder, made.run
    record(folder, plan)
    for name in ("vae-s0", "gan-s2"):
        train(folder, run(name))
    measure(folder, run("vae-s0"), plan)
    measure(folder, run("gan-s2"), plan, code={"vaegan_bench": "0123456789ab"})
    train(folder, run("gan-s0"), status="diverged at step 7", steps=7)
    note_failure(folder.run(run("gan-s1").id).path, "ValueError: no more (my_loss.py:19)")
    interrupt(folder, run("vae-s3"), 1200)
    dead = {"start": this_process().start - 500}
    training = {"phase": "training", "steps": 4000}
    claims = [
        claimed(folder, run("vae-s1"), owner={"hostname": "node2"}, **training, step=1000, speed=80.0),
        claimed(folder, run("vae-s2"), owner=OTHER_HOST, **training, step=3100, speed=48.0),
        claimed(folder, run("vae-s3"), owner=dead, **training, step=1900, speed=70.0),
        claimed(folder, run("gan-s3"), owner={}, phase="measuring"),
        claimed(folder, run("gan-s4"), owner=OTHER_HOST, age=300.0, **training, step=9, speed=70.0),
    ]
    yield made
    for claim in claims:
        claim.release()


def runs_of(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    """What --format json says, by 'vae-s0'."""
    done = bench("status", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return {run["run"].rpartition("-")[0]: run for run in json.loads(done.stdout)}


def test_every_run_has_its_state(store: Store) -> None:
    runs = runs_of(store.folder.path)
    states = {name: run["state"] for name, run in runs.items()}
    assert states == {
        "vae-s0": "finished", "vae-s1": "training", "vae-s2": "training", "vae-s3": "interrupted", "vae-s4": "waiting",
        "gan-s0": "diverged", "gan-s1": "failed", "gan-s2": "unmeasured", "gan-s3": "measuring", "gan-s4": "waiting",
    }  # fmt: skip
    assert [runs[name]["host"] for name in ("vae-s1", "vae-s2", "vae-s3")] == ["node2", "node7", ""]
    assert (runs["vae-s3"]["step"], runs["vae-s3"]["steps"]) == (1200, 4000)
    assert (
        runs["gan-s4"]["reason"]
        == "process 4711 on node7 has given no sign of life for 5 min by the clock of this machine"
    )
    assert (runs["gan-s4"]["model"], runs["gan-s4"]["seed"], runs["gan-s4"]["dataset"]) == ("gan", 4, "avatars 32×32")


def test_the_time_left_follows_from_the_speeds(store: Store) -> None:
    left = {name: run["seconds_left"] for name, run in runs_of(store.folder.path).items()}
    images = {"vae-s1": 3000 * 16, "vae-s2": 900 * 16, "vae-s3": 2800 * 16, "vae-s4": 4000 * 16, "gan-s4": 4000 * 16}
    speeds = {"vae-s1": 80, "vae-s2": 48, "vae-s3": 320, "vae-s4": 320, "gan-s4": 400}
    assert {name: seconds for name, seconds in left.items() if seconds is not None} == pytest.approx(
        {name: images[name] / speeds[name] for name in images}
    )
    first, *_ = bench("status", store.folder.path, width=300).stdout.splitlines()
    assert first == (  # (600 + 300 + 140 + 200 + 160) s / 2
        "Study ten: 2 of 10 runs finished (1 diverged), 2 in training, 1 measuring, 1 to be measured, 1 interrupted, "
        "1 failed, 2 waiting; about 11.7 min of training left with 2 at a time."
    )


def test_the_table_says_it_in_words(store: Store) -> None:
    lines = bench("status", store.folder.path, width=220).stdout.splitlines()
    row = {store_name: line for line in lines for store_name in [line.strip("│ ").partition("-s")[2][:1] + line[2:5]]}
    assert "training 25 %" in row["1vae"]
    assert "node2" in row["1vae"]
    assert "80" in row["1vae"]
    assert "10.0 min" in row["1vae"]
    assert "interrupted at step 1200 of 4000" in row["3vae"]
    assert "diverged at step 7" in row["0gan"]
    assert "failed: ValueError: no more (my_loss.py:19)" in row["1gan"]
    assert "to be measured" in row["2gan"]
    assert "metrics reconstruction, latent-health: measured by other code of vaegan_bench" in row["2gan"]
    assert "data set" not in lines[2]  # there is only one


def test_nothing_is_written(store: Store) -> None:
    def content() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in sorted(store.results.rglob("*"))}

    before = content()
    bench("status", store.folder.path)
    assert content() == before


def test_without_a_study_each_has_a_line(store: Store, tmp_path: Path) -> None:
    done = bench("status", "--results", store.results)  # which knows nothing of the code, of which one run has other
    assert done.stdout.startswith("Study ten: 3 of 10 runs finished (1 diverged), 2 in training, ")
    (plain,) = json.loads(bench("status", "--results", store.results, "--format", "json").stdout)
    counts = {name: plain[name] for name in ("study", "runs", "finished", "in_training", "interrupted", "waiting")}
    assert counts == {
        "study": "ten", "runs": 10, "finished": 3, "in_training": 2, "interrupted": 1, "waiting": 2,
    }  # fmt: skip
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "study.json").write_text("{}")
    assert "Cannot read" in bench("status", "--results", tmp_path).stdout
    assert "There is no study in broken yet" in bench("status", "--results", "broken", cwd=tmp_path).stdout
    new = bench("status", cwd=tmp_path)
    assert (new.returncode, new.stderr) == (0, "")
    assert new.stdout == "There is no study in results yet: start one with vaegan-bench run.\n"
    assert bench("status", "--format", "json", cwd=tmp_path).stdout == "[]\n"


def test_python_has_it_as_a_table(store: Store) -> None:
    table = load(store.folder.path).status().set_index("run")
    assert table.loc[store.run("vae-s1").id, ["state", "host", "step"]].tolist() == ["training", "node2", 1000]


def study_file(folder: Path, **changes: Any) -> Path:
    """A file of the small study of two VAEs, with some keys changed."""
    values = {
        "name": "two", "models": ["vae"], "seeds": 2, "steps": 1500, "device": "cpu", "precision": "float32",
        "metrics": ["reconstruction"], "samples": 40, "draws": 2, "batch": 16, **changes,
    }  # fmt: skip
    path = folder / "two.toml"
    path.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items()))
    return path


def test_a_changed_study_says_what_differs_from_what_was_trained(tmp_path: Path) -> None:
    tmp_path = tmp_path / "my results"
    tmp_path.mkdir()
    folder = StudyFolder(tmp_path / "two")
    study = Study(name="two").with_values(
        {"models": ["vae"], "seeds": 2, "steps": 1500, "device": "cpu", "precision": "float32", "batch": 16,
         "metrics": ["reconstruction"], "samples": 40, "draws": 2}, "the test",
    )  # fmt: skip
    plan, older = planned(study), planned(replace(study, steps=1500, size=64, optimizer="adam[lr=0.002]"))
    record(folder, plan)
    train(folder, plan.runs[0], finished="2016-01-01T00:00:00+00:00")
    measure(folder, plan.runs[0], plan)
    train(folder, older.runs[0], finished="2020-01-01T00:00:00+00:00")
    changed = study_file(tmp_path, steps=3000)
    runs = runs_of(changed, "--results", tmp_path)
    assert runs["vae-s0"]["state"] == runs["vae-s1"]["state"] == "waiting"
    assert runs["vae-s0"]["unlike"] == plan.runs[0].id  # rather than the newer one, of which more differs
    assert runs["vae-s0"]["again"] == ["steps 1500 → 3000"]
    assert (runs["vae-s1"]["unlike"], runs["vae-s1"]["again"]) == ("", [])
    assert runs["vae-s0"]["seconds_left"] == pytest.approx(3000 * 16 / 320)
    done = bench("status", changed, "--results", tmp_path, width=400)
    assert f"differs from {plan.runs[0].id}: steps 1500 → 3000" in done.stdout
    assert f"{folder.path} was last run as another study (other steps)" in done.stdout
    assert f"`vaegan-bench status '{folder.path}'` shows that one." in done.stdout
    more = runs_of(
        study_file(tmp_path, metrics=["reconstruction", "latent-health"], samples=100), "--results", tmp_path
    )
    assert more["vae-s0"]["state"] == "unmeasured"
    assert more["vae-s0"]["again"] == [
        "metric reconstruction: samples 40 → 100", "metric latent-health is not measured yet"
    ]  # fmt: skip


def test_a_plan_without_finished_runs_of_the_last_one_says_so(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "two")
    study = load_study(str(study_file(tmp_path, models=["vae", "gan"])))
    plan = planned(study)
    assert no_longer_shown(folder, plan) == ""
    record(folder, plan)
    for run in plan.runs[:3]:
        train(folder, run)
    vae_0, vae_1, gan_0, _ = (run.id for run in plan.runs)
    assert no_longer_shown(folder, plan) == ""
    assert no_longer_shown(folder, planned(replace(study, seeds=(0, 1, 7)))) == ""
    of_vae = no_longer_shown(folder, planned(replace(study, models=("vae",))))
    assert of_vae == (
        f"The finished run {gan_0} of the study that {folder.path} holds is not in this one: its tables and figures "
        "will not show it. Another name keeps both studies."
    )
    other = planned(replace(study, models=("vae",), precision="bfloat16"))
    said = no_longer_shown(folder, other)
    assert said.startswith("3 finished runs of the study that")
    why = f"{other.runs[0].id} is trained although {vae_0} is finished: precision float32 → bfloat16."
    assert said.endswith(f" Another name keeps both studies. {why}")
    assert vae_1 not in said


def test_what_another_study_has_trained_is_to_be_copied(tmp_path: Path) -> None:
    study = replace(STUDY, models=("vae",), seeds=(0, 1), metrics=("reconstruction",))
    plan, first, folder = planned(study), StudyFolder(tmp_path / "first"), StudyFolder(tmp_path / "ten")
    record(folder, plan)
    train(first, plan.runs[0])
    train(folder, planned(replace(study, batch=8)).runs[0])
    for words in (str(folder.path), "ten"):
        runs = runs_of(words, "--results", tmp_path)
        assert {name: run["state"] for name, run in runs.items()} == {"vae-s0": "elsewhere", "vae-s1": "waiting"}
        assert runs["vae-s0"]["reason"] == "trained in first, will be copied"
        assert (runs["vae-s0"]["unlike"], runs["vae-s0"]["seconds_left"]) == ("", None)
        assert runs["vae-s0"]["steps"] == 4000
    assert "trained in first, will be copied" in bench("status", folder.path).stdout
    (ten,) = json.loads(bench("status", "--results", tmp_path, "--format", "json").stdout)
    assert (ten["to_be_copied"], ten["waiting"]) == (1, 1)
    (first.run(plan.runs[0].id).path / "weights.safetensors").unlink()
    assert runs_of(folder.path)["vae-s0"]["state"] == "waiting"


def test_a_run_of_newer_code_in_another_study_is_to_be_copied_as_well(tmp_path: Path) -> None:
    plugin, folder = tmp_path / "my_loss.py", StudyFolder(tmp_path / "results" / "ten")
    study = replace(STUDY, models=("vae[reconstruction=huberish]",), seeds=(0,))
    plugin.write_text(PLUGIN)
    record(folder, old := planned(study, plugin))
    train(folder, old.runs[0])
    plugin.write_text(PLUGIN.replace("A loss", "The loss"))
    train(StudyFolder(tmp_path / "results" / "first"), planned(study, plugin).runs[0])
    (found,) = runs_of(folder.path, "--plugin", plugin).values()
    assert (found["state"], found["again"]) == ("elsewhere", [])


def test_a_run_of_older_code_in_another_study_is_not_to_be_copied(tmp_path: Path) -> None:
    plugin, folder = tmp_path / "my_loss.py", StudyFolder(tmp_path / "results" / "ten")
    plugin.write_text(PLUGIN)
    old = planned(replace(STUDY, models=("vae[reconstruction=huberish]",), seeds=(0, 1)), plugin)
    record(folder, old)
    interrupt(folder, old.runs[0], 7)
    for run in old.runs:
        train(StudyFolder(tmp_path / "results" / "first"), run)
    assert {run["state"] for run in runs_of(folder.path, "--plugin", plugin).values()} == {"elsewhere"}
    plugin.write_text(PLUGIN.replace("A loss", "The loss"))
    begun, other = runs_of(folder.path, "--plugin", plugin).values()
    assert [begun["state"], begun["unused_step"], other["state"]] == ["interrupted", 7, "waiting"]
    assert other["run"] != old.runs[1].id


def test_a_sampler_in_another_spelling_is_the_same(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "ten")
    plan = planned(replace(STUDY, models=("vae",), seeds=(0,), sampler="mixture[components=10]"))
    record(folder, plan)
    train(folder, plan.runs[0])
    measure(folder, plan.runs[0], plan)
    found = runs_of(folder.path)["vae-s0"]
    assert (found["state"], found["again"]) == ("finished", [])


@pytest.mark.parametrize("path", sorted(RESULTS.glob("reference-*")), ids=lambda path: path.name)
def test_all_runs_of_the_reference_results_are_finished(path: Path) -> None:
    found = recorded_status(StudyFolder(path)).runs
    assert {(run.state, run.again) for run in found} == {("finished", ())}


def test_sheets_of_another_sampler_are_to_be_drawn_again(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "ten")
    plan = planned(replace(STUDY, models=("vae",), seeds=(0,)))
    fitted = planned(replace(plan.study, sampler="mixture"))
    record(folder, plan)
    train(folder, plan.runs[0])
    for each in (plan, fitted):
        measure(folder, plan.runs[0], each)
    found = runs_of(folder.path)["vae-s0"]
    assert (found["state"], found["again"]) == ("unmeasured", ["images of sheets: sampler mixture → prior"])
    assert not Workload(plan, folder, tmp_path).with_results()
    measure(folder, plan.runs[0], plan)
    assert runs_of(folder.path)["vae-s0"]["state"] == "finished"
    assert Workload(plan, folder, tmp_path).with_results()


PLUGIN = """
from dataclasses import dataclass
from vaegan_bench.api import ReconstructionLoss, hookimpl


@dataclass(frozen=True, kw_only=True)
class Huberish(ReconstructionLoss):
    '''A loss of a user.'''

    name = "huberish"

    def __call__(self, prediction, target):
        return (prediction.mean - target).square().flatten(1).sum(1)


@hookimpl
def vaegan_bench_plugins():
    return [Huberish]
"""


def test_edited_code_is_named_and_a_missing_plugin_leaves_the_folder(tmp_path: Path) -> None:
    plugin, folder = tmp_path / "my_loss.py", StudyFolder(tmp_path / "ten")
    plugin.write_text(PLUGIN)
    models = ("vae", "vae[reconstruction=huberish]")
    plan = planned(replace(STUDY, models=models, seeds=(0,)), plugin)
    record(folder, plan)
    for run in plan.runs:
        train(folder, run)
        measure(folder, run, plan)
    plugin.write_text(PLUGIN.replace("A loss", "The loss"))
    done = bench("status", folder.path, "--plugin", plugin, width=200)
    assert "2 of 2 runs finished; the same command would train 1 of them again." in done.stdout
    assert done.stdout.count("would be trained again: code of my_loss.py") == 1
    without = bench("status", folder.path)
    assert without.returncode == 0
    assert without.stdout.startswith("Study ten: 2 of 2 runs finished.\nIt is not known what would be done again")
    assert "huberish" in without.stdout.splitlines()[1]


def interrupt(folder: StudyFolder, run: Run, step: int) -> None:
    """Write the checkpoint that an interrupted training would leave."""
    there = folder.run(run.id)
    stopped = Checkpoint(step=step, definition=run.definition, data="ab", snapshot={}, memory={"w": torch.zeros(2)})
    with there.claim() as claim:
        there.checkpoints.write(claim, stopped)


def test_a_checkpoint_of_other_code_is_not_used(tmp_path: Path) -> None:
    plugin, folder = tmp_path / "my_loss.py", StudyFolder(tmp_path / "two")
    plugin.write_text(PLUGIN)
    models = ["vae[reconstruction=huberish]", "vae"]
    path = study_file(tmp_path, models=models, seeds=1)
    old = planned(load_study(str(path)), plugin)
    record(folder, old)
    for run in old.runs:
        interrupt(folder, run, 1200)
    train(folder, planned(replace(old.study, seeds=(1,)), plugin).runs[0])  # for a speed
    assert [run["again"] for run in runs_of(folder.path, "--plugin", plugin).values()] == [[], []]
    plugin.write_text(PLUGIN.replace("A loss", "The loss"))
    kept, other = runs_of(folder.path, "--plugin", plugin).values()
    assert (other["state"], other["step"], other["unlike"], other["unused_step"]) == ("interrupted", 1200, "", None)
    assert (kept["run"], kept["state"], kept["step"]) == (old.runs[0].id, "interrupted", 1200)
    assert (kept["unlike"], kept["again"], kept["unused_step"]) == (old.runs[0].id, ["code of my_loss.py"], 1200)
    assert "would start from step 0: code of my_loss.py" in bench("status", folder.path, "--plugin", plugin).stdout
    asked, other = runs_of(path, "--results", tmp_path, "--plugin", plugin).values()
    assert (asked["run"] != kept["run"], asked["state"], other["state"]) == (True, "waiting", "interrupted")
    assert (asked["unlike"], asked["again"], asked["unused_step"]) == (kept["run"], ["code of my_loss.py"], 1200)
    done = bench("status", path, "--results", tmp_path, "--plugin", plugin, width=250)
    assert f"would start from step 0, not from step 1200 of {kept['run']}: code of my_loss.py" in done.stdout
    interrupt(folder, planned(old.study, plugin).runs[0], 7)
    began, _ = runs_of(path, "--results", tmp_path, "--plugin", plugin).values()
    assert (began["step"], began["unlike"], began["unused_step"]) == (7, "", None)


def test_the_whole_training_is_left_where_a_checkpoint_is_not_used(tmp_path: Path) -> None:
    plugin, folder = tmp_path / "my_loss.py", StudyFolder(tmp_path / "ten")
    plugin.write_text(PLUGIN)
    study = replace(STUDY, models=("vae[reconstruction=huberish]",), seeds=(0, 1))
    old = planned(study, plugin)
    record(folder, old)
    interrupt(folder, old.runs[0], 1000)
    train(folder, old.runs[1], speed=40.0)
    before, _ = runs_of(folder.path, "--plugin", plugin).values()
    plugin.write_text(PLUGIN.replace("A loss", "The loss"))
    after, _ = runs_of(folder.path, "--plugin", plugin).values()
    assert (before["seconds_left"], after["seconds_left"]) == (3000 * 16 / 40, 4000 * 16 / 40)


def test_checkpoints_of_other_runs_of_the_plan_are_no_concern(tmp_path: Path) -> None:
    folder, study = StudyFolder(tmp_path / "ten"), replace(STUDY, models=("vae",), seeds=(0,))
    plan, other = planned(study), planned(replace(study, size=64))
    interrupt(folder, plan.runs[0], 7)
    both = replace(plan, runs=(*plan.runs, *other.runs))
    assert list(EarlierRuns(StoredRuns(folder), both).unused_checkpoints()) == []
    [(run, unused)] = EarlierRuns(StoredRuns(folder), other).unused_checkpoints()
    assert (run, unused.run, unused.step, unused.differing) == (
        other.runs[0], plan.runs[0].id, 7, ("size 32 → 64",)
    )  # fmt: skip


def test_differences_of_definitions_are_in_words() -> None:
    study = replace(STUDY, models=("vaegan",), seeds=(0,))
    (old,) = planned(study).runs
    model = "vaegan[gamma=0.5,adversarial=hinge,prior.weight=4]"
    (new,) = planned(replace(study, models=(model,), optimizer="adam[lr=0.002]", batch=8, networks="larsen")).runs
    before = read_as(Definition, dict(old.definition))
    older = replace(before, versions={**before.versions, "torch": "1.13"}, code={"vaegan_bench": "0" * 12, "x": "1.5"})
    words = definition_differences(older, new.definition)
    assert "optimizer.lr 0.0003 → 0.002" in words or "optimizer.lr 0.001 → 0.002" in words
    assert "batch 16 → 8" in words
    assert "networks compact → larsen" in words
    assert "model.adversarial minimax → hinge" in words
    assert any(line.startswith("model.gamma ") and line.endswith(" → 0.5") for line in words)
    assert f"torch 1.13 → {before.versions['torch']}" in words
    assert words[-2:] == ["code of vaegan_bench", "code of x is not used any more"]
    assert definition_differences(before, old.definition) == []


def test_runs_that_saw_other_images_or_weights_are_named(tmp_path: Path) -> None:
    plan, folder = planned(replace(STUDY, models=("vae",), seeds=(0, 1, 2))), StudyFolder(tmp_path / "ten")
    record(folder, plan)
    for run, data, weights, year in zip(
        plan.runs, ("aa", "bb", "bb"), ("1", "1", "2"), (2018, 2017, 2016), strict=True
    ):
        train(folder, run, data=data, finished=f"{year}-01-01T00:00:00+00:00")
        measure(folder, run, plan, weights={"oracle": weights})
    notes = recorded_status(folder).notes
    first, second, third = (run.id for run in plan.runs)
    assert [note.partition(": ")[0] for note in notes] == [
        f"{second}, {third} were trained on other images of avatars 32×32 than {first}",
        f"{third} was measured through other weights of oracle than {second}",
    ]


def test_a_claim_does_not_hide_how_a_run_ended(tmp_path: Path) -> None:
    plan, folder = planned(replace(STUDY, models=("vae",), seeds=(0, 1))), StudyFolder(tmp_path / "ten")
    record(folder, plan)
    train(folder, plan.runs[0], status="diverged at step 7")
    claims = [claimed(folder, run, owner={"hostname": "node2"}) for run in plan.runs]
    trained, untrained = recorded_status(folder).runs
    assert [(run.state_in_words(), run.host) for run in (trained, untrained)] == [
        ("diverged at step 7", "node2"), ("starting", "node2")
    ]  # fmt: skip
    for claim in claims:
        claim.release()


def test_damage_is_a_state(tmp_path: Path) -> None:
    plan, folder = planned(replace(STUDY, models=("vae",), seeds=(0, 1))), StudyFolder(tmp_path / "ten")
    record(folder, plan)
    for run in plan.runs:
        train(folder, run)
        measure(folder, run, plan)
    (folder.run(plan.runs[0].id).path / "run.json").write_text("{")
    (folder.run(plan.runs[1].id).path / "metrics.json").write_text("{")
    damaged, unmeasured = recorded_status(folder).runs
    assert damaged.state_in_words().startswith("damaged: Cannot read")
    assert unmeasured.why_in_words() == "metrics reconstruction, latent-health are not measured yet"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nosuch",), "Unknown study 'nosuch'"),
        (("nosuch.toml",), "no study file"),
        (("tests",), "holds no study"),
        (("--results", "pyproject.toml"), "Cannot read the results folder pyproject.toml: Not a directory"),
        (("smoke", "--plugin", "nosuch.py"), "nosuch.py"),
        (("smoke", "--format", "xml"), "xml"),
        (("smoke", "--watch"), "--watch needs a terminal"),
        (("smoke", "--watch", "--format", "json"), "--watch shows a table"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    done = bench("status", *arguments, cwd=Path(__file__).parents[2])
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_a_study_is_found_by_its_name_in_the_results(store: Store) -> None:
    assert len(runs_of("ten", "--results", store.results)) == 10


def test_it_is_kept_current_until_ctrl_c() -> None:
    shown, console = iter(["first", "second", "third"]), Console(file=io.StringIO(), force_terminal=True, width=60)
    pauses = iter([None, KeyboardInterrupt()])

    def pause(seconds: float) -> None:
        if (error := next(pauses)) is not None:
            raise error

    keep_current(console, lambda: next(shown), pause)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert "second" in output
    assert next(shown) == "third"


def test_a_signal_other_than_ctrl_c_ends_the_command_with_its_code() -> None:
    def pause(seconds: float) -> None:
        raise EndedBySignal

    with pytest.raises(EndedBySignal):
        keep_current(Console(file=io.StringIO(), force_terminal=True), lambda: "shown", pause)


def test_a_watch_follows_the_plan(tmp_path: Path) -> None:
    study = replace(STUDY, models=("vae",), seeds=(0,))
    folder, registry = StudyFolder(tmp_path / "ten"), Registry()
    record(folder, planned(study))
    look = CurrentStatus(partial(find_study, str(folder.path), tmp_path, {}), registry)
    assert [run.seed for run in look().runs] == [0]
    record(folder, planned(replace(study, seeds=(0, 1))))
    assert [run.seed for run in look().runs] == [0, 1]
    (folder.path / "study.json").write_text("{")
    damaged = look()
    assert [run.seed for run in damaged.runs] == [0, 1]
    assert damaged.notes[-1].startswith("This is the status by the plan before: Cannot read ")


def test_a_watch_by_records_alone_outlives_a_damaged_record(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "ten")
    record(folder, planned(replace(STUDY, models=("vae",), seeds=(0,))))
    asked = find_study(str(folder.path), tmp_path, {})
    look = CurrentStatus(partial(find_study, str(folder.path), tmp_path, {}), Registry())
    look._look = partial(recorded_status, asked.folder)
    (folder.path / "study.json").write_text("{")
    assert [run.seed for run in look().runs] == [0]


def test_a_watch_plans_only_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plans = study_file(tmp_path), list[Study]()
    monkeypatch.setattr("vaegan_bench.study.plan.make_plan", lambda *given: plans.append(given[0]) or make_plan(*given))
    look = CurrentStatus(partial(find_study, str(path), tmp_path, {}), Registry())
    assert [len(look().runs), len(look().runs), len(plans)] == [2, 2, 1]
    study_file(tmp_path, seeds=3)
    assert [len(look().runs), len(look().runs), len(plans)] == [3, 3, 2]


def test_of_very_many_runs_those_that_are_not_finished_are_shown(store: Store) -> None:
    status = recorded_status(store.folder)
    assert [run.state for run in status.most_urgent(4)] == ["training", "training", "measuring", "interrupted"]
    assert len(status.most_urgent(10)) == 10


def test_a_folder_is_read_without_torch(store: Store) -> None:
    code = "import sys; sys.modules['torch'] = None; from vaegan_bench.cli import main; main()"
    line = [sys.executable, "-c", code, "status", "--results", str(store.results)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("Study ten: 3 of 10 runs"), done.stderr


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no study"):
        recorded_status(StudyFolder(tmp_path))
