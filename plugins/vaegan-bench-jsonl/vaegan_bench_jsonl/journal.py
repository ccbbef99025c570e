"""Writes one line per event of a study's life."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaegan_bench.api import hookimpl

NAME = "events.jsonl"


def plain(value: Any) -> Any:
    """The value in strict JSON: numbers that are not finite become null, and tuples become lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def append(path: Path, event: str, content: Mapping[str, Any]) -> None:
    """Append one line, and close the file, so that the line is there whatever happens next.

    Raises `OSError` where the file cannot be written, and `TypeError` for a value that JSON cannot hold.
    """
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": time, "event": event, **plain(content)}, ensure_ascii=False, allow_nan=False)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


class Journal:
    """The life-cycle hooks of a study and of the runs that it trains or measures.

    Three are left out: `run_copied` and `run_awaited`, and `step_ended`, which would be one line per step.
    """

    def __init__(self) -> None:
        self.path = Path(NAME)

    @hookimpl
    def study_started(self, name: str, folder: Path, runs: list[str], images: list[int]) -> None:
        """A study begins; the folder is not written down, because the file lies in it and may move with it."""
        self.path = folder / NAME
        append(self.path, "study_started", {"name": name, "runs": runs, "images": images})

    @hookimpl
    def run_started(self, run: str, label: str, steps: int, done: int, batch: int) -> None:
        """A run begins, or goes on after `done` steps; `steps` is 0 where it is only measured."""
        append(self.path, "run_started", {"run": run, "label": label, "steps": steps, "done": done, "batch": batch})

    @hookimpl
    def terms_logged(self, run: str, step: int, terms: Mapping[str, float]) -> None:
        """Terms since the last such line."""
        named = {name: value for name, value in terms.items() if name != "step"}  # the history's rows name it too
        append(self.path, "terms_logged", {"run": run, "step": step, "terms": named})

    @hookimpl
    def run_evaluated(self, run: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """The rows of a run, those about single attributes too."""
        append(self.path, "run_evaluated", {"run": run, "rows": list(rows)})

    @hookimpl
    def run_ended(self, run: str, status: str) -> None:
        """A run is over."""
        append(self.path, "run_ended", {"run": run, "status": status})

    @hookimpl
    def study_ended(self, name: str) -> None:
        """The study is over."""
        append(self.path, "study_ended", {"name": name})
