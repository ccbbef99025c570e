"""Tidy rows in; summaries, tables and text out. Pure functions of pandas, without torch."""

from vaegan_bench.report.tables.ablation import ablation
from vaegan_bench.report.tables.attributes import attributes_to_markdown
from vaegan_bench.report.tables.comparison import comparison, context
from vaegan_bench.report.tables.instruments import NO_VERDICT, distances_on
from vaegan_bench.report.tables.markdown import to_markdown
from vaegan_bench.report.tables.noise import noise
from vaegan_bench.report.tables.protocols import MixedProtocolsError, by_protocol
from vaegan_bench.report.tables.runs import runs, unhealthy
from vaegan_bench.report.tables.statistics import (
    BETTER,
    WORSE,
    compare,
    comparisons,
    holm,
    improvement,
    seeds_needed,
    sign_flip,
)
from vaegan_bench.report.tables.summary import interval, overall, rank_of_family, summarise
from vaegan_bench.report.tables.terminal import ablation_to_rich, to_rich
from vaegan_bench.report.tables.words import cell, duration, heading, number, with_units, wrap_label

__all__ = [
    "BETTER",
    "NO_VERDICT",
    "WORSE",
    "MixedProtocolsError",
    "ablation",
    "ablation_to_rich",
    "attributes_to_markdown",
    "by_protocol",
    "cell",
    "compare",
    "comparison",
    "comparisons",
    "context",
    "distances_on",
    "duration",
    "heading",
    "holm",
    "improvement",
    "interval",
    "noise",
    "number",
    "overall",
    "rank_of_family",
    "runs",
    "seeds_needed",
    "sign_flip",
    "summarise",
    "to_markdown",
    "to_rich",
    "unhealthy",
    "with_units",
    "wrap_label",
]
