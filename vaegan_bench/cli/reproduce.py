"""`vaegan-bench reproduce`: the comparisons of a paper, ours beside theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vaegan_bench.cli.fields import CacheDirOption, DataDirOption, ExtractorOption, PluginFiles, WeightsOption

EPILOG = """
Examples:

    vaegan-bench reproduce larsen2016 --data-dir ~/data

    vaegan-bench reproduce larsen2016 --dataset avatars --preset quick --seeds 2

    vaegan-bench reproduce larsen2016 --dataset mnist5k --preset quick --dry-run
"""


def reproduce(
    paper: Annotated[str, typer.Argument(help="The paper: larsen2016.")],
    dataset: Annotated[
        str | None, typer.Option(help="Another data set for all comparisons, such as avatars or mnist5k.")
    ] = None,
    preset: Annotated[str, typer.Option(help="arxiv, last (versions of the authors' code) or quick (CPU).")] = "arxiv",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 1,
    steps: Annotated[int | None, typer.Option(help="Training steps per run, in the place of the preset's.")] = None,
    size: Annotated[int | None, typer.Option(help="Pixels per side, in the place of the preset's.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    results: Annotated[Path, typer.Option(help="The results folder.")] = Path("results"),
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

    from rich.console import Console

    from vaegan_bench.cli.fields import extractor_fields, look_for_data_in
    from vaegan_bench.cli.train import carry_out, print_plan
    from vaegan_bench.datasets.places import data_folder
    from vaegan_bench.paper import load_paper
    from vaegan_bench.plan import make_plan
    from vaegan_bench.progress import TerminalProgress
    from vaegan_bench.registry import Registry
    from vaegan_bench.reproduction import Reproduction
    from vaegan_bench.results import default_cache

    look_for_data_in(data_dir)
    chosen, registry, console = load_paper(paper), Registry(plugin or []), Console()
    values: dict[str, Any] = {"seeds": seeds, "steps": steps, "size": size, "device": device}
    values |= {"datasets": [dataset]} if dataset else {}
    values = {key: value for key, value in values.items() if value is not None}
    given = extractor_fields(registry, extractor, inception_weights)
    folder = results / (f"{paper}-{dataset.partition('[')[0]}" if dataset else paper)
    plans = []
    for comparison in chosen.comparisons:
        study = chosen.study(comparison, preset).with_values(values, "the flags")
        merged = {name: {**study.fields.get(name, {}), **fields} for name, fields in given.items()}
        plans.append(make_plan(study.with_values({"fields": {**study.fields, **merged}}, "the flags"), registry))
    if dry_run:
        for plan in plans:
            print_plan(plan, console)
        return
    with TerminalProgress(console) as progress:
        for each in dict.fromkeys(run.dataset for plan in plans for run in plan.runs):
            each.fetch(data_folder() / each.name, progress)  # what is missing is told before anything trains
    whole = [carry_out(plan, registry, folder, cache_dir or default_cache(), console) for plan in plans]
    command = shlex.join(["vaegan-bench", *sys.argv[1:]])
    console.print(f"Page: {Reproduction(chosen, preset, command, folder).write()}", markup=False, highlight=False)
    if not all(whole):
        raise typer.Exit(1)
