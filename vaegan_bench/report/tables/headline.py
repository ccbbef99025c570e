"""The numbers that lead: what is read first, in a terminal, a figure or a page."""

from __future__ import annotations

import pandas as pd

from vaegan_bench.report.tables.protocols import by_protocol
from vaegan_bench.report.tables.summary import overall


def headline(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that lead, in their order; all numbers that are measured where no metric declares which lead.

    Those about one attribute, and what training cost, never lead.
    """
    measured = overall(rows)
    measured = measured[measured["family"] != "training"]
    leads = measured["headline"].astype(bool) if "headline" in measured else pd.Series(False, index=measured.index)
    return measured[leads] if leads.any() else measured


def count_numbers(rows: pd.DataFrame) -> int:
    """How many lines a table of these rows has: one per data set, metric and protocol."""
    return len(overall(by_protocol(rows)).drop_duplicates(["dataset", "metric"]))
