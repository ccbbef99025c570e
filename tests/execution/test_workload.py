"""What of a plan is left to do, and what one run that fails costs the others."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from stored_study import store_run

from vaegan_bench.api import Data, DataError, StoreError
from vaegan_bench.execution.execution import Execution
from vaegan_bench.execution.footprint import bytes_of_weights
from vaegan_bench.execution.runner import Runner
from vaegan_bench.execution.workload import Workload
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.status.recorded import studies_in
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan, make_plan
from vaegan_bench.study.run import Run
from vaegan_bench.study.study import Study
from vaegan_bench.system.claims import Claim
from vaegan_bench.testing import blobs


def planned(*models: str) -> Plan:
    small = {"datasets": ["mnist"], "metrics": ["reconstruction"], "steps": 3, "batch": 4, "size": 32, "samples": 4}
    return make_plan(Study().with_values({"name": "small", "models": list(models), **small}, "a test"), Registry())


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workload:
    work = Workload(planned("vae", "vaegan", "gan"), StudyFolder(tmp_path / "small"), tmp_path)
    monkeypatch.setattr(work.loaded, "get", lambda run: blobs())
    return work


def test_a_folder_that_may_not_be_entered_is_no_reason_to_fail(work: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    (work.folder.path.parent / "lost+found").mkdir()
    stat = os.stat

    def locked(path: str | Path, **more: Any) -> os.stat_result:
        if "lost+found" in str(path) and not str(path).endswith("lost+found"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **more)

    monkeypatch.setattr(os, "stat", locked)
    assert work.elsewhere(work.plan.runs[0], "ab") is None
    with pytest.raises(StoreError, match=r"Cannot read .*lost\+found.*run\.json: Permission denied\.$"):
        StudyFolder(work.folder.path.parent / "lost+found").run("vae-0").record()
    assert studies_in(work.folder.path.parent) == []


def test_a_study_that_begins_later_is_looked_at_as_well(work: Workload) -> None:
    run, results = work.plan.runs[0], work.folder.path.parent
    assert work.elsewhere(run, "ab") is None
    later = StudyFolder(results / "later").run(run.id)
    before = results.stat()
    store_run(later, "vae", 0)
    counted = results.stat().st_nlink > before.st_nlink  # clocks of file systems stand still for milliseconds
    os.utime(results, ns=(before.st_atime_ns, before.st_mtime_ns + (not counted)))
    found = work.elsewhere(run, later.record().data)
    assert found is not None
    assert found.path == later.path


def test_what_goes_on_later_is_known_without_the_data(work: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Run] = []

    def get(run: Run) -> Data:
        asked.append(run)
        return blobs()

    monkeypatch.setattr(type(work.folder_of(work.plan.runs[0])), "is_trained", True)
    monkeypatch.setattr(work.loaded, "get", get)
    assert work.begun() == {}
    assert asked == []


def test_space_is_needed_for_the_weights_of_every_model(work: Workload, tmp_path: Path) -> None:
    alone = Workload(planned("vae"), work.folder, tmp_path)
    alone.loaded.get = work.loaded.get  # type: ignore[method-assign]
    vae, vaegan, gan = (bytes_of_weights(run, blobs()) for run in work.plan.runs)
    assert min(vae, vaegan, gan) > 10**5
    assert work.needed_space(1) >= alone.needed_space(1) + vaegan + gan


def test_a_run_of_which_nothing_can_be_known_is_left_to_do(work: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: Run) -> None:
        raise DataError("The data set is gone.")

    monkeypatch.setattr(type(work.folder_of(work.plan.runs[0])), "is_trained", True)
    monkeypatch.setattr(work.loaded, "get", fail)
    assert not any(map(work.is_trained, work.plan.runs))
    assert work.left() == list(work.plan.runs)


@pytest.mark.parametrize("error", [StoreError("The folder cannot be written."), OSError("no"), SystemExit("no")])
def test_a_run_that_fails_costs_no_other_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    begun: list[str] = []

    def fail(self: Runner, run: Run, claim: Claim) -> str:
        begun.append(run.label)
        raise error

    plan = planned("gan", "vae")
    monkeypatch.setattr(Runner, "_run", fail)
    monkeypatch.setattr("vaegan_bench.training.loading.LoadedData.get", lambda self, run: blobs())
    execution = Execution(plan, Registry(), StudyFolder(tmp_path / "small"), tmp_path)
    execution.run()
    assert begun == ["gan", "vae"]
    assert list(execution.failures) == [run.id for run in plan.runs]
