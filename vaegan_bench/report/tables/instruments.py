"""Rulers in tables: which columns carry no verdict, and how a distance reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from vaegan_bench.report.tables.protocols import protocol_of
from vaegan_bench.report.tables.words import as_code
from vaegan_bench.results.readings import OF_IMAGES, OFF_SCALE, UNUSABLE, Readings, is_read, reading
from vaegan_bench.results.rulers import Ruler

MARK = " †"
"""The mark after the heading of a column whose extractor is not usable on the data."""
READS_AS = " reads as"
"""The end of the name of the column with a distance's readings, after the name of the distance."""
CALIBRATE = "`vaegan-bench calibrate` with the folder of this study"


def extractor_of(metric: str) -> str:
    """The extractor in the name of a metric: 'oracle' in 'frechet[oracle]'; 'inception' where the name has none."""
    name = metric.partition(" (")[0]
    return name.partition("[")[2].removesuffix("]") or "inception"


def unusable(rows: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(dataset, metric) → what is wrong with the metric's extractor, where it is not usable on the data set."""
    if "instrument" not in rows:
        return {}
    found = rows[rows["instrument"].str.startswith(UNUSABLE)].drop_duplicates(["dataset", "metric"])
    keys = [found[name] for name in ("dataset", "metric", "instrument")]
    return {(dataset, metric): instrument for dataset, metric, instrument in zip(*keys, strict=True)}


def unusable_lines(rows: pd.DataFrame) -> Iterator[str]:
    """A line per extractor and data set that says why columns are marked, then the lines of `trained_lines`."""
    reasons = {
        (dataset, extractor_of(metric), instrument): None for (dataset, metric), instrument in unusable(rows).items()
    }
    for dataset, extractor, instrument in reasons:
        yield f"{MARK.strip()} {extractor} on {dataset}: {instrument}. No verdict is drawn from its numbers."
    yield from trained_lines(rows)


def trained_on(rows: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """(dataset, metric, model) → the metric's extractor, where the model was trained on that extractor's features.

    The extractor is that of the protocol: the name of a metric, such as 'lpips', need not have it.
    """
    if "trained_on" not in rows:
        return {}
    judged = rows[(rows["trained_on"] != "") & rows["family"].isin(OF_IMAGES)]
    columns = judged[["dataset", "metric", "model", "trained_on", "protocol"]].drop_duplicates()
    named = (
        (key, str(protocol_of(protocol).get("extractor", "")), trained)  # PSNR, for example, is on none
        for *key, trained, protocol in columns.itertuples(index=False)
    )
    return {tuple(key): name for key, name, trained in named if name in trained.split(", ")}


def trained_lines(rows: pd.DataFrame) -> Iterator[str]:
    """A line per extractor and model, where the model was trained on the features that its numbers are measured on."""
    for extractor, model in dict.fromkeys((name, model) for (_, _, model), name in trained_on(rows).items()):
        yield (
            f"{as_code(model)} was trained on features of {as_code(extractor)}: "
            "no verdict is drawn from its numbers on them."
        )


def off_scale(rows: pd.DataFrame) -> set[tuple[str, str, str]]:
    """(dataset, metric, model) where the distance of every run is beyond all marks of the ruler."""
    if "reading" not in rows:
        return set()
    read = rows[rows["reading"] != ""]
    beyond = (read["reading"] == OFF_SCALE).groupby([read["dataset"], read["metric"], read["model"]]).all()
    return set(beyond.index[beyond].tolist())


def readings(summary: pd.DataFrame, rulers: Sequence[Ruler]) -> dict[tuple[str, str, str], str]:
    """(dataset, model, metric) → the reading of its mean, where a ruler fits."""
    known, found = Readings(rulers), {}
    for row in summary[summary["metric"].map(is_read)].to_dict("records"):
        if ruler := known.ruler(row["dataset"], row["metric"], row["protocol"]):
            found[row["dataset"], row["model"], row["metric"]] = reading(ruler, row["mean"])
    return found


def distances_on(ruler: Ruler, summary: pd.DataFrame) -> dict[str, float]:
    """Model → its mean distance, for the models whose distance can be read on this ruler."""
    return {
        row["model"]: row["mean"]
        for row in summary[summary["metric"].map(is_read)].to_dict("records")
        if Readings([ruler]).ruler(row["dataset"], row["metric"], row["protocol"])
    }


def instrument_lines(rows: pd.DataFrame) -> Iterator[str]:
    """A line per extractor of one data set: the verdict on it, and which distances no ruler reads."""
    yield from trained_lines(rows)
    if "instrument" not in rows:
        return
    judged = rows[rows["instrument"] != ""]
    for extractor, group in judged.groupby(judged["metric"].map(extractor_of), sort=False):
        for verdict in group["instrument"].unique():
            note = f" No verdict is drawn from its numbers ({MARK.strip()})." if verdict.startswith(UNUSABLE) else ""
            yield f"{as_code(str(extractor))}: {verdict}.{note}"
    distances = rows[rows["metric"].map(is_read)]
    if alone := distances.loc[distances["reading"] == "", "metric"].unique().tolist():
        yield f"{', '.join(map(as_code, alone))}: no ruler yet; {CALIBRATE} makes one."
