"""The page of a reproduction: ours beside the published numbers, what the claims come to, and every deviation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.report import tables
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.paper import Claim, Comparison, Paper, Published
from vaegan_bench.study.study import Study
from vaegan_bench.system.files import whole_file

TEST_SET = "test set"
OTHER_DATA = " They were measured on other data and cannot be compared with ours."
RUNS = "runs"
SHARED = (
    "size", "split", "networks", "steps", "batch", "optimizer", "optimizers", "ema", "metrics", "samples", "draws",
    "sampler",
)  # fmt: skip
"""Keys of a study whose difference from the paper's is a deviation."""


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
        with whole_file(path) as partial:
            partial.write_text("\n\n".join(self._parts()) + "\n", "utf-8")
        return path

    def _parts(self) -> Iterator[str]:
        paper = self.paper
        yield f"# {paper.title}"
        yield f"A reproduction of the comparisons of {paper.authors}, <{paper.url}>, made by"
        yield f"```sh\n{self.command}\n```"
        yield f"Preset `{self.preset}`: {paper.presets[self.preset]['about']}. {self._cost()}"
        rows = {comparison.name: self.rows(comparison) for comparison in paper.comparisons}
        yield "## Do the claims hold?"
        yield from _claims(self.claims(rows))
        for comparison in paper.comparisons:
            yield f"## {comparison.title}"
            yield from self._comparison(comparison, rows[comparison.name])
        yield "## Deviations from the paper"
        yield "\n".join(f"- {deviation}" for deviation in self.deviations())

    def claims(self, rows: Mapping[str, pd.DataFrame]) -> list[list[str]]:
        """A line for each claim: what the paper says, and what the rows of each comparison say of it."""
        return [[claim.says, *judge(claim, rows[claim.comparison], self.known_as)] for claim in self.paper.claims]

    def deviations(self) -> list[str]:
        """What was done otherwise than in the paper."""
        return [*self._deviations(), *self._known_deviations()]

    def _cost(self) -> str:
        """How long the runs trained in all, and where."""
        records = [run.record() for each in self.paper.comparisons for run in self._study(each).runs()]
        devices = dict.fromkeys(record.environment.device for record in records)
        if not records:
            return "No run has finished."
        took = tables.duration(sum(record.seconds for record in records) / 60)
        return f"{len(records)} runs trained for {took} in all, on {', '.join(devices)}."

    def _study(self, comparison: Comparison) -> StudyFolder:
        return StudyFolder(self.folder / comparison.name)

    def rows(self, comparison: Comparison) -> pd.DataFrame:
        """The rows of a comparison's runs, measured as the paper's study asks; empty where none was finished."""
        study = self._study(comparison)
        if not study.runs():
            return pd.DataFrame()
        rows = study.rows()
        return rows[rows["planned"]]

    def _comparison(self, comparison: Comparison, rows: pd.DataFrame) -> Iterator[str]:
        study = self._study(comparison)
        shown = [run.path.name for run in study.runs()]
        if failed := [run for run in study.study().runs if run not in shown]:
            listed = ", ".join(f"`{run}`" for run in failed)
            yield f"These runs failed and are not included below: {listed}. The same command tries them again."
        if rows.empty:
            return
        published = [p for p in self.paper.published if p.comparison == comparison.name]
        yield _markdown(side_by_side(rows, comparison.metrics, published, self.known_as))
        yield "Ours: means over the finished runs, one per seed; ± is the 95 % t-interval, undefined for one run."
        elsewhere = _names(self._our_study(comparison)) != _names(self._their_study(comparison))
        for note in dict.fromkeys(p.note for p in published):
            yield f"Published: {note}.{OTHER_DATA if elsewhere else ''}"
        for record in study.by_dataset().values():
            yield from (f"Of {record.dataset}, {remark}." for remark in record.remarks)
        if comparison.note:
            yield comparison.note
        for figure in comparison.figures:
            if (self.folder / comparison.name / f"{figure}.png").is_file():
                yield f"![{comparison.title}: {figure}]({comparison.name}/{figure}.png)"
        yield f"All numbers, with protocol and settings: [{comparison.name}/summary.md]({comparison.name}/summary.md)."

    def _our_study(self, comparison: Comparison) -> Study:
        return self._study(comparison).study().study

    def _their_study(self, comparison: Comparison) -> Study:
        """The paper's own study: that of the first preset."""
        return self.paper.study(comparison, self._first)

    @property
    def _first(self) -> str:
        return next(iter(self.paper.presets))

    def _known_deviations(self) -> Iterator[str]:
        """What every reproduction does otherwise, as far as it is about the data that were used."""
        used = [parse_selector(name) for each in self.paper.comparisons for name in self._our_study(each).datasets]
        for deviation in self.paper.deviations:
            of_data = not deviation.dataset or any(parse_selector(deviation.dataset).covers(one) for one in used)
            if of_data and deviation.preset in ("", self.preset):
                yield deviation.says

    def _deviations(self) -> Iterator[str]:
        """What this run does otherwise than the paper's study file, key by key."""
        for comparison in (each for each in self.paper.comparisons if self._study(each).runs()):
            ran, meant = self._our_study(comparison), self._their_study(comparison)
            if [*map(parse_selector, ran.datasets)] != [*map(parse_selector, meant.datasets)]:
                data, theirs = (", ".join(study.datasets) for study in (ran, meant))
                yield f"{comparison.name}: data set `{data}` instead of `{theirs}`."
            precision = self._study(comparison).runs()[0].record().definition.precision
            if precision != meant.precision:
                yield f"{comparison.name}: trained in `{precision}` ({self._first}: `{meant.precision}`)."
            for key in SHARED:
                ours, theirs = (_text(getattr(study, key)) for study in (ran, meant))
                if ours != theirs:
                    yield f"{comparison.name}: {key} is `{ours}` ({self._first}: `{theirs}`)."
            preset = self.paper.study(comparison, self.preset)
            used = {parse_selector(selector).name for selector in (*ran.models, *ran.metrics)}
            for plugin in dict.fromkeys([*meant.fields, *preset.fields, *sorted(used & set(ran.fields))]):
                ours, theirs = _fields(ran.fields.get(plugin, {})), _fields(meant.fields.get(plugin, {}))
                if ours != theirs:
                    yield f"{comparison.name}: `{plugin}` has {ours} ({self._first}: {theirs})."


