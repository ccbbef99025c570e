"""Our numbers beside the published ones."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.reproduction.claims import finished_runs, plain_name
from vaegan_bench.report.reproduction.paper import Published
from vaegan_bench.report.tables.instruments import MARK, READS_AS, readings, unusable
from vaegan_bench.results.rulers import Ruler

TEST_SET = "test set"
RUNS = "runs"


def side_by_side(
    rows: pd.DataFrame,
    metrics: tuple[str, ...],
    published: list[Published],
    known_as: Mapping[str, str],
    rulers: Sequence[Ruler] = (),
) -> pd.DataFrame:
    """Our numbers with their readings, and the published ones: a row per model, and one, the test set, for ceilings."""
    summary = tables.summarise(tables.overall(rows))
    plain = {name: plain_name(name, known_as) for name in summary["metric"]}
    shown = summary[summary["metric"].map(plain).isin(metrics)]
    columns = sorted(shown["metric"].unique(), key=lambda name: metrics.index(plain[name]))
    ceilings = rows[rows["attribute"] == ""].groupby("metric")["ceiling"].mean()
    lines: dict[str, dict[str, str]] = {
        TEST_SET: {},
        **{model: {RUNS: text} for model, text in finished_runs(rows).items()},
    }
    names = _headings(shown, {metric for _, metric in unusable(rows)})
    for row in shown.to_dict("records"):
        lines[row["model"]][names[row["metric"]]] = tables.cell(row["mean"], row["half_width"])
    for (_, model, metric), words in readings(shown, rulers).items():
        lines[model][f"{metric}{READS_AS}"] = words
    ordered = [RUNS]
    for metric in columns:
        name = names[metric]
        ordered += [name, f"{metric}{READS_AS}"]
        if pd.notna(ceilings.get(metric)):
            lines[TEST_SET][name] = tables.number(ceilings[metric])
        for column in (p for p in published if p.metric == plain[metric]):
            ordered.append(f"{name}, published")
            for model, value in column.values.items():
                lines.setdefault(model, {})[f"{name}, published"] = value
    table = pd.DataFrame.from_dict(lines, orient="index")
    return table.reindex(columns=[name for name in ordered if name in table]).fillna("")


def _headings(summary: pd.DataFrame, marked: Container[str]) -> dict[str, str]:
    """Metric → the heading of its column; those from which no verdict is drawn are `marked`."""
    first = summary.drop_duplicates("metric")
    return {
        metric: tables.heading(metric, direction, units) + (MARK if metric in marked else "")
        for metric, direction, units in zip(first["metric"], first["direction"], first["units"], strict=True)
    }


def table_to_markdown(table: pd.DataFrame) -> str:
    """The table of `side_by_side` in Markdown, without empty rows."""
    shown = table[(table != "").any(axis=1)]
    lines = zip(shown.index, shown.to_numpy().tolist(), strict=True)
    cells = ([name if name == TEST_SET else tables.as_code(name), *texts] for name, texts in lines)
    return tables.markdown_table(["", *shown.columns], cells)
