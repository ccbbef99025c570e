"""`vaegan-bench evaluate`: finished runs again, or two folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from vaegan_bench.api import Metric, Progress
    from vaegan_bench.evaluation.outputs import Shared
    from vaegan_bench.registry import Registry

OF_RUNS = "frechet,inception-score,kid,precision-recall,reconstruction"
OF_FOLDERS = "frechet,inception-score,kid,precision-recall"


def evaluate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Folders of finished runs."),
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Metrics by selector, comma-separated.")] = None,
    samples: Annotated[int, typer.Option(min=2, help="Samples per run, and held-out pictures at most.")] = 2000,
    real: Annotated[Path | None, typer.Option(help="A folder of real pictures, to measure --fake against.")] = None,
    fake: Annotated[Path | None, typer.Option(help="A folder of generated pictures, of any generator.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    cache_dir: Annotated[Path | None, typer.Option(help="Where prepared data are kept.")] = None,
    plugin: Annotated[list[Path] | None, typer.Option(help="A plugin file; repeatable.")] = None,
) -> None:
    """Measure finished runs again without training, or one folder of pictures against another.

    Examples: `vaegan-bench evaluate results/quick/vae* --metrics "frechet[extractor=oracle]" --samples 5000`,
    `vaegan-bench evaluate --real photos --fake generated`
    """
    from rich.console import Console

    from vaegan_bench import tables
    from vaegan_bench.api import Metric, StudyError
    from vaegan_bench.device import choose_device
    from vaegan_bench.progress import TerminalProgress
    from vaegan_bench.registry import Registry
    from vaegan_bench.results import default_cache
    from vaegan_bench.selectors import split_list

    folders = (real, fake)
    if bool(runs) == any(folders) or (any(folders) and None in folders):
        raise StudyError("Name the runs to evaluate, or two folders of pictures with --real and --fake.")
    registry = Registry(plugin or [])
    chosen = [registry.build(Metric, text) for text in split_list(metrics or (OF_RUNS if runs else OF_FOLDERS))]
    console = Console()
    progress = TerminalProgress(console)
    where = cache_dir or default_cache(), choose_device(device)
    with progress:
        if real and fake:
            rows = _rows_of_folders(real, fake, chosen, *where, progress)
        else:
            rows = _rows_of_runs(runs or [], chosen, samples, registry, *where, progress)
    console.print(tables.to_rich(rows))


def _rows_of_runs(
    paths: list[Path],
    metrics: Sequence[Metric],
    samples: int,
    registry: Registry,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> pd.DataFrame:
    """Measure each run, keep its numbers in its folder, and return the rows of all."""
    import pandas as pd

    from vaegan_bench.api import StoreError
    from vaegan_bench.evaluation.outputs import Shared
    from vaegan_bench.execution import measure_run, run_of
    from vaegan_bench.store import RunFolder, StudyFolder
    from vaegan_bench.training.loading import DataShelf

    shelf = DataShelf(cache, progress)
    shared: dict[str, Shared] = {}
    stored = [RunFolder(path) for path in paths]
    for folder in stored:
        record = folder.record()
        if record["status"] != "ok":
            raise StoreError(f"{folder.path} {record['status']}: there is nothing to measure.")
        run = run_of(record, registry)
        data = shelf.get(run)
        if data.digest != record["data"]:
            raise StoreError(f"{folder.path} was trained on other pictures than '{run.dataset}' holds here.")
        if data.digest not in shared:
            shared[data.digest] = Shared(data, cache, device, progress)
        with StudyFolder(folder.path.parent).locked():
            measure_run(run, folder, shared[data.digest], metrics, samples)
    return pd.DataFrame([row for folder in stored for row in folder.rows()])


def _rows_of_folders(
    real: Path, fake: Path, metrics: Sequence[Metric], cache: Path, device: torch.device, progress: Progress
) -> pd.DataFrame:
    """Measure the pictures of one folder against those of another."""
    import json

    import pandas as pd

    from vaegan_bench.api import BenchError
    from vaegan_bench.evaluation.folders import FolderOutputs, folder_data, read_folder
    from vaegan_bench.evaluation.measuring import measure
    from vaegan_bench.evaluation.outputs import Shared

    shared = Shared(folder_data(read_folder(real, progress)), cache, device, progress)
    measured = measure(FolderOutputs(shared, read_folder(fake, progress)), metrics, split=str(real))
    if measured.problems:
        raise BenchError("; ".join(f"{metric}: {reason}" for metric, reason in measured.problems.items()))
    run = {"run": str(fake), "model": fake.name, "dataset": real.name, "seed": 0, "status": "ok"}
    return pd.DataFrame(
        [{**run, **row, "protocol": json.dumps(row["protocol"], sort_keys=True)} for row in measured.rows]
    )
