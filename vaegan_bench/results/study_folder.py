"""The folder of a study: its latest plan, and what the runs of it left."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pandas as pd

from vaegan_bench.results.files import read_json, readable, write_json
from vaegan_bench.results.records import RunRecord, StudyRecord, is_plain_name, read_study
from vaegan_bench.results.rows import OPTIONAL
from vaegan_bench.results.run_files import RUN
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.system.errors import BenchError, StoreError
from vaegan_bench.system.files import remove_strays

STUDY = "study.json"
RUN_AGAIN = "Run the study again, which writes it and keeps its finished runs."
NOT_YET = "not measured yet, or not by today's code and extractors: `vaegan-bench run` with the study measures it"


class StudyFolder:
    """`results/<study>/`: one plan at a time, whose runs several processes may share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> float:
        """Make the folder, and make sure now that results can be written later; return when, by its own clock."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            remove_strays(self.path)
            with tempfile.TemporaryFile(dir=self.path) as file:
                return os.fstat(file.fileno()).st_mtime
        except OSError as error:
            raise StoreError(
                f"Cannot write results to {self.path}: {error.strerror}. Choose another folder with --results."
            ) from error

    def run(self, run_id: str) -> RunFolder:
        """The folder of one run, which may not exist yet. Raises `StoreError` for what is not a plain name."""
        if not is_plain_name(run_id):
            raise StoreError(f"{run_id!r} does not name a run in {self.path}: it is not the plain name of a folder.")
        return RunFolder(self.path / run_id)

    def runs(self) -> list[RunFolder]:
        """The runs of the study's latest plan that were trained and can be shown, in the plan's order."""
        left_out = self.left_out()
        return [folder for folder in self._there() if folder.path.name not in left_out]

    def left_out(self) -> dict[str, str]:
        """Run → why it is shown nowhere: a file of it is damaged, or it claims to be another run."""
        reasons, seen = dict[str, str](), dict[tuple[str, str, int], str]()
        for folder in self._there():
            name = folder.path.name
            if fault := folder.fault() or self._elsewhere(folder):
                reasons[name] = fault
                continue
            record = folder.record()
            first = seen.setdefault((record.dataset, record.label, record.seed), name)
            if first != name:
                reasons[name] = f"{folder.path} has the data set, model and seed of {first}: remove one of them."
        return reasons

    @property
    def is_archived(self) -> bool:
        """Whether a run that is shown is known from the archive alone, without weights and arrays."""
        return any(not (run.path / RUN).is_file() for run in self.runs())

    def write_study(self, record: StudyRecord) -> None:
        """Record the latest plan: the study, the ids of its runs, and what it measures. An equal one stays as it is."""
        with suppress(BenchError):
            if self.study() == record:
                return
        write_json(self.path / STUDY, record.as_plain())

    def study(self) -> StudyRecord:
        """The latest plan. Raises `StoreError` where there is none."""
        path = self.path / STUDY
        if not path.is_file():
            raise StoreError(f"{self.path} holds no study: there is no {STUDY} in it.")
        with readable(path, RUN_AGAIN):
            return read_study(read_json(path))

    def planned(self) -> dict[str, str]:
        """Key of a measurement that the latest plan asks for → its metric's selector."""
        return self.study().evaluation.labels()

    def rows(self) -> pd.DataFrame:
        """Every number of every run: one row per run × metric. Raises `StoreError` where no run is finished."""
        name, planned = self.study().study.name, set(self.planned())
        rows = pd.DataFrame([{"study": name, **row} for run in self.finished() for row in run.rows(planned)])
        return rows.astype(dict.fromkeys(OPTIONAL, float))  # a column of nothing but None would be none of numbers

    def by_dataset(self) -> dict[str, RunRecord]:
        """Data set → the record of a run on it: what it says of the data holds for all."""
        return {record.dataset: record for record in (run.record() for run in self.runs())}

    def history(self) -> pd.DataFrame:
        """The learning curves of every run: one row per run × term × interval.

        Raises `StoreError` where no run is finished.
        """
        return pd.concat([run.history() for run in self.finished()], ignore_index=True)

    def finished(self) -> list[RunFolder]:
        """The same runs as `runs`, of which there is at least one. Raises `StoreError` where there is none."""
        runs = self.runs()
        if not runs:
            reasons = "".join(f" Left out: {reason}" for reason in self.left_out().values())
            raise StoreError(f"{self.path} holds no finished run yet: train some with vaegan-bench run.{reasons}")
        return runs

    def not_measured(self) -> list[tuple[str, str, str]]:
        """(run, metric, reason) of every number that the plan asks for and that is missing, or that gave a problem."""
        planned = self.planned()
        found = []
        for run in self.runs():
            name, known = run.path.name, run.measurements()
            found += [(name, label, reason) for label, reason in run.problems(planned).items()]
            if run.record().is_ok:
                found += [(name, label, NOT_YET) for asked, label in planned.items() if asked not in known]
        return found

    def missing(self) -> list[str]:
        """A line for each run that is left out, and for each number that `not_measured` names."""
        numbers = [f"{run}: {metric}: {reason}" for run, metric, reason in self.not_measured()]
        return [*self.left_out_lines(), *numbers]

    def left_out_lines(self) -> list[str]:
        """A line for each run that is left out."""
        return [f"Left out: {reason}" for reason in self.left_out().values()]

    def _there(self) -> list[RunFolder]:
        return [folder for folder in map(self.run, self.study().runs) if folder.is_there]

    def _elsewhere(self, folder: RunFolder) -> str:
        """Why a run is not inside of the study's folder; '' where it is."""
        inside = folder.path.resolve().parent == self.path.resolve()
        return "" if inside else f"{folder.path} is a link to another folder, which this study does not own."
