"""`vaegan-bench reproduce`: the comparisons of a paper, ours beside theirs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vaegan_bench.cli.fields import (
    CacheDirOption,
    DataDirOption,
    ExtractorOption,
    PluginFiles,
    ResultsOption,
    WeightsOption,
)
from vaegan_bench.cli.terminal import terminal

EPILOG = """
Examples:

    vaegan-bench reproduce larsen2016 --data-dir ~/data

    vaegan-bench reproduce larsen2016 --dataset avatars --preset quick --seeds 2

    vaegan-bench reproduce larsen2016 --dataset mnist5k --preset quick --dry-run

    vaegan-bench reproduce larsen2016 --dataset "similarity=lfw[alignment=funneled,augmentation=paper]"
"""


def reproduce(
    paper: Annotated[str, typer.Argument(help="The paper: larsen2016.")],
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="Another data set for all comparisons, such as avatars; for one of them, COMPARISON=NAME; repeatable."
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="arxiv, last (versions of the authors' code) or quick (CPU).")] = "arxiv",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 1,
    steps: Annotated[int | None, typer.Option(help="Training steps per run, instead of the preset's.")] = None,
    size: Annotated[int | None, typer.Option(help="Pixels per side, instead of the preset's.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    results: ResultsOption = Path("results"),
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    extractor: ExtractorOption = None,
    inception_weights: WeightsOption = None,
    plugin: PluginFiles = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plans with an estimate, and train nothing.")
    ] = False,
) -> None:
    """Run the comparisons of a paper, and write a page that puts ours beside what was published."""
    import shlex
    import sys

    from vaegan_bench.cli.fields import extractor_fields, look_for_data_in
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.cli.train import carry_out, print_plan, tell_broken
    from vaegan_bench.execution.execution import Execution
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.registry.selectors import parse_selector
    from vaegan_bench.report.reproduction import Reproduction
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.study.paper import load_paper
    from vaegan_bench.study.plan import make_plan
    from vaegan_bench.system.attempts import Attempts
    from vaegan_bench.system.disk_space import check_space
    from vaegan_bench.system.errors import IncompleteError
    from vaegan_bench.system.paths import default_cache
    from vaegan_bench.training.loading import fetch, load

    look_for_data_in(data_dir)
    chosen, registry, console = load_paper(paper), Registry(plugin or []), terminal()
    tell_broken(registry, console)
    values: dict[str, Any] = {"seeds": seeds, "steps": steps, "size": size, "device": device}
    values = {key: value for key, value in values.items() if value is not None}
    given = extractor_fields(registry, extractor, inception_weights)
    datasets = _datasets(dataset or [], [comparison.name for comparison in chosen.comparisons])
    folder = results / "-".join([paper, *dict.fromkeys(parse_selector(each).name for each in datasets.values())])
    plans = []
    for comparison in chosen.comparisons:
        named = {"datasets": [datasets[comparison.name]]} if comparison.name in datasets else {}
        study = chosen.study(comparison, preset).with_values({**values, **named}, "the flags")
        merged = {name: {**study.fields.get(name, {}), **fields} for name, fields in given.items()}
        plans.append(make_plan(study.with_values({"fields": {**study.fields, **merged}}, "the flags"), registry))
    if dry_run:
        for plan in plans:
            print_plan(plan, console)
        return
    cache = cache_dir or default_cache()
    with TerminalProgress(console) as progress:
        # What is missing or damaged is told before anything trains.
        for data, pixels in dict.fromkeys((run.dataset, run.size) for plan in plans for run in plan.runs):
            fetch(data, progress)
            load(data, pixels, cache, progress)
    command = shlex.join(["vaegan-bench", *sys.argv[1:]])
    folders = [StudyFolder(folder / plan.study.name) for plan in plans]
    needed = sum(Execution(plan, registry, at, cache).needed_space() for plan, at in zip(plans, folders, strict=True))
    check_space(folder, needed, f"The results of {len(plans)} comparisons", "--results")
    attempts = Attempts()
    for plan in plans:
        try:
            attempts.lines += carry_out(plan, registry, folder, cache, console)
        except IncompleteError as error:  # the disk is full: the other studies would meet it as well
            raise IncompleteError([*attempts.lines, *error.lines]) from error
    with attempts.part("page"):
        console.print(f"Page: {Reproduction(chosen, preset, command, folder).write()}", markup=False, highlight=False)
    attempts.conclude()


def _datasets(values: Sequence[str], comparisons: Sequence[str]) -> dict[str, str]:
    """Comparison → the data set that was given for it, as COMPARISON=NAME, or for all; of several the last."""
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
