"""The folder of a study: its latest plan, and the results of its runs."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import chain, tee
from operator import itemgetter
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from vaegan_bench.results.files import parse_record, readable, write_json
from vaegan_bench.results.headlines import leading
from vaegan_bench.results.history import curves_of
from vaegan_bench.results.overview import MeasurementFacts
from vaegan_bench.results.readings import Readings
from vaegan_bench.results.records import RunRecord, StudyRecord, is_plain_name, read_study
from vaegan_bench.results.rows import OPTIONAL
from vaegan_bench.results.rulers import Ruler, StoredRulers
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.trained_images import JudgedRun, newest_runs, other_images
from vaegan_bench.system.errors import BenchError, StoreError
from vaegan_bench.system.files import Stamp, remove_strays, stamp_of

STUDY = "study.json"
RUN_AGAIN = "Run the study again, which writes it and keeps its finished runs."
NAMED = 5
"""How many runs a line names."""
NOT_YET = "not measured yet, or not by today's code and extractors: `vaegan-bench run` with the study measures it"


class StudyFolder:
    """`results/<study>/`: one plan at a time, whose runs several processes may share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> float:
        """Make the folder, and check that results can be written; return the time, by the clock of its file system."""
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
        return list(self._shown())

    def all_runs(self) -> list[RunFolder]:
        """Every run of the latest plan, also those that cannot be shown. Raises `StoreError` where none was trained."""
        runs = self._planned_runs()
        return runs if any(run.has_ended for run in runs) else self._refuse()

    def left_out(self) -> dict[str, str]:
        """Run → why it is not shown: it is damaged, a link to elsewhere, the twin of a run, or has older images."""
        return _left_out(self._with_reasons())

    @property
    def is_archived(self) -> bool:
        """Whether a run that is shown is only in the archive, without weights and arrays."""
        return any(not (run.path / RUN).is_file() for run in self._shown())

    def write_study(self, record: StudyRecord) -> None:
        """Record the latest plan: the study, its runs and its metrics; an equal one only gets a new date."""
        with suppress(BenchError, OSError):
            if self.study() == record:
                (self.path / STUDY).touch()
                return
        write_json(self.path / STUDY, record.as_plain())

    def study(self) -> StudyRecord:
        """The latest plan. Raises `StoreError` where there is none."""
        path = self.path / STUDY
        if (stamp := stamp_of(path)) is None:
            raise StoreError(f"{self.path} holds no study: there is no {STUDY} in it.")
        return _study_of(path.absolute(), path, stamp)

    def planned(self) -> dict[str, str]:
        """Key of each measurement in the latest plan → its metric's selector."""
        return self.study().evaluation.labels()

    def rows(self) -> pd.DataFrame:
        """Every number of every run: one row per run × metric. Raises `StoreError` where no run is finished.

        The setting includes the study's optimizers of single players: a run records only those of its own players, and
        rows of studies with other optimizers must not be compared. The column 'reading' holds the distortions with the
        same distance on the ruler, and 'instrument' the verdict on the extractor. 'trained_on' names the extractors
        that training used. 'planned' says whether the study asks for the number, 'headline' whether it is
        a headline.
        """
        study, planned = self.study().study, self.study().evaluation.by_key()
        readings = Readings(StoredRulers(self.path).read())
        own = "".join(f", {player}={selector}" for player, selector in sorted(study.optimizers.items()))
        # Each run is checked and read before the next, so that its files are read once.
        judged, read = tee(self._judged())
        of_runs = ((run.record(), run.rows(planned)) for run, _, fault in judged if not fault)
        annotated = (row for run, rows in of_runs for row in _annotated(rows, run, readings))
        found = ({"study": study.name, **row, "setting": row["setting"] + own} for row in annotated)
        columns = list(first := next(found, {})) or self._refuse()
        rows = pd.DataFrame(map(itemgetter(*columns), chain([first], found)), columns=columns)
        newest = {dataset: run.known.data for dataset, run in newest_runs(read).items()}
        rows = rows[rows["data"] == rows["dataset"].map(newest)].reset_index(drop=True)
        asked = rows["measurement"].isin(["", *planned])
        rows = rows.assign(planned=asked, headline=leading(rows, planned)).drop(columns=["measurement"])
        return rows.astype(dict.fromkeys(OPTIONAL, float))  # a column of only None would not be numeric

    def rulers(self, rows: pd.DataFrame | None = None) -> list[Ruler]:
        """The rulers made on the images that the study's runs have, on which its numbers may be read.

        `rows` are the study's rows, if they have been read already.
        """
        data = {run.overview().data for run in self.runs()} if rows is None else set(rows["data"])
        return [ruler for ruler in StoredRulers(self.path).read() if ruler.data in data]

    def by_dataset(self) -> dict[str, RunRecord]:
        """Data set → the record of one run on it, whose facts about the data hold for all runs on it."""
        return {record.dataset: record for record in (run.record() for run in self.runs())}

    def history(self) -> pd.DataFrame:
        """The learning curves of every run: one row per run × term × interval.

        Raises `StoreError` where no run is finished.
        """
        return curves_of((run.record(), run.training.curves()) for run in self.shown())

    def shown(self) -> list[RunFolder]:
        """The same runs as `runs`, at least one. Raises `StoreError` where there is none."""
        return self.runs() or self._refuse()

    def not_measured(self) -> list[tuple[str, str, str]]:
        """(run, metric, reason) for every planned metric that has not been measured, or that had a problem."""
        return self._not_measured(self._shown())

    def _not_measured(self, runs: Iterable[RunFolder]) -> list[tuple[str, str, str]]:
        planned = self.planned()
        found = []
        for run in runs:
            name, known = run.path.name, run.overview()
            asked = [each for key, each in known.measured.items() if key in planned]
            found += [(name, each.label, each.problem) for each in asked if each.problem]
            if known.is_ok:
                found += [(name, label, NOT_YET) for key, label in planned.items() if key not in known.measured]
        return found

    def without_numbers(self) -> list[str]:
        """The planned metrics that gave no number in any run although none had a problem.

        The data or the models have not what they measure, such as attributes or an encoder.
        """
        found: dict[str, list[MeasurementFacts]] = {}
        for run in self.runs():
            for key, facts in run.overview().measured.items():
                found.setdefault(key, []).append(facts)
        names = ((label, found.get(key, [])) for key, label in self.planned().items())
        return [label for label, facts in names if facts and not any(f.has_numbers or f.problem for f in facts)]

    def missing(self, reported: Collection[str] = ()) -> list[str]:
        """A line for each run that is left out, one for all that are not trained, and one for each number that
        `not_measured` names; nothing about the runs in `reported`."""
        judged = list(self._with_reasons())  # once for all of them: there may be thousands of runs
        found = self._not_measured(folder for folder, reason in judged if not reason)
        numbers = [f"{run}: {metric}: {reason}" for run, metric, reason in found]
        untrained = self._untrained_lines({folder.path.name for folder, _ in judged}, reported)
        return [*self._lines_of(_left_out(judged)), *untrained, *numbers]

    def untrained_lines(self, reported: Collection[str] = ()) -> list[str]:
        """A line that names the runs of the plan that are not trained, because they failed or were never done; or none.

        Nothing about the runs in `reported`.
        """
        return self._untrained_lines({run.path.name for run in self._there()}, reported)

    def _untrained_lines(self, ended: Collection[str], reported: Collection[str]) -> list[str]:
        planned = self.study().runs
        absent = [name for name in planned if name not in ended and name not in reported]
        if not absent:
            return []
        named = ", ".join(absent[:NAMED]) + (f" and {len(absent) - NAMED} more" if len(absent) > NAMED else "")
        why = f"`vaegan-bench status {shlex.quote(str(self.path))}` says why"
        return [f"{len(absent)} of {len(planned)} runs of the plan are not trained ({named}): {why}."]

    def left_out_lines(self) -> list[str]:
        """A line for each run and each ruler that is left out, and for an archive that cannot be read."""
        return self._lines_of(self.left_out())

    def _lines_of(self, left_out: Mapping[str, str]) -> list[str]:
        return [f"Left out: {reason}" for reason in (*left_out.values(), *StoredRulers(self.path).damaged())]

    def _refuse(self) -> NoReturn:
        reasons = "".join(f" {line}" for line in self.left_out_lines())
        raise StoreError(f"{self.path} holds no finished run yet: train some with vaegan-bench run.{reasons}")

    def _shown(self) -> Iterator[RunFolder]:
        return (folder for folder, reason in self._with_reasons() if not reason)

    def _with_reasons(self) -> Iterator[tuple[RunFolder, str]]:
        """Every run of the plan whose training has ended, and why it is not shown; '' where it is."""
        judged = list(self._judged())
        newest = newest_runs(judged)
        for run in judged:
            yield run.folder, run.fault or other_images(run, newest[run.known.identity[0]])

    def _judged(self) -> Iterator[JudgedRun]:
        seen = dict[tuple[str, str, int], str]()
        for folder in self._there():
            known = folder.overview()
            fault = known.damage or self._elsewhere(folder)
            if not fault:
                first = seen.setdefault(known.identity, folder.path.name)
                if first != folder.path.name:
                    fault = f"{folder.path} has the data set, model and seed of {first}: remove one of them."
            yield JudgedRun(folder, known, fault)

    def _there(self) -> list[RunFolder]:
        return [folder for folder in self._planned_runs() if folder.has_ended]

    def _planned_runs(self) -> list[RunFolder]:
        return [self.run(name) for name in self.study().runs]

    def _elsewhere(self, folder: RunFolder) -> str:
        """An error message where a run's folder is a link out of the study's folder; '' otherwise."""
        inside = not folder.path.is_symlink() or folder.path.resolve().parent == self.path.resolve()
        return "" if inside else f"{folder.path} is a link to another folder, which this study does not own."


