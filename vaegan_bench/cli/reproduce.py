"""`vaegan-bench reproduce`: the comparisons of a paper, with our numbers beside the published ones."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.options import (
    CacheDirOption,
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    DryRunOption,
    EngineOption,
    ExtractorOption,
    FieldsOption,
    MaxTimeOption,
    PluginFiles,
    ResultsOption,
    SizeOption,
    StepsOption,
    WorkersOption,
)
from vaegan_bench.cli.terminal import say
from vaegan_bench.study.values import MOST_SEEDS

if TYPE_CHECKING:
    from vaegan_bench.cli.session import Session
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.report.reproduction.paper import Paper
    from vaegan_bench.study.plan import Plan

EPILOG = """
Examples:

    vaegan-bench reproduce larsen2016 --data-dir ~/data

    vaegan-bench reproduce larsen2016 --dataset avatars --preset quick --seeds 2

    vaegan-bench reproduce larsen2016 --dataset mnist5k --preset quick --dry-run

    vaegan-bench reproduce larsen2016 --dataset "similarity=lfw[alignment=funneled,augmentation=paper]"
"""
VALUES = ("seeds", "steps", "size", "device")
"""Options that set the key of the same name in every study."""

PaperArgument = Annotated[str, typer.Argument(help="The paper: larsen2016.")]
DatasetOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Another data set for all comparisons, such as avatars; for one of them, COMPARISON=NAME; repeatable."
    ),
]
PresetOption = Annotated[str, typer.Option(help="arxiv, last (versions of the authors' code) or quick (CPU).")]
SeedsOption = Annotated[int, typer.Option(min=1, max=MOST_SEEDS, help="Number of seeds.")]


def reproduce(
    context: typer.Context,
    paper: PaperArgument,
    dataset: DatasetOption = None,
    preset: PresetOption = "arxiv",
    seeds: SeedsOption = 1,
    steps: StepsOption = None,
    size: SizeOption = None,
    device: DeviceOption = "auto",
    results: ResultsOption = Path("results"),
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    extractor: ExtractorOption = None,
    fields: FieldsOption = None,
    plugin: PluginFiles = None,
    workers: WorkersOption = None,
    engine: EngineOption = "processes",
    checkpoint: CheckpointOption = 60,
    max_time: MaxTimeOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Run the comparisons of a paper, and write a page with our numbers beside the published ones."""
    from vaegan_bench.execution.time_limit import time_limit

    with time_limit(max_time):
        _reproduce(context.params)


def _reproduce(given: Mapping[str, Any]) -> None:
    """Run or estimate what the parameters of the command describe."""
    from vaegan_bench.cli.session import Session
    from vaegan_bench.report.reproduction.paper import load_paper

    session, chosen = Session(given), load_paper(given["paper"])
    datasets = _datasets(given["dataset"] or [], [comparison.name for comparison in chosen.comparisons])
    plans = _plans(chosen, datasets, given, session.registry)
    if given["dry_run"]:
        for plan in plans:
            session.print_plan(plan)
    else:
        folder = given["results"] / _folder_name(given["paper"], datasets)
        _run(session, chosen, plans, folder, given["preset"])


def _plans(paper: Paper, datasets: Mapping[str, str], given: Mapping[str, Any], registry: Registry) -> list[Plan]:
    """One plan for each comparison."""
    from vaegan_bench.cli.options import given_fields, read_fields, refuse_idle_extractor
    from vaegan_bench.study.plan import make_plan
    from vaegan_bench.study.resolver import refuse_idle_fields

    values = {key: given[key] for key in VALUES if given[key] is not None}
    fields = given_fields(registry, given["extractor"], given["fields"])
    studies = []
    for comparison in paper.comparisons:
        chosen = {"datasets": [datasets[comparison.name]]} if comparison.name in datasets else {}
        study = paper.study(comparison, given["preset"]).with_values({**values, **chosen}, "the flags")
        studies.append(study.with_fields(fields, "the flags"))
    refuse_idle_extractor(given["extractor"], [metric for study in studies for metric in study.metrics], fields)
    plans = [make_plan(study, registry) for study in studies]
    refuse_idle_fields(read_fields(given["fields"] or []), [used for plan in plans for used in plan.plugins])
    return plans


def _run(session: Session, paper: Paper, plans: Sequence[Plan], folder: Path, preset: str) -> None:
    """Run all plans, then write the page. Raises `IncompleteError` at the end where something is missing."""
    from vaegan_bench.report.page.paper import write_paper_page
    from vaegan_bench.report.reproduction.reproduction import Reproduction
    from vaegan_bench.study.resolver import metrics_known_as
    from vaegan_bench.system.attempts import Attempts
    from vaegan_bench.system.errors import IncompleteError

    _check_before(session, plans, folder)
    attempts = Attempts()
    for plan in plans:
        try:
            attempts.lines += session.run(plan, folder).lines
        except IncompleteError as error:  # as with a full disk or a lost GPU: the other studies would fail as well
            raise IncompleteError([*attempts.lines, *error.lines]) from error
    command = shlex.join(["vaegan-bench", *sys.argv[1:]])
    with attempts.part("page"):
        known_as = metrics_known_as(session.registry)
        reproduction = Reproduction(paper, preset, command, folder, known_as)
        say(f"Page: {reproduction.write()}")
        say(f"Report: {write_paper_page(reproduction, session.registry)}")
    attempts.conclude()


def _check_before(session: Session, plans: Sequence[Plan], folder: Path) -> None:
    """Fetch all data, load those of unfinished runs, and check the disk space, all before anything trains."""
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.execution.workload import Workload
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.disk_space import check_space
    from vaegan_bench.training.loading import fetch

    with TerminalProgress(session.console) as progress:
        for dataset in dict.fromkeys(run.dataset for plan in plans for run in plan.runs):
            fetch(dataset, progress)
        work = [Workload(plan, StudyFolder(folder / plan.study.name), session.cache, progress) for plan in plans]
        needed = sum(each.needed_space(session.workers_for(each.plan)) for each in work)  # loads the data
    check_space(folder, needed, f"The results of {len(plans)} comparisons", "--results")


def _folder_name(paper: str, datasets: Mapping[str, str]) -> str:
    """The name of the results folder, such as 'larsen2016-avatars'."""
    from vaegan_bench.registry.selectors import parse_selector

    return "-".join([paper, *dict.fromkeys(parse_selector(each).name for each in datasets.values())])


def _datasets(values: Sequence[str], comparisons: Sequence[str]) -> dict[str, str]:
    """Comparison → the data set given for it, as COMPARISON=NAME, or for all; the last one where several are given."""
    from vaegan_bench.system.errors import UnknownNameError

    found: dict[str, str] = {}
    for value in values:
        comparison, equals, name = value.partition("=")
        if not equals or "[" in comparison:
            found |= dict.fromkeys(comparisons, value)
        elif comparison in comparisons:
            found[comparison] = name
        else:
            raise UnknownNameError("comparison", comparison, comparisons)
    return found
