"""`vaegan-bench evaluate`: finished runs again, or two folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.fields import CacheDirOption, DataDirOption, ExtractorOption, PluginFiles, WeightsOption

if TYPE_CHECKING:
    import pandas as pd

    from vaegan_bench.api import Metric, Progress
    from vaegan_bench.evaluation.measuring import Protocol
    from vaegan_bench.evaluation.shared import SharedShelf
    from vaegan_bench.registry import Registry
    from vaegan_bench.store import RunFolder
    from vaegan_bench.training.loading import DataShelf

OF_RUNS = "frechet,inception-score,kid,precision-recall,memorisation,reconstruction,feature-distance,latent-health"
OF_FOLDERS = "frechet,inception-score,kid,precision-recall,memorisation"


def evaluate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Folders of finished runs."),
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics by selector, comma-separated.")] = None,
    samples: Annotated[int, typer.Option(min=2, help="Samples per run, and held-out pictures at most.")] = 2000,
    draws: Annotated[int, typer.Option(min=1, help="Independent sets of samples per run.")] = 1,
    extractor: ExtractorOption = None,
    inception_weights: WeightsOption = None,
    real: Annotated[Path | None, typer.Option(help="A folder of real pictures, to measure --fake against.")] = None,
    fake: Annotated[Path | None, typer.Option(help="A folder of generated pictures, of any generator.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    plugin: PluginFiles = None,
) -> None:
    """Measure finished runs again without training, or one folder of pictures against another.

    Examples: `vaegan-bench evaluate results/quick/vae* --extractor inception --samples 5000 --draws 3`,
    `vaegan-bench evaluate results/quick/vae* --metrics attribute-vectors`,
    `vaegan-bench evaluate --real photos --fake generated`
    """
    from rich.console import Console

    from vaegan_bench import tables
    from vaegan_bench.api import BenchError, Metric, StudyError
    from vaegan_bench.cli.fields import extractor_fields, look_for_data_in
    from vaegan_bench.device import choose_device
    from vaegan_bench.evaluation.measuring import Protocol
    from vaegan_bench.evaluation.shared import SharedShelf
    from vaegan_bench.progress import TerminalProgress
    from vaegan_bench.registry import Registry
    from vaegan_bench.results import default_cache
    from vaegan_bench.selectors import split_list

    folders = (real, fake)
    if bool(runs) == any(folders) or (any(folders) and None in folders):
        raise StudyError("Name the runs to evaluate, or two folders of pictures with --real and --fake.")
    look_for_data_in(data_dir)
    registry = Registry(plugin or [])
    fields = extractor_fields(registry, extractor, inception_weights)
    named = split_list(metrics or (OF_RUNS if runs else OF_FOLDERS))
    chosen = [registry.build(Metric, text, fields) for text in named]
    console = Console()
    progress = TerminalProgress(console)
    shelf = SharedShelf(cache_dir or default_cache(), choose_device(device), progress)
    with progress:
        if real and fake:
            rows, problems = _rows_of_folders(real, fake, chosen, shelf, progress)
        else:
            rows, problems = _rows_of_runs(runs or [], Protocol(chosen, samples, draws), registry, shelf, progress)
    if not rows.empty:
        console.print(tables.to_rich(rows))
    if problems:
        told = (f"{metric} gave no numbers: {reason.rstrip('.')}" for metric, reason in problems.items())
        raise BenchError("; ".join(told) + ".")


def _rows_of_runs(
    paths: list[Path], protocol: Protocol, registry: Registry, shared: SharedShelf, progress: Progress
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure each run and add the numbers to its folder; return what was measured, and what gave no numbers.

    A run that cannot be measured costs the others nothing.
    """
    import pandas as pd

    from vaegan_bench.api import BenchError, ExtractorError
    from vaegan_bench.store import RunFolder
    from vaegan_bench.store.rows import keys_of
    from vaegan_bench.training.loading import DataShelf

    shelf, keys = DataShelf(shared.cache, progress), keys_of(protocol)
    rows, problems = list[dict[str, Any]](), dict[str, str]()
    for folder in map(RunFolder, paths):
        try:
            _measure(folder, protocol, registry, shared, shelf)
            rows += [row for row in folder.rows(keys) if row["planned"]]
            problems |= {f"{folder.path.name}: {name}": why for name, why in folder.problems(keys).items()}
        except ExtractorError:  # no run can be measured without it
            raise
        except BenchError as error:
            problems[str(folder.path)] = str(error)
    return pd.DataFrame(rows), problems


def _measure(folder: RunFolder, protocol: Protocol, registry: Registry, shared: SharedShelf, shelf: DataShelf) -> None:
    """Measure one run. Raises `BenchError` for one that cannot be measured here."""
    from vaegan_bench.api import StoreError
    from vaegan_bench.evaluation.shared import open_extractors
    from vaegan_bench.execution import measure_run, stored_run

    record = folder.record()
    if record["status"] != "ok":
        raise StoreError(f"{folder.path} {record['status']}: there is nothing to measure.")
    run = stored_run(folder, registry)
    data = shelf.get(run)
    if data.digest != record["data"]:
        raise StoreError(f"{folder.path} was trained on other pictures than '{run.dataset}' holds here.")
    open_extractors(protocol.metrics, shared.of(data))
    measure_run(run, folder, shared.of(data), protocol)


def _rows_of_folders(
    real: Path, fake: Path, metrics: Sequence[Metric], shelf: SharedShelf, progress: Progress
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure the pictures of one folder against those of another; return rows, and what gave no numbers."""
    import pandas as pd

    from vaegan_bench.evaluation.folders import FolderOutputs, folder_data, read_folder
    from vaegan_bench.evaluation.measuring import measure
    from vaegan_bench.evaluation.shared import open_extractors
    from vaegan_bench.store import tidy

    shared = shelf.of(folder_data(read_folder(real, progress)))
    open_extractors(metrics, shared)
    measured = measure([FolderOutputs(shared, read_folder(fake, progress))], metrics, split=str(real))
    run = {"run": str(fake), "model": fake.name, "dataset": real.name, "seed": 0, "status": "ok", "health": "ok"}
    return pd.DataFrame(tidy(run, measured.rows)), measured.problems
