"""Headline numbers: those shown first in a terminal, a figure or a page."""

from __future__ import annotations

import pandas as pd

from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.summary import overall


def headline(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of headline metrics, in their order; all rows where no metric is declared a headline.

    Rows about single attributes and rows of the family 'training' are left out in both cases.
    """
    measured = overall(rows)
    measured = measured[measured["family"] != "training"]
    leads = measured["headline"].astype(bool) if "headline" in measured else pd.Series(False, index=measured.index)
    return measured[leads] if leads.any() else measured


def count_numbers(rows: pd.DataFrame) -> int:
    """How many lines a table of these rows has: one per data set, metric and protocol."""
    return len(overall(by_protocol(rows)).drop_duplicates(["dataset", "metric"]))