def _left_out(judged: Iterable[tuple[RunFolder, str]]) -> dict[str, str]:
    """Run → the reason why it is not shown, of runs with their reasons."""
    return {folder.path.name: reason for folder, reason in judged if reason}


@lru_cache(maxsize=4)
def _study_of(place: Path, path: Path, stamp: Stamp) -> StudyRecord:
    """Read the record once as long as it does not change: it names every run, and so may be long."""
    with readable(path, RUN_AGAIN):
        return read_study(parse_record(path.read_bytes()))


def _annotated(rows: Iterable[Mapping[str, Any]], run: RunRecord, readings: Readings) -> Iterator[dict[str, Any]]:
    """The rows of one run with their readings, and the extractors that its training used."""
    trained_on = _trained_on(run)
    return ({**readings.annotate(row, run.data), "trained_on": trained_on} for row in rows)


def _trained_on(run: RunRecord) -> str:
    """The names of the extractors in a model's fields, and of those that its networks see images through, in a line."""
    return ", ".join(sorted(_extractors_in(run.definition.model).union(run.seen_through)))


def _extractors_in(plugin: Mapping[str, Any]) -> set[str]:
    """The names of all extractors in the definition of a plugin, itself included."""
    own = {str(plugin["name"])} if plugin.get("kind") == "extractor" else set()
    return own.union(*(_extractors_in(value) for value in plugin.values() if isinstance(value, Mapping)))
