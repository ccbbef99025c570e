"""Where a reproduction deviates from its paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.report.reproduction.paper import Comparison, Paper
from vaegan_bench.report.summary import SHARED
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study import Study

OTHERS = ("optimizers", "metrics")
"""Keys of a study, beside those that are the same for all models, whose difference from the paper's is a deviation."""


def deviations(paper: Paper, preset: str, folders: Mapping[str, StudyFolder]) -> Iterator[str]:
    """A sentence for each deviation, from the studies as they were run; `folders` has every comparison's, by name."""
    for comparison in (each for each in paper.comparisons if folders[each.name].runs()):
        yield from _of_comparison(paper, preset, comparison, folders[comparison.name])
    yield from _known(paper, preset, folders)


def has_other_data(study: Study, other: Study) -> bool:
    """Whether two studies have different data sets, whatever their settings."""
    return _names(study) != _names(other)


def original_study(paper: Paper, comparison: Comparison) -> Study:
    """The paper's own study of a comparison, which is the first preset's."""
    return paper.study(comparison, _first(paper))


def _first(paper: Paper) -> str:
    return next(iter(paper.presets))


def _names(study: Study) -> list[str]:
    return [parse_selector(dataset).name for dataset in study.datasets]


def _known(paper: Paper, preset: str, folders: Mapping[str, StudyFolder]) -> Iterator[str]:
    """The paper's listed deviations that apply to this preset and to the data sets that were used."""
    studies = [folders[each.name].study().study for each in paper.comparisons]
    used = [parse_selector(name) for study in studies for name in study.datasets]
    for deviation in paper.deviations:
        of_data = not deviation.dataset or any(parse_selector(deviation.dataset).covers(one) for one in used)
        if of_data and deviation.preset in ("", preset):
            yield deviation.says


def _of_comparison(paper: Paper, preset: str, comparison: Comparison, folder: StudyFolder) -> Iterator[str]:
    """The differences from the paper's study file, key by key."""
    name, first = comparison.name, _first(paper)
    ran, meant = folder.study().study, original_study(paper, comparison)
    if [*map(parse_selector, ran.datasets)] != [*map(parse_selector, meant.datasets)]:
        ours, theirs = (", ".join(study.datasets) for study in (ran, meant))
        yield f"{name}: data set `{ours}` instead of `{theirs}`."
    precision = folder.runs()[0].record().definition.precision
    if precision != meant.precision:
        yield f"{name}: trained in `{precision}` ({first}: `{meant.precision}`)."
    for key in (*SHARED, *OTHERS):
        ours, theirs = (_text(getattr(study, key)) for study in (ran, meant))
        if ours != theirs:
            yield f"{name}: {key} is `{ours}` ({first}: `{theirs}`)."
    used = {parse_selector(selector).name for selector in (*ran.models, *ran.metrics)}
    of_preset = paper.study(comparison, preset).fields
    for plugin in dict.fromkeys([*meant.fields, *of_preset, *sorted(used & set(ran.fields))]):
        ours, theirs = _fields(ran.fields.get(plugin, {})), _fields(meant.fields.get(plugin, {}))
        if ours != theirs:
            yield f"{name}: `{plugin}` has {ours} ({first}: {theirs})."


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items()) or "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fields(values: Mapping[str, object]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in values.items()) or "its defaults"
