"""`vaegan-bench evaluate`: finished runs again, or two folders of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.fields import (
    CacheDirOption,
    DataDirOption,
    ExtractorOption,
    Fields,
    PluginFiles,
    WeightsOption,
)
from vaegan_bench.cli.terminal import terminal
from vaegan_bench.study.study import MOST
from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from vaegan_bench.api import Metric, Progress
    from vaegan_bench.evaluation.settings import EvaluationSettings
    from vaegan_bench.evaluation.shared import SharedShelf
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.results.run_folder import RunFolder
    from vaegan_bench.training.loading import DataShelf

OF_RUNS = "frechet,inception-score,kid,precision-recall,memorisation,reconstruction,feature-distance,latent-health"
OF_FOLDERS = "frechet,inception-score,kid,precision-recall,memorisation"
OF_RUNS_ALONE = {"samples": "--samples", "draws": "--draws", "data_dir": "--data-dir"}
"""Options that mean nothing to folders of images."""
SUFFIXES = (".csv", ".parquet", ".json")


def evaluate(
    context: typer.Context,
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of finished runs.", metavar="RUN", parser=user_path),
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics by selector, comma-separated.")] = None,
    samples: Annotated[
        int, typer.Option(min=2, max=MOST["samples"], help="Samples per run, and held-out images at most.")
    ] = 2000,
    draws: Annotated[int, typer.Option(min=1, max=MOST["draws"], help="Independent sets of samples per run.")] = 1,
    extractor: ExtractorOption = None,
    inception_weights: WeightsOption = None,
    real: Annotated[
        Path | None, typer.Option(help="A folder of real images, to measure --fake against.", parser=user_path)
    ] = None,
    fake: Annotated[
        Path | None, typer.Option(help="A folder of generated images, of any generator.", parser=user_path)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the rows to this file: .csv, .parquet or .json.", parser=user_path)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    plugin: PluginFiles = None,
) -> None:
    """Measure finished runs again without training, or one folder of images against another.

    Examples: `vaegan-bench evaluate results/quick/vae* --extractor inception --samples 5000 --draws 3`,
    `vaegan-bench evaluate results/quick/vae* --metrics attribute-vectors`,
    `vaegan-bench evaluate --real photos --fake generated --out rows.json`
    """

    from vaegan_bench.cli.fields import extractor_fields, look_for_data_in
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.evaluation.folders import refuse_metrics_of_models
    from vaegan_bench.evaluation.settings import EvaluationSettings
    from vaegan_bench.evaluation.shared import SharedShelf
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.registry.selectors import split_list
    from vaegan_bench.report import tables
    from vaegan_bench.study.plan import metric_of
    from vaegan_bench.system.attempts import Attempts
    from vaegan_bench.system.device import choose_device
    from vaegan_bench.system.paths import default_cache

    _check_arguments(context, bool(runs), (real, fake), out)
    look_for_data_in(data_dir)
    registry = Registry(plugin or [])
    fields = extractor_fields(registry, extractor, inception_weights)
    named = split_list(metrics or (OF_RUNS if runs else OF_FOLDERS))
    chosen = [metric_of(registry, text, fields) for text in named]
    _refuse_idle_extractors(chosen, extractor, inception_weights, fields)
    console = terminal()
    progress = TerminalProgress(console)
    shelf = SharedShelf(cache_dir or default_cache(), choose_device(device), progress)
    with progress:
        if real and fake:
            refuse_metrics_of_models(chosen)
            rows, problems = _rows_of_folders(real, fake, chosen, shelf, console)
        else:
            rows, problems = _rows_of_runs(
                runs or [], EvaluationSettings(chosen, samples, draws), registry, shelf, progress
            )
    attempts = Attempts(f"{metric} gave no numbers: {reason}" for metric, reason in problems.items())
    if out is not None and not rows.empty:
        with attempts.part("--out"):
            _write_rows(rows, out)
            console.print(f"Rows: {out}", markup=False, highlight=False, soft_wrap=True)
    if not rows.empty:
        console.print(tables.to_rich(rows))
    attempts.conclude()


def _check_arguments(
    context: typer.Context, has_runs: bool, folders: tuple[Path | None, Path | None], out: Path | None
) -> None:
    """Refuse what cannot be measured, options without effect, and a file that cannot be written, before all else."""
    from vaegan_bench.system.errors import StoreError, StudyError

    if has_runs == any(folders) or (any(folders) and None in folders):
        raise StudyError("Name the runs to evaluate, or two folders of images with --real and --fake.")
    given = [name for key, name in OF_RUNS_ALONE.items() if _is_given(context, key)]
    if given and not has_runs:
        raise StudyError(f"{' and '.join(given)}: without effect on folders, whose images are all measured once.")
    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise StudyError(f"--out {out}: rows are written as {', '.join(SUFFIXES)}, by the suffix of the file.")
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise StoreError(f"--out {out}: {'that is a folder' if out.is_dir() else f'there is no folder {out.parent}'}.")


def _is_given(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_idle_extractors(
    metrics: Sequence[Metric], extractor: str | None, weights: Path | None, fields: Fields
) -> None:
    """Raise `StudyError` where no metric takes the given extractor, or none uses Inception, whose weights are given."""
    from vaegan_bench.registry.plugins import plugins_within
    from vaegan_bench.system.errors import StudyError

    names = ", ".join(metric.name for metric in metrics)
    if extractor is not None and not any(metric.name in fields for metric in metrics):
        raise StudyError(f"--extractor {extractor}: without effect on {names}.")
    used = {plugin.name for metric in metrics for plugin in plugins_within(metric)}
    if weights is not None and "inception" not in used:
        raise StudyError(f"--inception-weights: {names} do not use Inception here; add --extractor inception.")


def _write_rows(rows: pd.DataFrame, path: Path) -> None:
    """Write rows as csv, parquet or json, by the suffix; in json the protocol is an object, and what is absent null."""
    import json

    from vaegan_bench.system.files import whole_file

    with whole_file(path) as partial:
        if path.suffix.lower() == ".csv":
            rows.to_csv(partial, index=False)
        elif path.suffix.lower() == ".parquet":
            rows.to_parquet(partial, index=False)
        else:
            plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
            told = [{**row, "protocol": json.loads(row["protocol"])} for row in plain]
            partial.write_text(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def _rows_of_runs(
    paths: list[Path], settings: EvaluationSettings, registry: Registry, shared: SharedShelf, progress: Progress
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure each run and add the numbers to its folder; return what was measured, and what gave no numbers.

    A run that cannot be measured costs the others nothing.
    """
    import pandas as pd

    from vaegan_bench.api import BenchError, ExtractorError
    from vaegan_bench.results.run_folder import RunFolder
    from vaegan_bench.training.loading import DataShelf

    shelf, keys = DataShelf(shared.cache, progress), settings.keys
    rows, problems = list[dict[str, Any]](), dict[str, str]()
    folders = [RunFolder(path) for path in paths]
    for folder in (each for each in folders if not each.is_there):
        folder.record()  # a folder without a run is a mistake, and is told before anything is measured
    for folder in folders:
        try:
            _measure(folder, settings, registry, shared, shelf)
            rows += [row for row in folder.rows(keys) if row["planned"]]
            problems |= {f"{folder.path.name}: {name}": why for name, why in folder.problems(keys).items()}
        except ExtractorError:  # no run can be measured without it
            raise
        except BenchError as error:
            problems[str(folder.path)] = str(error)
    return pd.DataFrame(rows), problems


