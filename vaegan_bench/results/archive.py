"""The records of a study in one file, so that its results can be published without weights and arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vaegan_bench.results.files import readable
from vaegan_bench.results.rulers import StoredRulers
from vaegan_bench.results.run_folder import RECORDS
from vaegan_bench.results.stored_files import ARCHIVE, read_archive, write_archive
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.files import replace_file


def archive_study(study: StudyFolder) -> Path:
    """Write records.zip with the records of all runs that can be shown, and the study's rulers; return its path.

    Where the folders of the runs are missing, tables and the figures of numbers can be made from the archive. What the
    archive already has of other runs stays in it: it may be the only copy.
    """
    path = study.path / ARCHIVE
    contents = [*_records(study), *StoredRulers(study.path).contents(), *_of_other_runs(study)]
    with replace_file(path) as partial:
        write_archive(partial, contents)
    return path


def _of_other_runs(study: StudyFolder) -> Iterator[tuple[str, bytes]]:
    """The records in the present archive of runs that are not in the latest plan, or cannot be shown."""
    shown = {run.path.name for run in study.shown()}

    def is_of_another(path: str) -> bool:
        run, _, name = path.partition("/")
        return run not in shown and name in RECORDS

    return read_archive(study.path / ARCHIVE, is_of_another)


def _records(study: StudyFolder) -> Iterator[tuple[str, bytes]]:
    for run in study.shown():
        for name in (name for name in RECORDS if run.files.has(name)):
            with readable(run.files.place(name)):
                yield f"{run.path.name}/{name}", run.files.read(name)
