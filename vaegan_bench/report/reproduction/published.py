"""Our numbers beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.reproduction.claims import finished_runs, plain_name
from vaegan_bench.study.paper import Published

TEST_SET = "test set"
RUNS = "runs"


def side_by_side(
    rows: pd.DataFrame, metrics: tuple[str, ...], published: list[Published], known_as: Mapping[str, str]
) -> pd.DataFrame:
    """Our numbers and the published ones: a row per model, and one, the test set, for the ceilings."""
    summary = tables.summarise(tables.overall(rows))
    plain = {name: plain_name(name, known_as) for name in summary["metric"]}
    shown = summary[summary["metric"].map(plain).isin(metrics)]
    columns = sorted(shown["metric"].unique(), key=lambda name: metrics.index(plain[name]))
    ceilings = rows[rows["attribute"] == ""].groupby("metric")["ceiling"].mean()
    lines: dict[str, dict[str, str]] = {
        TEST_SET: {},
        **{model: {RUNS: text} for model, text in finished_runs(rows).items()},
    }
    for row in shown.to_dict("records"):
        name = tables.heading(row["metric"], row["direction"], row["units"])
        lines[row["model"]][name] = tables.cell(row["mean"], row["half_width"])
    ordered = [RUNS]
    for metric in columns:
        first = shown[shown["metric"] == metric].iloc[0]
        name = tables.heading(metric, first["direction"], first["units"])
        ordered.append(name)
        if pd.notna(ceilings.get(metric)):
            lines[TEST_SET][name] = tables.number(ceilings[metric])
        for column in (p for p in published if p.metric == plain[metric]):
            ordered.append(f"{name}, published")
            for model, value in column.values.items():
                lines.setdefault(model, {})[f"{name}, published"] = value
    return pd.DataFrame.from_dict(lines, orient="index").reindex(columns=ordered).fillna("")


def table_to_markdown(table: pd.DataFrame) -> str:
    """The table of `side_by_side` in Markdown, without empty rows."""
    shown = table[(table != "").any(axis=1)]
    lines = zip(shown.index, shown.to_numpy().tolist(), strict=True)
    cells = ([name if name == TEST_SET else tables.as_code(name), *texts] for name, texts in lines)
    return tables.markdown_table(["", *shown.columns], cells)
