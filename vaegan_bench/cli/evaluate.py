"""`vaegan-bench evaluate`: measure finished runs again, two folders of images, or originals and reconstructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vaegan_bench.cli.options import (
    CacheDirOption,
    DataDirOption,
    DeviceOption,
    ExtractorOption,
    Fields,
    FieldsOption,
    PluginFiles,
    SamplerOption,
)
from vaegan_bench.cli.rows_file import check_rows_file, write_rows
from vaegan_bench.cli.terminal import say, terminal
from vaegan_bench.study.study import MOST
from vaegan_bench.system.paths import output_file, user_path

if TYPE_CHECKING:
    import pandas as pd

    from vaegan_bench.api import Metric, Sampler
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.results.run_folder import RunFolder

What = Literal["runs", "folders", "pairs"]
"""What can be measured: trained models, real and generated images, or originals and their reconstructions."""
OF_RUNS_ALONE = {"samples": "--samples", "draws": "--draws", "sampler": "--sampler", "data_dir": "--data-dir"}
"""Options that have no effect on folders of images."""
NAMED_BY: Mapping[What, tuple[str, ...]] = {
    "runs": ("runs",),
    "folders": ("real", "fake"),
    "pairs": ("originals", "reconstructions"),
}
"""What is measured → the arguments that name it, all of which are needed."""

RunsArgument = Annotated[
    list[Path] | None, typer.Argument(help="Folders of finished runs, or of studies.", metavar="RUN", parser=user_path)
]
MetricsOption = Annotated[list[str] | None, typer.Option(help="Metrics by selector, comma-separated.")]
SamplesOption = Annotated[
    int, typer.Option(min=2, max=MOST["samples"], help="Samples per run, and the largest number of held-out images.")
]
DrawsOption = Annotated[int, typer.Option(min=1, max=MOST["draws"], help="Independent sets of samples per run.")]
RealOption = Annotated[
    Path | None, typer.Option(help="A folder of real images, to measure --fake against.", parser=user_path)
]
FakeOption = Annotated[
    Path | None, typer.Option(help="A folder of generated images, of any generator.", parser=user_path)
]
OriginalsOption = Annotated[
    Path | None, typer.Option(help="A folder of images, to measure --reconstructions against.", parser=user_path)
]
ReconstructionsOption = Annotated[
    Path | None, typer.Option(help="A folder of the same images through any autoencoder.", parser=user_path)
]
OutOption = Annotated[
    Path | None, typer.Option(help="Write the rows to this file: .csv, .parquet or .json.", parser=output_file)
]


def evaluate(
    context: typer.Context,
    runs: RunsArgument = None,
    metrics: MetricsOption = None,
    samples: SamplesOption = 2000,
    draws: DrawsOption = 1,
    sampler: SamplerOption = "prior",
    extractor: ExtractorOption = None,
    fields: FieldsOption = None,
    real: RealOption = None,
    fake: FakeOption = None,
    originals: OriginalsOption = None,
    reconstructions: ReconstructionsOption = None,
    out: OutOption = None,
    device: DeviceOption = "auto",
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    plugin: PluginFiles = None,
) -> None:
    """Measure finished runs again without training, one folder of images against another, or reconstructions.

    Examples: `vaegan-bench evaluate results/quick/vae-s* --extractor inception --samples 5000 --draws 3`,
    `vaegan-bench evaluate results/quick --metrics attribute-vectors`,
    `vaegan-bench evaluate --real photos --fake generated --out rows.json`,
    `vaegan-bench evaluate --originals photos --reconstructions decoded --extractor inception`
    """
    from vaegan_bench.cli.options import given_fields, look_for_data_in, read_fields
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.study.resolver import refuse_idle_fields, sampler_of

    what = _check_arguments(context, out)
    look_for_data_in(data_dir)
    registry = Registry(plugin or [])
    given = given_fields(registry, extractor, fields)
    chosen, source = _metrics(context.params, registry, what, given), sampler_of(registry, sampler, given)
    refuse_idle_fields(read_fields(fields or []), [*chosen, *([source] if source else [])])
    with TerminalProgress(terminal()) as progress:
        rows, problems = _measure(context.params, what, chosen, source, registry, progress)
    _conclude(rows, problems, out)


def _metrics(given: Mapping[str, Any], registry: Registry, what: What, fields: Fields) -> list[Metric]:
    """The metrics that the command names, or the default ones, with the given fields.

    Raises `StudyError` where none of them takes the given extractor.
    """
    from vaegan_bench.cli.options import refuse_idle_extractor
    from vaegan_bench.registry.selectors import split_lists
    from vaegan_bench.study.resolver import metric_of

    named = split_lists(given["metrics"] or []) or _usual_metrics(registry, what)
    metrics = [metric_of(registry, each, fields) for each in named]
    refuse_idle_extractor(given["extractor"], named, fields)
    return metrics


def _usual_metrics(registry: Registry, what: What) -> list[str]:
    """The default metrics: all except those of attributes, whose extractors must be trained first.

    For folders, those of them that need no model; for pairs, those for which pairs suffice.
    """
    from vaegan_bench.study.resolver import metric_types

    usual = [metric for metric in metric_types(registry) if metric.family != "attributes"]
    if what == "folders":
        usual = [metric for metric in usual if not metric.needs_model]
    elif what == "pairs":
        usual = [metric for metric in usual if metric.pairs_suffice]
    return [metric.name for metric in usual]


def _measure(
    given: Mapping[str, Any],
    what: What,
    metrics: Sequence[Metric],
    sampler: Sampler | None,
    registry: Registry,
    progress: TerminalProgress,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of the given runs or folders, and metric → why it gave no numbers."""
    from vaegan_bench.evaluation.folders import measure_folders
    from vaegan_bench.evaluation.pairs import measure_pairs
    from vaegan_bench.evaluation.references import LoadedReferences
    from vaegan_bench.evaluation.settings import EvaluationSettings
    from vaegan_bench.execution.measured_again import measure_again
    from vaegan_bench.system.device import choose_device
    from vaegan_bench.system.paths import default_cache

    references = LoadedReferences(given["cache_dir"] or default_cache(), choose_device(given["device"]), progress)
    if what == "runs":
        settings = EvaluationSettings(metrics, given["samples"], given["draws"], sampler)
        return measure_again([run for path in given["runs"] for run in _runs_in(path)], settings, registry, references)
    if what == "pairs":
        return measure_pairs(given["originals"], given["reconstructions"], metrics, references, say)
    return measure_folders(given["real"], given["fake"], metrics, references, say)


