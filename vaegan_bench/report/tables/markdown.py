"""The table of a study as a page of Markdown, with captions, rulers, protocols, noise and training health."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from vaegan_bench.report.tables.ablation import LEAVE_ONE_OUT, ablation
from vaegan_bench.report.tables.bounds import BOUNDS_MEAN, bounds
from vaegan_bench.report.tables.captions import caption
from vaegan_bench.report.tables.instruments import instrument_lines
from vaegan_bench.report.tables.markdown_table import markdown_table
from vaegan_bench.report.tables.model_table import RUNS, context, families, model_table, part
from vaegan_bench.report.tables.noise import noise
from vaegan_bench.report.tables.paired_differences import paired_differences
from vaegan_bench.report.tables.protocols import by_protocol, protocol_of, shorten
from vaegan_bench.report.tables.runs import unhealthy
from vaegan_bench.report.tables.summary import overall, summarise
from vaegan_bench.report.tables.words import as_code, in_markdown
from vaegan_bench.results.rulers import Ruler
from vaegan_bench.system.errors import one_line

RULERS = (
    "A ruler holds the distances of distorted training images to held-out ones, as the extractor sees them; a distance "
    "reads as the distortion that is as far: docs/metrics.md states the rules of its verdict."
)


def to_markdown(rows: pd.DataFrame, title: str, rulers: Sequence[Ruler] = ()) -> str:
    """The body of a summary: per data set one table per family, what its numbers mean, and what went wrong.

    Distances are read on the `rulers` that fit.

    Raises `MixedProtocolsError` where values are not comparable.
    """
    rows = by_protocol(rows)
    judged, unjudged, summary = model_table(rows, "**{}**", rulers), context(rows), summarise(overall(rows))
    parts, pairs = [f"# {one_line(title)}"], paired_differences(rows)
    for dataset in judged.index.unique("dataset"):
        of_dataset = summary[summary["dataset"] == dataset]
        parts += [f"## {in_markdown(dataset)}", *_families(judged, dataset, of_dataset, pairs)]
        parts += _instruments(rows[rows["dataset"] == dataset])
        parts += _left_out(rows[rows["dataset"] == dataset])
        parts += _context(unjudged, dataset)
        parts += _bounds(rows[rows["dataset"] == dataset])
        parts += _noise(rows[rows["dataset"] == dataset])
        parts += _protocols(of_dataset)
    return "\n\n".join([*parts, *_health(rows)]) + "\n"


def _families(judged: pd.DataFrame, dataset: str, summary: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[str]:
    """A heading, a table and its caption for each family that was measured on this data set."""
    runs = part(judged, dataset, RUNS[0])
    measured = families(judged, dataset)
    if not measured:
        yield _table(runs)
        yield "No metric was measured here."
    for family in measured:
        cells = part(judged, dataset, family)
        yield f"### {family.capitalize()}"
        yield _table(runs.join(cells))
        of_family = summary[(summary["family"] == family) & (summary["direction"] != "none")]
        decided = bool(cells.map(lambda cell: cell.startswith("**")).any(axis=None))
        yield caption(of_family, pairs, decided=decided, gaps=bool((cells == "").any(axis=None)))


def _instruments(rows: pd.DataFrame) -> Iterator[str]:
    """The section on the rulers of the extractors that were used on this data set."""
    if lines := [f"- {line}" for line in instrument_lines(rows)]:
        yield "### Rulers"
        yield "\n".join(lines)
        yield RULERS


def _left_out(rows: pd.DataFrame) -> Iterator[str]:
    """One table per model that was also run without some of its terms."""
    found = ablation(rows)
    for model in found.index.unique("model") if not found.empty else []:
        lines = found[found.index.get_level_values("model") == model]
        terms = lines.index.get_level_values("without")
        lines.index = pd.Index([f"without {term}" if term else model for term in terms])
        yield f"### {as_code(model)} without each of its terms"
        yield _table(lines[[metric for metric in lines if (lines[metric] != "").any()]])
        yield LEAVE_ONE_OUT


def _context(unjudged: pd.DataFrame, dataset: str) -> Iterator[str]:
    cells = [part(unjudged, dataset, family) for family in families(unjudged, dataset)]
    if cells:
        yield "### For context"
        yield _table(pd.concat(cells, axis=1))
        yield "Means over the finished runs, for context: no winner is marked."


def _table(cells: pd.DataFrame) -> str:
    """A Markdown table of strings, models as code because their labels carry brackets."""
    lines = ([as_code(model), *texts] for model, texts in zip(cells.index, cells.to_numpy().tolist(), strict=True))
    return markdown_table(["model", *cells.columns], lines)


def _protocols(summary: pd.DataFrame) -> Iterator[str]:
    """How the numbers were measured, metrics of one protocol together."""
    groups = summary.groupby("protocol", sort=False)["metric"]
    spelled = [(list(dict.fromkeys(metrics)), _spell(str(protocol))) for protocol, metrics in groups]
    lines = [f"- {', '.join(metrics)}: {protocol}" for metrics, protocol in spelled if protocol]
    if lines:
        yield "### Protocol"
        yield "\n".join(lines)


def _spell(protocol: str) -> str:
    return ", ".join(f"{key} {shorten(str(value))}" for key, value in protocol_of(protocol).items())


def _bounds(rows: pd.DataFrame) -> Iterator[str]:
    found = bounds(rows)
    if not found.empty:
        yield "### Floors and ceilings"
        yield _table(found.T)
        yield f"{BOUNDS_MEAN} Both are averaged over the finished runs."


def _noise(rows: pd.DataFrame) -> Iterator[str]:
    found = noise(rows)
    if not found.empty:
        yield "### Noise"
        yield _table(found)
        yield (
            "Standard deviation over seeds / over independent sets of samples of one run: what training and what "
            "sampling contribute. The first has the part of the second in a run's mean taken away."
        )


def _health(rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        return
    yield "## Training health"
    named = [(as_code(str(row.model)), in_markdown(str(row.dataset)), row) for row in unhealthy(rows).itertuples()]
    lines = [f"- {model} on {dataset}, seed {row.seed}: {row.health}" for model, dataset, row in named]
    yield "\n".join(lines) or "No run diverged or collapsed, and no discriminator was saturated."
