"""`vaegan-bench run`: train, measure and report a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vaegan_bench.cli.options import (
    CacheDirOption,
    CheckpointOption,
    DataDirOption,
    DryRunOption,
    EngineOption,
    ExtractorOption,
    FieldsOption,
    MaxTimeOption,
    PluginFiles,
    ResultsOption,
    SizeOption,
    StepsOption,
    StudyDeviceOption,
    StudySamplerOption,
    WorkersOption,
)

EPILOG = """
Examples:

    vaegan-bench run --models all

    vaegan-bench run --models vae,vaegan --seeds 3

    vaegan-bench run --models "vaegan[gamma=1e-4,adversarial=hinge]"

    vaegan-bench run --losses adversarial=minimax,hinge,lsgan --dry-run

    vaegan-bench run --models vaegan --term-weights "prior=1,linear[over=1000],cyclic"

    vaegan-bench run --models vaegan --ablate

    vaegan-bench run --optimizer "discriminator=adam[lr=5e-4]"

    vaegan-bench run my-study.toml --plugin my_loss.py
"""
StudyArgument = Annotated[
    str, typer.Argument(help="A study that `list studies` shows, or a TOML file; auto: quick, or standard with a GPU.")
]
ModelsOption = Annotated[
    list[str] | None, typer.Option(help="Models by selector, comma-separated; 'all' for all; repeatable.")
]
LossesOption = Annotated[
    list[str] | None,
    typer.Option(help="field=a,b: run each model that has this field with each of these losses; repeatable."),
]
TermWeightsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="term=a,b or player.term=a,b: run each model that has this term with each of these factors on its "
        "coefficient (numbers, schedules or adaptive); repeatable."
    ),
]
AblateOption = Annotated[
    bool, typer.Option("--ablate", help="Also run every model with each of its terms left out in turn.")
]
DatasetsOption = Annotated[list[str] | None, typer.Option(help="Data sets by selector, comma-separated; repeatable.")]
SplitOption = Annotated[str | None, typer.Option(help="Images to measure on: test, or validation for tuning.")]
NetworksOption = Annotated[str | None, typer.Option(help="Networks by selector, shared by all models.")]
SeedsOption = Annotated[
    str | None, typer.Option(help="Number of seeds (3), or a list of seeds (0,4,7); for one seed add a comma (7,).")
]
BatchOption = Annotated[int | None, typer.Option(help="Images per step.")]
OptimizerOption = Annotated[
    list[str] | None,
    typer.Option(help="Optimizer by selector, for all players; player=selector: for one of them; repeatable."),
]
EmaOption = Annotated[
    float | None,
    typer.Option(help="Decay of the moving average of encoder and decoder that is evaluated; 0: none."),
]
PrecisionOption = Annotated[str | None, typer.Option(help="auto, float32 or bfloat16.")]
ThreadsOption = Annotated[int | None, typer.Option(help="CPU threads of each run; another number makes other runs.")]
MetricsOption = Annotated[list[str] | None, typer.Option(help="Metrics by selector, comma-separated; repeatable.")]
SamplesOption = Annotated[int | None, typer.Option(help="Samples per run, and the largest number of held-out images.")]
DrawsOption = Annotated[int | None, typer.Option(help="Independent sets of samples per run, for the evaluation noise.")]
CalibrateOption = Annotated[
    bool | None,
    typer.Option(
        "--calibrate/--no-calibrate",
        help="Calibrate the extractors of Fréchet distances, which then have a reading; by default as the study says.",
        show_default=False,
    ),
]
NameOption = Annotated[str | None, typer.Option(help="The name of the study's folder in the results folder.")]


def run(
    context: typer.Context,
    study: StudyArgument = "auto",
    models: ModelsOption = None,
    losses: LossesOption = None,
    term_weights: TermWeightsOption = None,
    ablate: AblateOption = False,
    fields: FieldsOption = None,
    datasets: DatasetsOption = None,
    size: SizeOption = None,
    split: SplitOption = None,
    networks: NetworksOption = None,
    seeds: SeedsOption = None,
    steps: StepsOption = None,
    batch: BatchOption = None,
    optimizer: OptimizerOption = None,
    ema: EmaOption = None,
    precision: PrecisionOption = None,
    device: StudyDeviceOption = None,
    threads: ThreadsOption = None,
    metrics: MetricsOption = None,
    samples: SamplesOption = None,
    draws: DrawsOption = None,
    sampler: StudySamplerOption = None,
    calibrate: CalibrateOption = None,
    name: NameOption = None,
    results: ResultsOption = Path("results"),
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    extractor: ExtractorOption = None,
    plugin: PluginFiles = None,
    workers: WorkersOption = None,
    engine: EngineOption = "processes",
    checkpoint: CheckpointOption = 60,
    max_time: MaxTimeOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Train, measure and compare models; finished runs are not run again, and interrupted ones go on."""
    _run(context.params)


def _run(given: Mapping[str, Any]) -> None:
    """Run the study that the parameters of the command describe."""
    from vaegan_bench.cli.options import read_fields
    from vaegan_bench.cli.session import Session
    from vaegan_bench.cli.study_options import study_of
    from vaegan_bench.execution.time_limit import time_limit
    from vaegan_bench.study.plan import make_plan
    from vaegan_bench.study.resolver import refuse_idle_fields

    with time_limit(given["max_time"]):
        session = Session(given)
        plan = make_plan(study_of(given, session.registry), session.registry)
        refuse_idle_fields(read_fields(given["fields"] or []), plan.plugins)
        if given["dry_run"]:
            session.print_plan(plan)
        else:
            session.run(plan, given["results"]).conclude()
