"""Tidy rows in; summaries, tables and text out. Pure functions of pandas, without torch."""

from vaegan_bench.report.tables.ablation import ablation
from vaegan_bench.report.tables.attributes import attributes_to_markdown
from vaegan_bench.report.tables.headline import count_numbers, headline
from vaegan_bench.report.tables.instruments import MARK, distances_on, unusable
from vaegan_bench.report.tables.latex import to_latex
from vaegan_bench.report.tables.markdown import to_markdown
from vaegan_bench.report.tables.markdown_table import markdown_table
from vaegan_bench.report.tables.model_table import context, model_table
from vaegan_bench.report.tables.noise import noise
from vaegan_bench.report.tables.paired_differences import compare, paired_differences
from vaegan_bench.report.tables.protocols import MixedProtocolsError, by_protocol
from vaegan_bench.report.tables.runs import runs, unhealthy
from vaegan_bench.report.tables.sign_flip_test import holm, improvement, seeds_needed, sign_flip
from vaegan_bench.report.tables.summary import interval, overall, rank_of_family, summarise
from vaegan_bench.report.tables.terminal import ablation_to_rich, to_rich
from vaegan_bench.report.tables.trade_off import trade_off
from vaegan_bench.report.tables.typeset import tidy, to_paste
from vaegan_bench.report.tables.verdicts import BETTER, NO_VERDICT, WORSE, is_verdict, reason_clause, reason_in
from vaegan_bench.report.tables.words import (
    as_code,
    capitalised,
    cell,
    common_seeds,
    duration,
    heading,
    in_markdown,
    number,
    p_value,
    with_units,
    wrap_label,
)

__all__ = [
    "BETTER",
    "MARK",
    "NO_VERDICT",
    "WORSE",
    "MixedProtocolsError",
    "ablation",
    "ablation_to_rich",
    "as_code",
    "attributes_to_markdown",
    "by_protocol",
    "capitalised",
    "cell",
    "common_seeds",
    "compare",
    "context",
    "count_numbers",
    "distances_on",
    "duration",
    "heading",
    "headline",
    "holm",
    "improvement",
    "in_markdown",
    "interval",
    "is_verdict",
    "markdown_table",
    "model_table",
    "noise",
    "number",
    "overall",
    "p_value",
    "paired_differences",
    "rank_of_family",
    "reason_clause",
    "reason_in",
    "runs",
    "seeds_needed",
    "sign_flip",
    "summarise",
    "tidy",
    "to_latex",
    "to_markdown",
    "to_paste",
    "to_rich",
    "trade_off",
    "unhealthy",
    "unusable",
    "with_units",
    "wrap_label",
]
