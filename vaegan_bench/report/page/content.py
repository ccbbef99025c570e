"""The content of the page: plain data, collected from the records of a study."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from vaegan_bench.api import Metric
from vaegan_bench.registry.discovery import summary_line
from vaegan_bench.report import tables
from vaegan_bench.report.exhibits import Drawing, figure_name, plain_name
from vaegan_bench.report.page.answer import Finding, findings
from vaegan_bench.report.page.attributes import AttributeTable, attribute_tables
from vaegan_bench.report.page.cost import CostCard, cost_cards, cost_drawings, leading_number
from vaegan_bench.report.page.curves import curve_data
from vaegan_bench.report.page.images import Gallery, SheetsOfFigure, exhibit_sheets, gallery
from vaegan_bench.report.page.live import live_content
from vaegan_bench.report.page.numbers import Basis, NumberTable, number_table
from vaegan_bench.report.page.pairs import PairMatrix, pair_matrices
from vaegan_bench.report.page.provenance import Fact, facts, problems
from vaegan_bench.report.page.svg import Drawn, drawn_figures
from vaegan_bench.report.tables.instruments import instrument_lines
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study_file import to_toml
from vaegan_bench.system.errors import BenchError
from vaegan_bench.system.status import OK

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry


@dataclass(frozen=True)
class Part:
    """The content of all sections on one data set of one study."""

    name: str
    """The heading of the part, shown where there are several parts."""
    findings: list[Finding]
    instruments: list[str]
    headline: NumberTable
    families: list[NumberTable]
    gallery: Gallery
    exhibits: list[SheetsOfFigure]
    curves: dict[str, Any]
    pairs: list[PairMatrix]
    attributes: list[AttributeTable]
    costs: list[CostCard]
    cost_models: dict[str, float]
    """Model → its quality, of all models in `costs`."""
    cost_figures: list[Drawn]


@dataclass(frozen=True)
class Content:
    """The whole page."""

    title: str
    question: str
    summary: str
    """The numbers of models, seeds and runs, and the data sets, in a line."""
    models: list[str]
    parts: list[Part]
    figures: list[Drawn]
    live: dict[str, Any] | None
    """The data with which trained models run in the page; None where none runs."""
    not_live: str
    """The reason why no model runs in the page; '' where some do."""
    facts: list[Fact]
    problems: list[Fact]
    studies: dict[str, str]
    """Name → the file that runs it again."""
    downloads: dict[str, str]
    """File name → its content, compressed and in base64."""
    claims: ClaimTable | None = None
    """The claims and their results, on the page of a paper."""
    deviations: Sequence[str] = ()
    """Where the reproduction deviates from the paper, on the page of a paper."""


@dataclass(frozen=True)
class ClaimTable:
    """The claims of a paper, with the results of our runs."""

    columns: list[str]
    lines: list[list[str]]
    note: str


def content_of(
    folder: StudyFolder,
    registry: Registry,
    drawings: Mapping[str, Drawing],
    order: Sequence[str] = (),
    ending: str = "",
) -> Content:
    """Collect the page of a study, with these figures; `order` names the models that come first in that of colours.

    The names of figures get the `ending`, where a page shows those of several studies.

    Raises `StoreError` where no run is finished, `MixedProtocolsError` where values are not comparable.
    """
    study, rows, history = folder.study().study, folder.rows(), folder.history()
    named = tables.by_protocol(rows)
    models = list(dict.fromkeys(rows["model"]))
    live, why_not = live_content(folder, registry, models)
    measured = set(rows.loc[rows["family"] != "training", "metric"])
    known, rulers = metrics_of(folder, registry, measured), folder.rulers(rows)
    return Content(
        title=study.name,
        question=study.description,
        summary=_summary(rows),
        models=models,
        parts=[_part(str(name), folder, named, history, known, rulers, order) for name in rows["dataset"].unique()],
        figures=list(drawn_figures(_shown(drawings, rows["dataset"].unique().tolist(), ending))),
        live=live,
        not_live=why_not,
        facts=facts(folder, rows),
        problems=problems(folder, rows),
        studies={study.name: to_toml(study)},
        downloads=downloads(rows, history),
    )


def _summary(rows: pd.DataFrame) -> str:
    """The numbers of models, seeds and runs, and the data sets, as text."""
    each = rows.drop_duplicates("run")
    counted = [(each["model"].nunique(), "model"), (each["seed"].nunique(), "seed"), (len(each), "run")]
    numbers = ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counted)
    return f"{numbers} on {' and '.join(each['dataset'].unique())}"


def _part(
    name: str,
    folder: StudyFolder,
    rows: pd.DataFrame,
    history: pd.DataFrame,
    known: Mapping[str, type[Metric]],
    rulers: Sequence[Ruler],
    order: Sequence[str],
) -> Part:
    """One data set of a study, from rows that are named by protocol."""
    models, datasets = (list(dict.fromkeys(rows[column])) for column in ("model", "dataset"))
    rows, history = rows[rows["dataset"] == name], history[history["dataset"] == name]
    leading, pairs = tables.headline(rows), tables.paired_differences(rows)
    finished = set(rows.loc[rows["status"] == OK, "model"])
    topics = {number: topic for number, metric in known.items() if (topic := topic_of(number, metric))}
    meanings = {number: meaning_of(number, metric) for number, metric in known.items()}
    basis = Basis(rows, pairs, models, meanings, rulers)
    family_rows = tables.overall(rows).groupby("family", sort=False)
    costs = cost_cards(rows, leading_number(leading))
    of = f"{plain_name(folder.path.name)}-{plain_name(name, datasets)}"
    families = sorted(family_rows, key=lambda family: tables.rank_of_family(str(family[0])))
    return Part(
        name=name,
        findings=findings(leading, pairs, topics, {model: model in finished for model in rows["model"].unique()}),
        instruments=list(instrument_lines(rows)),
        headline=number_table("Headline", leading, basis),
        families=[number_table(str(family), group, basis) for family, group in families],
        gallery=gallery(folder, name, models),
        exhibits=exhibit_sheets(folder, name),
        curves=curve_data(history, models),
        pairs=pair_matrices(pairs, models),
        attributes=attribute_tables(rows),
        costs=costs,
        cost_models={model: point.quality for card in costs for model, point in card.points.items()},
        cost_figures=list(drawn_figures(cost_drawings(costs, [*order, *models], of))),
    )


def metrics_of(folder: StudyFolder, registry: Registry, numbers: Collection[str]) -> dict[str, type[Metric]]:
    """Number → the metric that measures it, for metrics that `registry` can restore.

    Runs are read until all `numbers` are known.
    """
    found = dict[str, type[Metric]]()
    for run in folder.shown():
        if found.keys() >= set(numbers):
            break
        for measurement in run.measurements.by_key().values():
            if new := {row["metric"] for row in measurement["rows"]} - found.keys():
                with suppress(BenchError):
                    found |= dict.fromkeys(new, type(registry.restore(Metric, measurement["metric"])))
    return found


def topic_of(number: str, metric: type[Metric]) -> str:
    """What a number measures, in the words of a reader; '' where it is no headline of its metric."""
    return metric.headline.get(number.partition("[")[0], "")


def meaning_of(number: str, metric: type[Metric]) -> str:
    """What a number is: its topic, and the first line of its metric's docstring."""
    topic = topic_of(number, metric)
    return f"{tables.capitalised(topic)}. {summary_line(metric)}" if topic else summary_line(metric)


def _shown(drawings: Mapping[str, Drawing], datasets: Sequence[str], ending: str) -> dict[str, Drawing]:
    """The figures that the page shows as they are, by their names there; it draws learning curves itself."""
    own = {figure_name(name, dataset, datasets) for name in ("learning-curves", "gradients") for dataset in datasets}
    return {f"{name}{ending}": draw for name, draw in drawings.items() if name not in own}


def downloads(rows: pd.DataFrame, history: pd.DataFrame) -> dict[str, str]:
    """The tables as CSV and JSON, to be saved from the page."""
    texts = {
        "results.csv": rows.to_csv(index=False),
        "results.json": _as_json(rows),
        "history.csv": history.to_csv(index=False),
    }
    return {name: base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode() for name, text in texts.items()}


def _as_json(rows: pd.DataFrame) -> str:
    """All rows with all digits, which pandas would cut; what is no number in JSON is null."""
    plain = rows.replace([math.inf, -math.inf], math.nan).astype(object)
    return json.dumps(plain.where(plain.notna(), None).to_dict("records"), ensure_ascii=False, allow_nan=False)
