"""The table that answers the study's question, as strings fit for print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Iterable, Iterator, Sequence

import pandas as pd

from vaegan_bench.report.tables.instruments import MARK, READS_AS, readings, unusable
from vaegan_bench.report.tables.paired_differences import paired_differences
from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.runs import runs
from vaegan_bench.report.tables.summary import overall, rank_of_family, summarise
from vaegan_bench.report.tables.verdicts import BETTER
from vaegan_bench.report.tables.words import cell, heading, number
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.system.status import OK

RUNS = ("", "runs")
"""The column of `model_table` with the number of runs of each row."""


def model_table(
    rows: pd.DataFrame, best: str = "{} *", rulers: Sequence[Ruler] = (), whole: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row per (dataset, model), one column per (family, metric with its arrow), winners marked by `best`.

    A winner is better than every other model by the verdicts of `paired_differences`; the best mean alone does not win.
    A distance that fits one of the `rulers` is followed by a column with its reading; † marks columns whose extractor
    is not usable on the data. Only metrics with a direction have a column; a number that a model lacks is an empty
    cell.
    `whole` holds all rows of the same runs, where `rows` is a part of them; runs are counted and compared in it.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    whole = rows if whole is None else whole
    summary = summarise(overall(rows))
    judged = summary[summary["direction"] != "none"]
    written = zip(cells_of(judged, whole), wins(judged, paired_differences(whole)), strict=True)
    cells = [best.format(text) if is_best else text for text, is_best in written]
    table = _wide(*_with_readings(judged, cells, rulers), whole, unusable(rows))
    table.insert(0, RUNS, runs(whole))
    return table


def context(rows: pd.DataFrame, whole: pd.DataFrame | None = None) -> pd.DataFrame:
    """Metrics without a direction (steps, speed, parameters), in the shape of `model_table`."""
    whole = rows if whole is None else whole
    summary = summarise(overall(rows))
    unjudged = summary[summary["direction"] == "none"]
    return _wide(unjudged, cells_of(unjudged, whole), whole, unusable(rows))


def part(table: pd.DataFrame, dataset: str, family: str) -> pd.DataFrame:
    """The table of one family on one data set: models down, headings across, columns without a cell left out."""
    here = table.index.get_level_values("dataset") == dataset
    wanted = table.columns.get_level_values("family") == family
    cells = table.loc[here, wanted].droplevel("dataset").droplevel("family", axis=1)
    return cells.loc[:, (cells != "").any()]


def families(table: pd.DataFrame, dataset: str) -> list[str]:
    """The families that have a cell on one data set, in their order."""
    named = table.columns.unique("family").drop(RUNS[0], errors="ignore")
    return [family for family in named if not part(table, dataset, family).empty]


def cells_of(summary: pd.DataFrame, rows: pd.DataFrame) -> Iterator[str]:
    """The text of each mean, followed by the number of its runs where some finished runs lack the metric."""
    each = rows[rows["status"] == OK].drop_duplicates("run")
    finished = each.groupby(["dataset", "model"], observed=True).size().to_dict()
    columns = [summary[name] for name in ("dataset", "model", "direction", "mean", "half_width", "seeds")]
    for dataset, model, direction, mean, half_width, seeds in zip(*columns, strict=True):
        note = "" if seeds == finished[dataset, model] else f" (n = {seeds})"
        # Counts are equal in all runs: '± 0' after a number of parameters adds nothing.
        is_count = direction == "none" and half_width == 0
        yield number(mean) if is_count else cell(mean, half_width) + note


def _with_readings(
    judged: pd.DataFrame, cells: Sequence[str], rulers: Sequence[Ruler]
) -> tuple[pd.DataFrame, list[str]]:
    """The same rows and cells, with a reading after each distance that a ruler reads."""
    found, names = readings(judged, rulers), ["dataset", "model", "metric"]
    whole, texts = list[dict[Hashable, object]](), list[str]()
    for row, text in zip(judged.to_dict("records"), cells, strict=True):
        whole.append(row)
        texts.append(text)
        if said := found.get(tuple(row[name] for name in names)):
            whole.append({**row, "metric": f"{row['metric']}{READS_AS}", "direction": "none", "units": "1"})
            texts.append(said)
    return pd.DataFrame(whole, columns=judged.columns), texts


def wins(judged: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[bool]:
    """True where `pairs` show a model to be better than every other one in `judged` on its dataset and metric."""
    keys = ["dataset", "metric"]
    shown = set(judged[[*keys, "model"]].itertuples(index=False, name=None))
    better = pairs.loc[pairs["verdict"] == BETTER, [*keys, "model", "other"]].itertuples(index=False)
    beaten = Counter(
        (dataset, metric, model) for dataset, metric, model, other in better if (dataset, metric, other) in shown
    )
    rivals = judged.groupby(keys, observed=True).size() - 1
    for dataset, metric, model in judged[[*keys, "model"]].itertuples(index=False):
        yield beaten[dataset, metric, model] == rivals[dataset, metric] > 0


def _wide(
    summary: pd.DataFrame, cells: Iterable[str], rows: pd.DataFrame, marked: Container[tuple[str, str]]
) -> pd.DataFrame:
    """Lay cells out by model and metric, families in their order, '' where there is none; mark metrics in `marked`."""
    marks = [MARK if key in marked else "" for key in zip(summary["dataset"], summary["metric"], strict=True)]
    headings = map(heading, summary["metric"], summary["direction"], summary["units"])
    columns = [(family, head + mark) for family, head, mark in zip(summary["family"], headings, marks, strict=True)]
    index = runs(rows).index
    places = zip(summary["dataset"], summary["model"], columns, strict=True)
    placed = dict(zip(places, cells, strict=True))
    shown = sorted(dict.fromkeys(columns), key=lambda column: rank_of_family(column[0]))
    body = [[placed.get((*key, column), "") for column in shown] for key in index]
    return pd.DataFrame(body, index=index, columns=pd.MultiIndex.from_tuples(shown, names=["family", "metric"]))