def _runs_in(path: Path) -> list[RunFolder]:
    """The run of a folder, or every run of a study's plan. Raises `StoreError` where no run has ended there."""
    from vaegan_bench.results.run_folder import RunFolder
    from vaegan_bench.results.study_folder import STUDY, StudyFolder
    from vaegan_bench.system.files import stamp_of

    if stamp_of(path / STUDY):
        return StudyFolder(path).all_runs()
    run = RunFolder(path)
    if not run.has_ended:
        run.record()  # raises with the reason
    return [run]


def _conclude(rows: pd.DataFrame, problems: Mapping[str, str], out: Path | None) -> None:
    """Write and print the rows. Raises `IncompleteError` where numbers are missing, or a file cannot be written."""
    from vaegan_bench.report import tables
    from vaegan_bench.system.attempts import Attempts

    attempts = Attempts(f"{metric} gave no numbers: {reason}" for metric, reason in problems.items())
    if out is not None and not rows.empty:
        with attempts.part("--out"):
            write_rows(rows, out)
            say(f"Rows: {out}")
    if not rows.empty:
        terminal().print(tables.to_rich(rows))
    attempts.conclude()


def _check_arguments(context: typer.Context, out: Path | None) -> What:
    """What to measure. Refuses, before all else, options without effect and a file of no known format."""
    from vaegan_bench.system.errors import StudyError

    named = {what: [bool(context.params[key]) for key in keys] for what, keys in NAMED_BY.items()}
    chosen = [what for what, keys in named.items() if any(keys)]
    if len(chosen) != 1 or not all(named[chosen[0]]):
        raise StudyError(
            "Name the runs to evaluate, or two folders of images: --real and --fake, or --originals and "
            "--reconstructions."
        )
    given = [name for key, name in OF_RUNS_ALONE.items() if _is_given(context, key)]
    if given and chosen != ["runs"]:
        raise StudyError(
            f"{' and '.join(given)}: no effect on folders, whose images are all measured once. Leave it out."
        )
    if out is not None:
        check_rows_file(out)
    return chosen[0]


def _is_given(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"
