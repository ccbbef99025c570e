"""The results of a study from Python: rows, table and figures. Read without torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.status.recorded import recorded_status
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.paths import plugin_list, user_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Results:
    """The results of a study, from its folder on disk."""

    folder: StudyFolder
    plugins: Sequence[str | Path] = ()
    """Plugin files that its runs need."""

    @property
    def rows(self) -> pd.DataFrame:
        """Tidy: one row per run × metric, with direction, units and protocol."""
        return self.folder.rows()

    @property
    def history(self) -> pd.DataFrame:
        """Learning curves: one row per run × term × interval."""
        return self.folder.history()

    def table(self, *, headlines: bool = False) -> pd.DataFrame:
        """One row per model, one column per metric; mean ± 95 % t-interval over seeds, winners marked.

        With `headlines`, only headline metrics, as in the terminal.
        """
        rows = tables.by_protocol(self.rows)
        shown = tables.headline(rows) if headlines else rows
        return tables.model_table(shown, rulers=self.folder.rulers(rows), whole=rows)

    def compare(self, model: str, other: str) -> pd.DataFrame:
        """By how much `model` is better than `other` over common seeds, as `vaegan-bench compare`: one row per metric.

        'difference' is the mean over seeds with the 'half_width' of its 95 % t-interval, 'improvement' the probability
        that `model` is better, 'p_holm' the p value of a paired sign-flip test, adjusted for all pairs of models of the
        study, and 'verdict' is 'better', 'worse', or why there is none. Raises `UnknownNameError` for a model that has
        no rows, `StudyError` for a model and itself.
        """
        return tables.compare(self.rows, model, other)

    def status(self) -> pd.DataFrame:
        """One row per run of the latest plan: its state, who works on it, how long its training still takes."""
        return pd.DataFrame([run.as_plain() for run in recorded_status(self.folder).runs])

    def figures(self) -> dict[str, Figure]:
        """The figures for which there are data, by name: 'learning-curves', 'metrics', 'samples', …"""
        from vaegan_bench.report.figures import study_figures

        return study_figures(self.folder)

    def report(self) -> Path:
        """Write the page of the study, report.html in its folder, and return its path."""
        from vaegan_bench.registry.plugins import Registry
        from vaegan_bench.report.page.page import write_page

        return write_page(self.folder, Registry(self.plugins))

    def _repr_html_(self) -> str:
        return self.table(headlines=True).to_html()


def load(folder: str | Path, plugins: Iterable[str | Path] = ()) -> Results:
    """The results in a study's folder, such as "results/quick". Raises `StoreError` where there are none.

    `plugins` are plugin files that its runs were trained with; only `Results.report` needs them. Warns about runs that
    are left out because a file is damaged, or because newer runs were trained on other images.
    """
    results = Results(StudyFolder(user_path(folder)), plugin_list(plugins))
    for run, reason in results.folder.left_out().items():
        warnings.warn(f"Run {run} is left out: {reason}", stacklevel=2)
    return results
