"""The page of a paper: its claims, and all of its comparisons in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.figures import number_figures
from vaegan_bench.report.page.content import ClaimTable, Content, content_of
from vaegan_bench.report.page.page import PAGE, render
from vaegan_bench.report.page.provenance import Fact
from vaegan_bench.report.reproduction.claims import CLAIM_COLUMNS, CLAIM_NOTE
from vaegan_bench.report.reproduction.paper import Comparison
from vaegan_bench.report.reproduction.reproduction import Reproduction
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.errors import StoreError
from vaegan_bench.system.files import replace_file


def write_paper_page(reproduction: Reproduction, registry: Registry) -> Path:
    """Write report.html of a paper from what is on disk. Raises `StoreError` where no run is finished."""
    text = render(paper_content(reproduction, registry))
    path = reproduction.folder / PAGE
    with replace_file(path) as partial:
        partial.write_text(text, "utf-8")
    return path


def paper_content(reproduction: Reproduction, registry: Registry) -> Content:
    """The page's content: in every section, all comparisons with finished runs; live models only of the first."""
    paper = reproduction.paper
    studies = reproduction.folders()
    shown = [each for each in paper.comparisons if studies[each.name].runs()]
    if not shown:
        raise StoreError(f"{reproduction.folder} holds no finished run yet: run the same command again.")
    models = list(dict.fromkeys(run.record().label for each in shown for run in studies[each.name].runs()))
    contents = [_content(each, studies[each.name], registry, models) for each in shown]
    rows = {each.name: reproduction.rows(each) for each in paper.comparisons}
    return replace(
        contents[0],
        title=paper.title,
        question=f"A reproduction of the comparisons of {paper.authors}: do the claims hold?",
        summary="; ".join(f"{each.name}: {content.summary}" for each, content in zip(shown, contents, strict=True)),
        models=models,
        parts=list(chain.from_iterable(content.parts for content in contents)),
        figures=list(chain.from_iterable(content.figures for content in contents)),
        facts=_joined([content.facts for content in contents]),
        problems=_joined([content.problems for content in contents]) + _without_runs(paper.comparisons, studies),
        studies={name: text for content in contents for name, text in content.studies.items()},
        downloads={name: packed for content in contents for name, packed in content.downloads.items()},
        claims=ClaimTable(list(CLAIM_COLUMNS), reproduction.claims(rows), CLAIM_NOTE),
        deviations=reproduction.deviations(),
    )


def _without_runs(comparisons: Iterable[Comparison], studies: Mapping[str, StudyFolder]) -> list[Fact]:
    """What is missing of comparisons that the page cannot show, as no run of them can be shown."""
    missing = {each.name: folder for each in comparisons if not (folder := studies[each.name]).runs()}
    return [
        Fact(f"{name}: not shown", [*folder.left_out_lines(), *folder.untrained_lines()])
        for name, folder in missing.items()
    ]


def _content(comparison: Comparison, folder: StudyFolder, registry: Registry, models: Sequence[str]) -> Content:
    """The content of one comparison, with its name in those of its figures and tables.

    `models` are those of the whole page, each of which has one colour there.
    """
    content = content_of(folder, registry, number_figures(folder, models), models, f"-{comparison.name}")
    return replace(
        content,
        parts=[replace(part, name=f"{comparison.title}: {part.name}") for part in content.parts],
        downloads={f"{comparison.name}-{name}": packed for name, packed in content.downloads.items()},
    )


def _joined(facts: Sequence[Sequence[Fact]]) -> list[Fact]:
    """Facts of several studies, each value once."""
    found: dict[str, dict[str, None]] = {}
    for fact in chain.from_iterable(facts):
        found.setdefault(fact.name, {}).update(dict.fromkeys(fact.values))
    return [Fact(name, list(values)) for name, values in found.items()]
