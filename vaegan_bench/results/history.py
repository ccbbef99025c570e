"""Learning curves on disk: a column per term, a row per logged step."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping

import pandas as pd

from vaegan_bench.results.records import RunRecord

Curves = Mapping[str, list[tuple[int, float]]]
"""Term → (step, value) for each step at which it has a value."""
COLUMNS = {
    "step": int,
    "term": str,
    "value": float,
    "run": str,
    "dataset": str,
    "model": str,
    "seed": int,
    "images": int,
}


def read_curves(stream: io.BytesIO) -> Curves:
    """The curves in a file. Raises whatever damage raises: read inside of `readable`.

    A run that diverged at once has no step. Pandas is not used: to build its table takes a hundred times as long as to
    read a file of a few steps.
    """
    head, *lines = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""))
    place = head.index("step")
    cells = [[float(cell or "nan") for cell in line] for line in lines]
    if any(len(line) != len(head) for line in cells):
        raise ValueError("its lines are not all as long as its head")
    steps = [int(line[place]) for line in cells]
    return {
        term: [(step, line[i]) for step, line in zip(steps, cells, strict=True) if not math.isnan(line[i])]
        for i, term in enumerate(head)
        if i != place
    }


def curves_of(runs: Iterable[tuple[RunRecord, Curves]]) -> pd.DataFrame:
    """One row per run × term × step."""
    rows = [
        (step, term, value, record.id, record.dataset, record.label, record.seed, step * record.definition.batch)
        for record, curves in runs
        for term, points in curves.items()
        for step, value in points
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def ended_early(history: pd.DataFrame) -> set[str]:
    """The runs that saw fewer images than others, by a history of finite values."""
    seen = history.groupby("run")["images"].max()
    return set(seen.index[seen < seen.max()])
