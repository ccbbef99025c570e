"""Write what a study found: tables, plots and picture sheets, from what is on disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from vaegan_bench import plots, tables
from vaegan_bench.errors import StoreError
from vaegan_bench.store import Pictures, StudyFolder, whole_file

Array = np.ndarray[Any, np.dtype[np.uint8]]

COLUMNS = 8
"""Pictures per row of a run's grids."""


def write_report(folder: StudyFolder) -> list[Path]:
    """Write results.csv, results.parquet, summary.md and all figures; return their paths."""
    return [*write_tables(folder), *write_plots(folder), *write_samples(folder)]


def write_tables(folder: StudyFolder) -> list[Path]:
    """Write the tidy rows and the summary."""
    rows = folder.rows()
    study = folder.study()["study"]
    paths = [folder.path / name for name in ("results.csv", "results.parquet", "summary.md")]
    with whole_file(paths[0]) as partial:
        rows.to_csv(partial, index=False)
    with whole_file(paths[1]) as partial:
        rows.to_parquet(partial, index=False)
    body = tables.to_markdown(rows, title=f"{study['name']}: {study['description']}")
    with whole_file(paths[2]) as partial:
        partial.write_text("\n".join([body.rstrip(), "", *_setting(study), *_not_measured(folder)]), "utf-8")
    return paths


def _setting(study: Mapping[str, Any]) -> list[str]:
    """What all models shared, and what the study set for each, as lines of markdown."""
    shared = ("size", "split", "networks", "steps", "batch", "optimizer", "ema", "precision", "device", "samples")
    lines = ["## Setting", "", *(f"- {name}: `{study[name]}`" for name in shared)]
    for plugin, fields in study["fields"].items():
        values = ",".join(f"{field}={value}" for field, value in fields.items())
        lines.append(f"- `{plugin}` here means `{plugin}[{values}]`, unless a label says otherwise")
    return [*lines, ""]


def _not_measured(folder: StudyFolder) -> list[str]:
    """Which metrics gave no numbers for which runs, and why, as lines of markdown."""
    problems = [(run.path.name, *problem) for run in folder.runs() for problem in run.problems().items()]
    lines = [f"- `{run}`: `{metric}`: {reason}" for run, metric, reason in problems]
    return ["## Not measured", "", *lines, ""] if lines else []


def write_plots(folder: StudyFolder) -> list[Path]:
    """Write the learning curves and the metrics, with every seed as a dot."""
    return _save_all(curve_figures(folder), folder.path, ("learning-curves", "metrics"))


def write_samples(folder: StudyFolder) -> list[Path]:
    """Write each run's grids, and the sheets of all models side by side."""
    grids = [path for run in folder.finished() for path in _write_grids(run.path, run.pictures())]
    return [*grids, *_save_all(sheet_figures(folder), folder.path, ("samples", "reconstructions"))]


def study_figures(folder: StudyFolder) -> dict[str, Figure]:
    """All figures of a study by name."""
    return {**curve_figures(folder), **sheet_figures(folder)}


def curve_figures(folder: StudyFolder) -> dict[str, Figure]:
    """The learning curves of each data set, and the metrics where there are any."""
    rows, history = folder.rows(), folder.history()
    models = list(dict.fromkeys(rows["model"]))
    datasets = rows["dataset"].unique()
    figures = {
        _named("learning-curves", name, len(datasets)): plots.learning_curves(
            _eventful(history[history["dataset"] == name]), models
        )
        for name in datasets
    }
    if (rows["direction"] != "none").any():
        figures["metrics"] = plots.metric_dots(rows, models)
    return figures


def _named(figure: str, dataset: str, datasets: int) -> str:
    """A figure's file name, with its data set where there are several."""
    plain = re.sub(r"[^\w.]+", "-", dataset.replace("×", "x")).strip("-")
    return f"{figure}-{plain}" if datasets > 1 else figure


def _eventful(history: pd.DataFrame) -> pd.DataFrame:
    """Without the shares of steps in which players moved where nobody ever rested: they say nothing."""
    always = history.groupby("term")["value"].transform("min") == 1
    return history[~(history["term"].str.startswith("moves of ") & always)]


def sheet_figures(folder: StudyFolder) -> dict[str, Figure]:
    """Per data set, samples on the same codes and reconstructions of the same pictures.

    Each model shows its first seed that has any.
    """
    models = list(dict.fromkeys(run.record()["label"] for run in folder.finished()))
    kept: dict[str, dict[str, Pictures]] = {}
    for run in folder.finished():
        record = run.record()
        if pictures := run.pictures():
            kept.setdefault(record["dataset"], {}).setdefault(record["label"], pictures)
    return {
        _named(name, dataset, len(kept)): sheet
        for dataset, pictures_by_model in kept.items()
        for name, sheet in _sheets(pictures_by_model, models).items()
    }


def _sheets(kept: Mapping[str, Pictures], models: Sequence[str]) -> dict[str, Figure]:
    """The sheets of one data set, from what each model kept."""
    originals = next(iter(kept.values()))["originals"]
    rebuilt = {label: p["reconstructions"] for label, p in kept.items() if "reconstructions" in p}
    samples = {label: p["samples"] for label, p in kept.items()}
    sheets = {"samples": plots.sample_sheet(samples, real=originals, models=models)}
    if rebuilt:
        sheets["reconstructions"] = plots.reconstruction_sheet(originals, rebuilt, models=models)
    return sheets


def _write_grids(path: Path, kept: Pictures) -> list[Path]:
    """samples.png and reconstructions.png of one run: originals in the odd rows, reconstructions below them."""
    paths = []
    if "samples" in kept:
        paths.append(save_grid(kept["samples"], COLUMNS, path / "samples.png"))
    if "reconstructions" in kept:
        columns = min(COLUMNS, len(kept["originals"]))
        pairs = interleaved(kept["originals"], kept["reconstructions"], columns)
        paths.append(save_grid(pairs, columns, path / "reconstructions.png"))
    return paths


def interleaved(above: Array, below: Array, columns: int) -> Array:
    """Rows of `above` and `below` in turn, `columns` pictures each; (2N, H, W, C)."""
    n = len(above) // columns * columns
    rows = [part[:n].reshape(-1, columns, *part.shape[1:]) for part in (above, below)]
    return np.stack(rows, axis=1).reshape(-1, *above.shape[1:])


def _save_all(figures: Mapping[str, Figure], folder: Path, names: Iterable[str]) -> list[Path]:
    """Write the figures; of those that go by `names` and are not drawn now, no older one stays."""
    paths = {folder / f"{name}.png": figure for name, figure in figures.items()}
    for older in (path for name in names for path in folder.glob(f"{name}*.png") if path not in paths):
        older.unlink(missing_ok=True)
    for path, figure in paths.items():
        with whole_file(path) as partial:
            figure.savefig(partial, format="png")
    return list(paths)


def save_grid(images: Array, columns: int, path: Path) -> Path:
    """Write (N, H, W, C) uint8 pictures as one grid, each pixel doubled. Raises `StoreError` if it cannot."""
    pixels = plots.grid(images, columns)
    height, width = pixels.shape[:2]
    doubled = Image.fromarray(pixels.squeeze()).resize((2 * width, 2 * height), Image.Resampling.NEAREST)
    try:
        with whole_file(path) as partial:
            doubled.save(partial, format=Image.registered_extensions()[path.suffix.lower()])
    except KeyError as error:
        raise StoreError(f"Cannot write the picture {path}: choose a name that ends in .png.") from error
    return path
