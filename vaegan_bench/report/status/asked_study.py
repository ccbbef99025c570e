"""The study that a user asks about: a results folder, or what `vaegan-bench run` takes, compared with its folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vaegan_bench.report.status.recorded import recorded_status
from vaegan_bench.report.status.study_status import StudyStatus
from vaegan_bench.results.records import StudyRecord
from vaegan_bench.results.study_folder import STUDY, StudyFolder
from vaegan_bench.study.study import Study, as_plain
from vaegan_bench.study.study_file import load_study
from vaegan_bench.system.errors import BenchError
from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry


@dataclass(frozen=True, kw_only=True)
class AskedStudy:
    """A study and the folder that holds its results."""

    folder: StudyFolder = field(compare=False)
    study: Study
    recorded: StudyRecord | None
    """The latest plan in the folder."""
    is_as_recorded: bool
    """Whether the user named a folder, so that `study` is the one that was last run there."""

    def look(self, registry: Registry) -> Callable[[], StudyStatus]:
        """A function that reads the study's current status; the plan is made now, with these plugins.

        Where it cannot be made, the status comes from the folder alone. Raises `BenchError` where that has no plan.
        """
        from vaegan_bench.report.status.planned import PlannedStatus
        from vaegan_bench.study.plan import make_plan

        notes = [f"Plugin {name} is left out: {reason}" for name, reason in registry.broken.items()]
        try:
            plan = make_plan(self.study, registry)
        except BenchError as error:
            if self.recorded is None:
                raise
            reason = f"It is not known what would be done again, because the plan cannot be made here: {error}"
            return partial(recorded_status, self.folder, [*notes, reason])
        recorded = self.recorded if self.is_as_recorded else None
        return PlannedStatus(self.folder, plan, recorded, [*notes, *self._other_study()])

    def _other_study(self) -> list[str]:
        """A note where the folder was last run with another study."""
        if self.recorded is None or self.recorded.study == self.study:
            return []
        old, new = as_plain(self.recorded.study), as_plain(self.study)
        keys = ", ".join(key for key in new if old[key] != new[key])
        path = self.folder.path
        command = f"vaegan-bench status {shlex.quote(str(path))}"
        return [f"{path} was last run as another study (other {keys}): `{command}` shows that one."]


class CurrentStatus:
    """Reads the status of a study at every call; it is planned again when its file or its `study.json` has changed."""

    def __init__(self, find: Callable[[], AskedStudy], registry: Registry) -> None:
        """`find` reads the study. Raises `BenchError` where it cannot be read, or as `AskedStudy.look` does."""
        self.find, self.registry = find, registry
        self.asked = find()
        self._look = self.asked.look(registry)
        self._last = self._look()

    def __call__(self) -> StudyStatus:
        """The current status; by the plan before where the study cannot be read any more, with the reason as a note."""
        try:
            self._plan_again()
            self._last = self._look()
        except BenchError as error:
            with suppress(BenchError):
                self._last = self._look()
            return replace(self._last, notes=(*self._last.notes, f"This is the status by the plan before: {error}"))
        return self._last

    def _plan_again(self) -> None:
        if (asked := self.find()) != self.asked:
            self._look, self.asked = asked.look(self.registry), asked


def find_study(written: str, results: Path, studies: Mapping[str, Path]) -> AskedStudy:
    """The study that a user names: a folder, one of `studies`, a TOML file, or the name of a folder in `results`.

    Raises `BenchError` for anything else.
    """
    path = user_path(written)
    if path.is_dir() and not (written in studies and not (path / STUDY).is_file()):
        return _as_recorded(StudyFolder(path))
    try:
        study = load_study(written, studies)
    except BenchError:
        if (results / written / STUDY).is_file():
            return _as_recorded(StudyFolder(results / written))
        raise
    folder = StudyFolder(results / study.name)
    recorded = folder.study() if (folder.path / STUDY).is_file() else None
    return AskedStudy(folder=folder, study=study, recorded=recorded, is_as_recorded=False)


def _as_recorded(folder: StudyFolder) -> AskedStudy:
    record = folder.study()
    return AskedStudy(folder=folder, study=record.study, recorded=record, is_as_recorded=True)
