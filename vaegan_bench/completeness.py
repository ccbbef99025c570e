"""Which numbers a study lacks, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vaegan_bench.store import RunFolder, StudyFolder


def missing_numbers(folder: StudyFolder) -> list[str]:
    """A line for each metric that gave no numbers for a run, or something that is none."""
    return [f"{run.path.name}: {line}" for run in folder.runs() for line in _missing(run)]


def _missing(run: RunFolder) -> Iterator[str]:
    for metric, reason in run.problems().items():
        yield f"{metric} gave no numbers: {reason}"
    for metric, attributes in _not_a_number(run.rows()).items():
        of_which = f" for {', '.join(attributes)}" if any(attributes) else ""
        yield f"{metric} is not a number{of_which}"


def _not_a_number(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """metric → the attributes for which its value is NaN; [''] where it is about none."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if math.isnan(row["value"]):
            found.setdefault(row["metric"], []).append(row["attribute"])
    return found