def _measure(
    folder: RunFolder, settings: EvaluationSettings, registry: Registry, shared: SharedShelf, shelf: DataShelf
) -> None:
    """Measure one run. Raises `BenchError` for one that cannot be measured here."""
    from vaegan_bench.api import StoreError
    from vaegan_bench.evaluation.shared import open_extractors
    from vaegan_bench.execution.execution import measure_run, stored_run

    record = folder.record()
    if record["status"] != "ok":
        raise StoreError(f"{folder.path} {record['status']}: there is nothing to measure.")
    run = stored_run(folder, registry)
    data = shelf.get(run)
    if data.digest != record["data"]:
        raise StoreError(f"{folder.path} was trained on other images than '{run.dataset}' holds here.")
    open_extractors(settings.metrics, shared.of(data))
    measure_run(run, folder, shared.of(data), settings)


def _rows_of_folders(
    real: Path, fake: Path, metrics: Sequence[Metric], shelf: SharedShelf, console: Console
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure the images of one folder against those of another; return rows, and what gave no numbers."""
    import pandas as pd

    from vaegan_bench.evaluation.folders import FolderOutputs, differences, folder_data, read_folder
    from vaegan_bench.evaluation.measuring import measure
    from vaegan_bench.evaluation.shared import open_extractors
    from vaegan_bench.results.rows import tidy

    sides = {side: read_folder(path, shelf.progress) for side, path in {"real": real, "fake": fake}.items()}
    told = [f"{side}: {folder}" for side, folder in sides.items()]
    for line in [*told, *([warning] if (warning := differences(sides["real"], sides["fake"])) else [])]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    shared = shelf.of(folder_data(sides["real"].images_NCHW))
    open_extractors(metrics, shared)
    measured = measure([FolderOutputs(shared, sides["fake"].images_NCHW)], metrics, split=str(real))
    facts = {key: fact for side, folder in sides.items() for key, fact in folder.facts(side).items()}
    rows = [{**row, "protocol": {**row["protocol"], **facts}} for row in measured.rows]
    run = {"run": str(fake), "model": fake.name, "dataset": real.name, "seed": 0, "status": "ok", "health": "ok"}
    return pd.DataFrame(tidy({**run, "remarks": "; ".join(told)}, rows)), measured.problems
