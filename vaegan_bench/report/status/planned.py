"""The status of a study by a plan made now: also what the same command would train or measure again, and why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from vaegan_bench.evaluation.settings import EvaluationSettings
from vaegan_bench.report.status.differences import definition_differences
from vaegan_bench.report.status.earlier_runs import EarlierRuns, readable_part
from vaegan_bench.report.status.measuring import AskedMetric, asked_metrics
from vaegan_bench.report.status.mixtures import mixtures
from vaegan_bench.report.status.run_status import RunStatus
from vaegan_bench.report.status.stored_runs import StoredRuns
from vaegan_bench.report.status.study_status import StudyStatus, with_times
from vaegan_bench.results.records import RunRecord, StudyRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run


class PlannedStatus:
    """A plan, compared with its study's folder."""

    def __init__(
        self, folder: StudyFolder, plan: Plan, recorded: StudyRecord | None = None, notes: Sequence[str] = ()
    ) -> None:
        """`recorded` is the folder's latest plan; its runs are shown where today's plan has others in their place."""
        self.folder, self.plan, self.recorded = folder, plan, recorded
        self.notes = [*notes, *(f"Skipped {skip.label}: {skip.reason}" for skip in plan.skips)]
        self.asked = _asked(plan)
        self.asked_before = asked_metrics(recorded.evaluation) if recorded else {}

    def __call__(self) -> StudyStatus:
        """The current status."""
        stored = StoredRuns(self.folder)
        before = EarlierRuns(stored, self.plan, self.recorded.runs if self.recorded else ())
        found = [self._status(stored, before, shown, run) for shown, run in self._shown(stored)]
        runs, name = with_times(found, before.speeds), self.plan.study.name
        return StudyStatus(name=name, folder=self.folder.path, runs=runs, notes=(*self.notes, *mixtures(runs)))

    def _shown(self, stored: StoredRuns) -> Iterator[tuple[str, Run | None]]:
        """Each run that is shown, with the run that today's plan has in its place, or None.

        Both plans order models, data sets and seeds in one way, so that runs of one name correspond in order.
        """
        recorded = self.recorded.runs if self.recorded else ()
        planned, known = {run.id: run for run in self.plan.runs}, set(recorded)
        others: dict[str, deque[Run]] = {}
        for run in (run for name, run in planned.items() if name not in known):
            others.setdefault(readable_part(run.id), deque()).append(run)
        for name in recorded:
            alike = others.get(readable_part(name))
            run_now = planned.get(name) or (alike.popleft() if alike else None)
            yield (run_now.id if run_now and _is_shown(stored, run_now.id, name) else name), run_now
        yield from ((run.id, run) for left in others.values() for run in left)

    def _status(self, stored: StoredRuns, before: EarlierRuns, shown: str, run: Run | None) -> RunStatus:
        is_planned = run is not None and run.id == shown
        found = stored.planned(shown, self.asked) if is_planned else stored.status(shown, self.asked_before)
        if run is None:
            return found
        if found.trained is None:
            described = _described(found, run)
            return described if found.state == "elsewhere" else before.compared(described, run)
        return found if is_planned else _replaced(found, found.trained.record, run)


def _is_shown(stored: StoredRuns, run: str, recorded: str) -> bool:
    """Whether a run of today's plan is shown: the recorded one in its place is, if only that one has left something."""
    return run == recorded or stored.knows(run) or not stored.knows(recorded) or stored.elsewhere(run) != ""


def _asked(plan: Plan) -> dict[str, AskedMetric]:
    settings = EvaluationSettings.of(plan)
    code = {settings.key(metric): settings.code(metric) for metric in plan.metrics}
    return {key: replace(asked, code=code[key]) for key, asked in asked_metrics(settings.planned()).items()}


def _described(found: RunStatus, run: Run) -> RunStatus:
    """The status of a run without a record, completed from the plan."""
    known: dict[str, Any] = {"model": run.label, "dataset": run.data_label, "seed": run.seed}
    return replace(found, **known, steps=found.steps or run.steps, batch=run.batch)


def _replaced(found: RunStatus, record: RunRecord, run: Run) -> RunStatus:
    """The status of a trained run that the same command would replace by `run`."""
    return replace(found, unlike=found.run, again=tuple(definition_differences(record.definition, run.definition)))
