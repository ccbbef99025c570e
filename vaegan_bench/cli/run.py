"""`vaegan-bench run`: train, measure and report a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    WorkersOption,
)

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.study.study import Study

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
LISTS = ("models", "datasets", "metrics")
"""Options that are lists of selectors."""
PLAIN = (
    "size", "split", "networks", "steps", "batch", "ema", "precision", "device", "threads", "samples",
    "draws", "sampler", "calibrate", "name",
)  # fmt: skip
"""Options that set the key of the same name in a study."""
CROSSED = {
    "losses": "--losses takes field=loss,loss,… such as adversarial=minimax,hinge",
    "term_weights": "--term-weights takes term=factor,factor,… such as prior=0.5,linear[over=1000]",
}
"""Options that are crossed over all models → their syntax, for errors."""

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
DeviceOption = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")]
ThreadsOption = Annotated[int | None, typer.Option(help="CPU threads of each run; another number makes other runs.")]
MetricsOption = Annotated[list[str] | None, typer.Option(help="Metrics by selector, comma-separated; repeatable.")]
SamplesOption = Annotated[int | None, typer.Option(help="Samples per run, and the largest number of held-out images.")]
SamplerOption = Annotated[
    str | None,
    typer.Option(
        help="The source of the codes of samples: prior, or a sampler fitted to the codes of training images, such as "
        "gaussian."
    ),
]
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
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    metrics: MetricsOption = None,
    samples: SamplesOption = None,
    draws: DrawsOption = None,
    sampler: SamplerOption = None,
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
    _run_in_time(context.params)


def _run_in_time(given: Mapping[str, Any]) -> None:
    from vaegan_bench.execution.time_limit import time_limit

    with time_limit(given["max_time"]):
        _run(given)


def _run(given: Mapping[str, Any]) -> None:
    """Run the study that the parameters of the command describe."""
    from vaegan_bench.cli.options import look_for_data_in
    from vaegan_bench.cli.session import Session
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.study.plan import make_plan
    from vaegan_bench.system.errors import IncompleteError

    look_for_data_in(given["data_dir"])
    registry = Registry(given["plugin"] or [])
    session = Session(registry, given["cache_dir"], given["engine"], given["workers"], given["checkpoint"])
    plan = make_plan(_study(given, session.registry), session.registry)
    if given["dry_run"]:
        session.print_plan(plan)
    elif missing := session.run(plan, given["results"]):
        raise IncompleteError(missing)


def _study(given: Mapping[str, Any], registry: Registry) -> Study:
    """The study that the options describe."""
    from vaegan_bench.cli.options import given_fields
    from vaegan_bench.registry.selectors import split_lists
    from vaegan_bench.study.study_file import load_study

    study = load_study(_default_study() if given["study"] == "auto" else given["study"], registry.studies)
    values = {key: given[key] for key in PLAIN if given[key] is not None}
    values |= {key: split_lists(given[key]) for key in LISTS if given[key]}
    values |= {key: _crossings(key, given[key]) for key in CROSSED if given[key]}
    values |= _optimizers(given["optimizer"] or [], study)
    values |= {"ablate": True} if given["ablate"] else {}
    values |= {"seeds": _seeds(given["seeds"])} if given["seeds"] is not None else {}
    fields = given_fields(registry, given["extractor"], given["fields"])
    chosen = study.with_fields(fields, "the flags").with_values(values, "the flags")
    _refuse_idle(given["extractor"], chosen.metrics, registry)
    return chosen


def _refuse_idle(extractor: str | None, metrics: Sequence[str], registry: Registry) -> None:
    """Refuse an extractor that no metric takes."""
    from vaegan_bench.cli.options import extractor_fields
    from vaegan_bench.registry.selectors import parse_selector
    from vaegan_bench.system.errors import StudyError

    names = [parse_selector(metric).name for metric in metrics]
    if extractor is not None and extractor_fields(registry, extractor).keys().isdisjoint(names):
        raise StudyError(
            f"--extractor {extractor}: no effect on {', '.join(names)}, which do not take it. Leave it out."
        )


def _default_study() -> str:
    import torch

    return "standard" if torch.cuda.is_available() else "quick"


def _seeds(text: str) -> int | list[int]:
    from vaegan_bench.system.errors import StudyError

    try:
        numbers = [int(part) for part in text.removesuffix(",").split(",")]
    except ValueError as error:
        raise StudyError(
            f"--seeds takes a number of seeds (3), the seeds (0,4,7) or a single one (7,), not '{text[:40]}'."
        ) from error
    return numbers if "," in text else numbers[0]


def _optimizers(texts: Sequence[str], study: Study) -> dict[str, Any]:
    """The keys of a study that --optimizer replaces. For one player, its name and '=' stand before any bracket."""
    from vaegan_bench.system.errors import StudyError

    found = dict[str, str]()
    for text in texts:
        of_player = "=" in text.partition("[")[0]
        player, selector = map(str.strip, text.split("=", 1)) if of_player else ("", text.strip())
        if not selector or (of_player and not player):
            raise StudyError(f"--optimizer takes a selector, or player=selector, not '{text}'.")
        if player in found:
            raise StudyError(f"--optimizer is given twice for {player or 'all players'}.")
        found[player] = selector
    shared = {"optimizer": found.pop("")} if "" in found else {}
    return {**shared, "optimizers": {**study.optimizers, **found}}


def _crossings(key: str, texts: Sequence[str]) -> dict[str, list[str]]:
    from vaegan_bench.registry.selectors import split_list
    from vaegan_bench.system.errors import StudyError

    crossed: dict[str, list[str]] = {}
    for text in texts:
        name, equals, selectors = text.partition("=")
        if not equals or not selectors:
            raise StudyError(f"{CROSSED[key]}, not '{text}'.")
        crossed.setdefault(name.strip(), []).extend(split_list(selectors))
    return crossed
