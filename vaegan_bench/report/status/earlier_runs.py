"""Runs of other plans in a study's folder, and how far an untrained run of today's plan differs from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from vaegan_bench.report.status.differences import definition_differences
from vaegan_bench.report.status.run_status import RunStatus, State
from vaegan_bench.report.status.stored_runs import StoredRuns
from vaegan_bench.results.records import Definition, RunRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import Plan
from vaegan_bench.study.run import Run
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.plain_data import read_as

LEFT: tuple[State, ...] = ("interrupted", "failed")
"""States of a run whose checkpoint nobody works with."""
BEGINNING: tuple[State, ...] = (*LEFT, "damaged", "waiting")
"""States of a run that the same command begins, unless it goes on from a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class UnusedCheckpoint:
    """A checkpoint that a run does not use, because it is that of a run with another definition."""

    run: str
    step: int
    differing: tuple[str, ...]
    """In what its run differs, in words."""


class EarlierRuns:
    """The runs in a study's folder that are not in the plan, with which untrained runs of the plan are compared.

    Only runs with the same label, data set and seed are compared.
    """

    def __init__(self, stored: StoredRuns, plan: Plan, recorded: Sequence[str] = ()) -> None:
        """`recorded` are runs that may be in the archive only."""
        self.stored, self.plan = stored, plan
        self.speeds: dict[str, list[float]] = {}
        """Model → images per second of the trained runs that others were compared with."""
        self._by_name: dict[str, list[str]] = {}
        for name in sorted({*stored.names, *recorded}.difference(run.id for run in plan.runs)):
            self._by_name.setdefault(readable_part(name), []).append(name)

    def compared(self, status: RunStatus, run: Run) -> RunStatus:
        """The status of an untrained run, with its differences from the most similar earlier run.

        It is compared with a checkpoint that it does not use, unless a trained run is more similar.
        """
        record, differing = self._most_similar(run)
        unused = self._unused_by(status, run)
        if record:
            self.speeds.setdefault(run.label, []).append(record.speed)
        if unused and (record is None or len(unused.differing) <= len(differing)):
            return replace(status, unlike=unused.run, again=unused.differing, unused_step=unused.step)
        return replace(status, unlike=record.id, again=tuple(differing)) if record else status

    def unused_checkpoints(self) -> Iterator[tuple[Run, UnusedCheckpoint]]:
        """The runs of the plan that start from step 0 although there is a checkpoint of other code or settings."""
        for run in (run for run in self.plan.runs if readable_part(run.id) in self._by_name):
            if unused := self._unused_by(self.stored.planned(run.id, {}), run):
                yield run, unused

    def replaced(self) -> Iterator[tuple[Run, RunRecord, list[str]]]:
        """The runs of the plan that are not trained although a similar run is, that run, and how they differ."""
        for run in (run for run in self.plan.runs if readable_part(run.id) in self._by_name):
            if self.stored.record(run.id) is None and not self.stored.elsewhere(run.id):
                record, differing = self._most_similar(run)
                if record:
                    yield run, record, differing

    def _most_similar(self, run: Run) -> tuple[RunRecord | None, list[str]]:
        """The earlier run that differs least from a run of the plan, and how."""
        trained = [(each, definition_differences(each.definition, run.definition)) for each in self._records(run)]
        return min(trained, key=lambda each: len(each[1]), default=(None, []))

    def _unused_by(self, status: RunStatus, run: Run) -> UnusedCheckpoint | None:
        """The checkpoint that `run` does not use; `status` is that of the run itself, or of the one in its place."""
        if status.state not in BEGINNING:
            return None
        if status.run != run.id:
            return self._checkpoint(status.run, run) or self._nearest(run)
        return self._nearest(run) if status.step is None else None

    def _nearest(self, run: Run) -> UnusedCheckpoint | None:
        """The checkpoint that differs least; of several, that of the latest step."""
        found = [self._checkpoint(name, run) for name in self._by_name.get(readable_part(run.id), ())]
        return min(filter(None, found), key=lambda each: (len(each.differing), -each.step), default=None)

    def _checkpoint(self, name: str, run: Run) -> UnusedCheckpoint | None:
        """The checkpoint of an earlier run, unless the run is another one altogether or is worked on."""
        is_left = self.stored.status(name, {}).state in LEFT
        head = self.stored.folder.run(name).checkpoints.head() if is_left else None
        with suppress(ValueError):
            if head and _is_alike(definition := read_as(Definition, head.definition), run):
                differing = tuple(definition_differences(definition, run.definition))
                return UnusedCheckpoint(run=name, step=head.step, differing=differing) if differing else None
        return None

    def _records(self, run: Run) -> list[RunRecord]:
        """The records of earlier runs like this one, the newest first."""
        names = self._by_name.get(readable_part(run.id), ())
        records = [record for name in names if (record := self.stored.record(name)) is not None]
        alike = [each for each in records if each.label == run.label and _is_alike(each.definition, run)]
        return sorted(alike, key=lambda record: record.finished, reverse=True)


def no_longer_shown(folder: StudyFolder, plan: Plan) -> str:
    """A note on finished runs of the last plan in a folder that this plan has not; '' where there is none."""
    planned = {run.id for run in plan.runs}
    with suppress(StoreError):
        gone = [name for name in folder.study().runs if name not in planned and folder.run(name).has_ended]
        if not gone:
            return ""
        why = (
            f" {run.id} is trained although {record.id} is finished: {', '.join(differing)}."
            for run, record, differing in EarlierRuns(StoredRuns(folder), plan, gone).replaced()
        )
        runs = f"{len(gone)} finished runs" if len(gone) > 1 else f"The finished run {gone[0]}"
        are, them = ("are", "them") if len(gone) > 1 else ("is", "it")
        return (
            f"{runs} of the study that {folder.path} holds {are} not in this one: its tables and figures will not show "
            f"{them}. Another name keeps both studies.{next(why, '')}"
        )
    return ""


def readable_part(run: str) -> str:
    """The id of a run without the hash of its definition."""
    return run.rpartition("-")[0]


def _is_alike(definition: Definition, run: Run) -> bool:
    """Whether model, data set and seed are the same, whatever their fields are."""
    named = (definition.model.get("name"), definition.dataset.get("name"), definition.seed)
    return named == (run.model.name, run.dataset.name, run.seed)
