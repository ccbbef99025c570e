"""The leave-one-out table: how a model's numbers change without each of its terms."""

from __future__ import annotations

from collections.abc import Container, Iterator

import pandas as pd

from vaegan_bench.registry.selectors import Selector, parse_selector
from vaegan_bench.report.tables.instruments import MARK, unusable
from vaegan_bench.report.tables.model_table import RUNS, model_table
from vaegan_bench.report.tables.paired_differences import paired_differences
from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.verdicts import BETTER, WORSE
from vaegan_bench.report.tables.words import cell, heading

WEIGHT = "weight"
"""The setting of a term that a selector sets to zero to leave the term out: `term.weight=0`."""
LEAVE_ONE_OUT = (
    "Mean paired differences over common seeds with 95 % t-intervals; ▲ better and ▼ worse only by a verdict."
)
SIGNS = {BETTER: " ▲", WORSE: " ▼"}
"""Verdict → the sign that follows the difference in the table."""


def ablation(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per (dataset, model, without), one column per metric: the full model, then the change without each term.

    The row of the full model (without: '') holds its numbers, the others the mean paired difference to it over common
    seeds with its 95 % t-interval; ▲ and ▼ mark a verdict. Empty where nothing was left out.
    Raises `MixedProtocolsError` where values are not comparable.
    """
    variants = _variants(list(rows["model"].unique()))
    if not variants:
        return pd.DataFrame()
    rows = by_protocol(rows)
    full, pairs, marked = model_table(rows, best="{}").drop(columns=[RUNS]), paired_differences(rows), unusable(rows)
    full.columns = full.columns.get_level_values("metric")
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for dataset, model in full.index:
        for variant, term in variants.get(model, {}).items():
            lines.setdefault((dataset, model, ""), dict(full.loc[(dataset, model)]))
            of_variant = pairs[(pairs["dataset"] == dataset) & (pairs["model"] == variant) & (pairs["other"] == model)]
            lines[dataset, model, term] = dict(_differences(of_variant, marked))
    index = pd.MultiIndex.from_tuples(lines, names=["dataset", "model", "without"])
    return pd.DataFrame(lines.values(), index=index).reindex(columns=full.columns).fillna("")


def _differences(pairs: pd.DataFrame, marked: Container[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for pair in pairs.to_dict("records"):
        mark = MARK if (pair["dataset"], pair["metric"]) in marked else ""
        name = heading(pair["metric"], pair["direction"], pair["units"]) + mark
        difference = cell(pair["difference"], pair["half_width"])
        sign = "+" if pair["difference"] >= 0 and not difference.startswith("(") else ""
        yield name, sign + difference + SIGNS.get(pair["verdict"], "")


def _variants(models: list[str]) -> dict[str, dict[str, str]]:
    """Full model → each model that lacks one of its terms → that term."""
    found: dict[str, dict[str, str]] = {}
    for label in models:
        selector = parse_selector(label)
        for name, text in selector.fields.items():
            term, _, suffix = name.rpartition(".")
            if term and suffix == WEIGHT and _is_zero(text):
                rest = {field: value for field, value in selector.fields.items() if field != name}
                found.setdefault(str(Selector(selector.name, rest)), {})[label] = term
    return {model: variants for model, variants in found.items() if model in models}


def _is_zero(text: str) -> bool:
    """Whether the text of a field is the number zero, however it is written; a schedule is none."""
    try:
        return float(text) == 0
    except ValueError:
        return False