def side_by_side(
    rows: pd.DataFrame, metrics: tuple[str, ...], published: list[Published], known_as: Mapping[str, str]
) -> pd.DataFrame:
    """One row per model, and one for the test set where real images have such numbers; ours, and those published."""
    summary = tables.summarise(tables.overall(rows))
    plain = {name: plain_name(name, known_as) for name in summary["metric"]}
    shown = summary[summary["metric"].map(plain).isin(metrics)]
    columns = sorted(shown["metric"].unique(), key=lambda name: metrics.index(plain[name]))
    ceilings = rows[rows["attribute"] == ""].groupby("metric")["ceiling"].mean()
    lines: dict[str, dict[str, str]] = {TEST_SET: {}, **{model: {RUNS: text} for model, text in _runs(rows).items()}}
    for row in shown.to_dict("records"):
        name = tables.heading(row["metric"], row["direction"], row["units"])
        lines[row["model"]][name] = tables.cell(row["mean"], row["half_width"])
    ordered = [RUNS]
    for metric in columns:
        first = shown[shown["metric"] == metric].iloc[0]
        name = tables.heading(metric, first["direction"], first["units"])
        ordered.append(name)
        if pd.notna(ceilings.get(metric)):
            lines[TEST_SET][name] = tables.number(ceilings[metric])
        for column in (p for p in published if p.metric == plain[metric]):
            ordered.append(f"{name}, published")
            for model, value in column.values.items():
                lines.setdefault(model, {})[f"{name}, published"] = value
    return pd.DataFrame.from_dict(lines, orient="index").reindex(columns=ordered).fillna("")


def _runs(rows: pd.DataFrame) -> dict[str, str]:
    """Model → how many of its runs finished, and what was wrong with the others."""
    counted = tables.runs(rows).droplevel("dataset")
    return {str(model): str(text) for model, text in counted.items()}


def plain_name(number: str, known_as: Mapping[str, str]) -> str:
    """A number's name without its extractor; 'frechet' for 'fid', as metrics declare."""
    name = number.partition("[")[0]
    return known_as.get(name, name).partition("[")[0]


CLAIM_COLUMNS = ("the paper says", "metric", "difference", "P", "verdict")
CLAIM_NOTE = (
    "Difference: the model that is said to be better minus the other, paired over seeds, with its 95 % t-interval. "
    "P: the share of pairs of a run of one with a run of the other in which it is better. Verdict: an exact paired "
    "sign-flip test at 5 %, Holm over all pairs of models. Without a verdict the last column "
    "gives only the direction of the mean difference; with one seed it does not give this either."
)


def _claims(lines: list[list[str]]) -> Iterator[str]:
    head = [f"| {' | '.join(CLAIM_COLUMNS)} |", "| --- | --- | ---: | ---: | --- |"]
    yield "\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines)])
    yield CLAIM_NOTE


def judge(claim: Claim, rows: pd.DataFrame, known_as: Mapping[str, str]) -> list[str]:
    """What our runs say of a claim: metric, difference, probability, verdict."""
    if rows.empty:
        return [claim.metric, "", "", "not measured"]
    pairs = tables.comparisons(rows)
    of_pair = pairs[(pairs["model"] == claim.better) & (pairs["other"] == claim.worse)]
    found = of_pair[[plain_name(name, known_as) == claim.metric for name in of_pair["metric"]]]
    if found.empty:
        fates = [f"`{model}`: {text}" for model, text in _runs(rows).items() if " of " in text]
        return [claim.metric, "", "", "; ".join(["not measured", *fates])]
    row = found.iloc[0].to_dict()
    name, difference = tables.heading(row["metric"], row["direction"], row["units"]), row["difference"]
    cells = [name, tables.cell(difference, row["half_width"])]
    if row["verdict"].startswith(tables.NO_VERDICT):  # nor does the instrument say which way the difference goes
        return [*cells, f"{row['improvement']:.2f}", row["verdict"]]
    if rows["seed"].nunique() < 2:
        return [*cells, "", str(row["verdict"])]
    gain = difference * (1 if row["direction"] == "higher" else -1)
    leaning = "as said" if gain > 0 else "the other way round" if gain < 0 else "equal"
    held = {tables.BETTER: "holds", tables.WORSE: "not reproduced at this budget"}.get(
        row["verdict"], f"{row['verdict']}; so far {leaning}"
    )
    return [*cells, f"{row['improvement']:.2f}", held]


def _names(study: Study) -> list[str]:
    """Its data sets, whatever their settings."""
    return [parse_selector(dataset).name for dataset in study.datasets]


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items()) or "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fields(values: Mapping[str, object]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in values.items()) or "its defaults"


def _markdown(table: pd.DataFrame) -> str:
    shown = table[(table != "").any(axis=1)]
    head = ["", *shown.columns]
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * len(shown.columns)}"]
    for name, cells in zip(shown.index, shown.to_numpy().tolist(), strict=True):
        lines.append(f"| {name if name == TEST_SET else f'`{name}`'} | {' | '.join(cells)} |")
    return "\n".join(lines)
