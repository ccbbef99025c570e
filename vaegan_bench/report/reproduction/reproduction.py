"""The page of a reproduction: our numbers beside the published ones, verdicts on the claims, and every deviation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.reproduction.claims import claims_to_markdown, judge, plain_name
from vaegan_bench.report.reproduction.deviations import deviations, has_other_data, original_study
from vaegan_bench.report.reproduction.paper import Comparison, Paper
from vaegan_bench.report.reproduction.published import side_by_side, table_to_markdown
from vaegan_bench.report.tables.instruments import unusable_lines
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.files import replace_file

OTHER_DATA = "The published numbers were measured on other data and cannot be compared with ours."


@dataclass(frozen=True)
class Reproduction:
    """A paper's comparisons as they were run."""

    paper: Paper
    preset: str
    command: str
    folder: Path
    """Where the page is written; each comparison's results are in a folder of its name."""
    known_as: Mapping[str, str] = field(default_factory=dict)
    """Name of a number in the literature → the selector of its metric: see `metrics_known_as`."""

    def write(self) -> Path:
        """Write README.md from what is on disk. Raises `StoreError` where a comparison was not begun."""
        path = self.folder / "README.md"
        with replace_file(path) as partial:
            partial.write_text("\n\n".join(self._parts()) + "\n", "utf-8")
        return path

    def folders(self) -> dict[str, StudyFolder]:
        """The folder of each comparison, by name."""
        return {each.name: StudyFolder(self.folder / each.name) for each in self.paper.comparisons}

    def rows(self, comparison: Comparison) -> pd.DataFrame:
        """The rows of a comparison's runs, measured as the paper's study asks; empty where none was finished."""
        study = self.folders()[comparison.name]
        if not study.runs():
            return pd.DataFrame()
        rows = study.rows()
        return rows[rows["planned"]]

    def claims(self, rows: Mapping[str, pd.DataFrame]) -> list[list[str]]:
        """A line for each claim: the words of the paper, then the cells of `judge` for the rows of its comparison."""
        return [[claim.says, *judge(claim, rows[claim.comparison], self.known_as)] for claim in self.paper.claims]

    def deviations(self) -> list[str]:
        """A sentence for each deviation from the paper."""
        return list(deviations(self.paper, self.preset, self.folders()))

    def _parts(self) -> Iterator[str]:
        paper = self.paper
        yield f"# {paper.title}"
        yield f"A reproduction of the comparisons of {paper.authors}, <{paper.url}>, made by"
        yield f"```sh\n{self.command}\n```"
        yield f"Preset `{self.preset}`: {paper.presets[self.preset]['about']}. {self._cost()}"
        rows = {comparison.name: self.rows(comparison) for comparison in paper.comparisons}
        yield "## Do the claims hold?"
        yield from claims_to_markdown(self.claims(rows))
        for comparison in paper.comparisons:
            yield f"## {comparison.title}"
            yield from self._comparison(comparison, rows[comparison.name])
        yield "## Deviations from the paper"
        yield "\n".join(f"- {deviation}" for deviation in self.deviations())

    def _cost(self) -> str:
        """How long the runs trained in all, and where."""
        records = [run.record() for folder in self.folders().values() for run in folder.runs()]
        devices = dict.fromkeys(record.environment.device for record in records)
        if not records:
            return "No run has finished."
        took = tables.duration(sum(record.seconds for record in records) / 60)
        return f"{len(records)} runs trained for {took} in all, on {', '.join(devices)}."

    def _comparison(self, comparison: Comparison, rows: pd.DataFrame) -> Iterator[str]:
        study = self.folders()[comparison.name]
        shown = [run.path.name for run in study.runs()]
        if failed := [run for run in study.study().runs if run not in shown]:
            listed = ", ".join(f"`{run}`" for run in failed)
            yield (
                f"Not included below are runs that failed or are left out: {listed}. The same command tries them again."
            )
        if rows.empty:
            return
        published = [p for p in self.paper.published if p.comparison == comparison.name]
        yield table_to_markdown(side_by_side(rows, comparison.metrics, published, self.known_as, study.rulers()))
        in_table = rows["metric"].map(lambda name: plain_name(name, self.known_as) in comparison.metrics)
        yield from unusable_lines(rows[in_table])
        yield "Ours: means over the finished runs, one per seed; ± is the 95 % t-interval, undefined for one run."
        elsewhere = has_other_data(study.study().study, original_study(self.paper, comparison))
        for note in dict.fromkeys(p.note for p in published):
            yield f"Published: {note}."
        if published and elsewhere:
            yield OTHER_DATA
        for record in study.by_dataset().values():
            yield from (f"Of {tables.in_markdown(record.dataset)}, {remark}." for remark in record.remarks)
        if comparison.note:
            yield comparison.note
        for figure in comparison.figures:
            if (study.path / f"{figure}.png").is_file():
                yield f"![{comparison.title}: {figure}]({comparison.name}/{figure}.png)"
        yield f"All numbers, with protocol and settings: [{comparison.name}/summary.md]({comparison.name}/summary.md)."
