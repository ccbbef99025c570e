"""A note beside a run's folder that the run failed, for the processes that wait for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from vaegan_bench.results.files import read_json, write_json
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import remove
from vaegan_bench.system.plain_data import read_as
from vaegan_bench.system.processes import this_process


@dataclass(frozen=True, kw_only=True)
class FailureRecord:
    """`.RUN.failed.json`: why a run was not trained or measured; removed when the run is tried again."""

    reason: str
    process: str
    """The process that tried: 'process 123 on HOST'."""
    when: str
    """In UTC."""


def note_failure(run: Path, reason: str) -> None:
    """Note that a run failed. Raises `StoreError` where that cannot be written."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(_note(run), asdict(FailureRecord(reason=reason, process=str(this_process()), when=when)))


def failure_since(run: Path, since: float) -> FailureRecord | None:
    """The failure of a run after the time `since`, by the file system's clock; None where there was none."""
    try:
        if _note(run).stat().st_mtime <= since:
            return None
        return read_as(FailureRecord, read_json(_note(run)))
    except (OSError, StoreError, ValueError):
        return None


def forget_failure(run: Path) -> None:
    """Remove the note, if there is one. Raises `StoreError` where it cannot be removed."""
    remove(_note(run))


def _note(run: Path) -> Path:
    """The path of the note. It is beside the run's folder, which would hide the run's records in the archive."""
    return run.with_name(f".{run.name}.failed.json")
