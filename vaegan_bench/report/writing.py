"""Write what a study found: tables, plots and image sheets, from what is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vaegan_bench.report import plots, tables
from vaegan_bench.report.figures import IMAGES, NUMBERS, Drawing, image_figures, number_figures
from vaegan_bench.results.measurements import Images
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.attempts import Attempts
from vaegan_bench.system.errors import FAILURES, StoreError
from vaegan_bench.system.files import remove, whole_file

Array = np.ndarray[Any, np.dtype[np.uint8]]

COLUMNS = 8
"""Images per row of a run's grids."""
TABLES = ("results.csv", "results.parquet", "summary.md", "attributes.md")
BY_ATTRIBUTE = "Attributes one by one: [attributes.md](attributes.md)."


def write_report(folder: StudyFolder) -> list[Path]:
    """Write the tables and all figures; return their paths.

    Raises `IncompleteError` at the end, with the rest written, where some of them could not be.
    """
    attempts = Attempts()
    for what, write in (("tables", write_tables), ("figures", write_plots), ("images", write_samples)):
        with attempts.part(what):
            write(folder)
    attempts.conclude()
    return written(folder)


def written(folder: StudyFolder) -> list[Path]:
    """The tables and figures that are in a study's folder now."""
    tables = [folder.path / name for name in TABLES]
    return [path for path in (*tables, *sorted(folder.path.glob("*.png"))) if path.is_file()]


def write_tables(folder: StudyFolder) -> list[Path]:
    """Write the tidy rows, the summary, and a page on single attributes where they were measured."""
    rows = folder.rows()
    study = folder.study()["study"]
    title = f"{study['name']}: {study['description']}"
    csv, parquet, summary, attributes = (folder.path / name for name in TABLES)
    with whole_file(csv) as partial:
        rows.to_csv(partial, index=False)
    with whole_file(parquet) as partial:
        rows.to_parquet(partial, index=False)
    single = tables.attributes_to_markdown(rows, title)
    body = [tables.to_markdown(rows, title).rstrip(), "", *([BY_ATTRIBUTE, ""] if single else [])]
    missing = [*_not_measured(folder), *_left_out(folder)]
    with whole_file(summary) as partial:
        partial.write_text("\n".join([*body, *_setting(study), *_data(folder), *missing]), "utf-8")
    remove(attributes)
    if single:
        with whole_file(attributes) as partial:
            partial.write_text(single, "utf-8")
    return [path for path in (csv, parquet, summary, attributes) if path.is_file()]


def _setting(study: Mapping[str, Any]) -> list[str]:
    """What all models shared, and what the study set for each, as lines of markdown."""
    shared = (
        "size",
        "split",
        "networks",
        "steps",
        "batch",
        "optimizer",
        "ema",
        "precision",
        "device",
        "samples",
        "draws",
    )
    lines = ["## Setting", "", *(f"- {name}: `{study[name]}`" for name in shared)]
    for plugin, fields in study["fields"].items():
        values = ",".join(f"{field}={value}" for field, value in fields.items())
        lines.append(f"- `{plugin}` here means `{plugin}[{values}]`, unless a label says otherwise")
    return [*lines, ""]


def _data(folder: StudyFolder) -> list[str]:
    """How many images of each data set there were, which were left out, and the digest, as lines of markdown."""
    told = {
        dataset: [record["images"], *record["remarks"], f"digest `{record['data']}`"]
        for dataset, record in folder.by_dataset().items()
    }
    return ["## Data", "", *(f"- {dataset}: {'; '.join(remarks)}" for dataset, remarks in told.items()), ""]


def _not_measured(folder: StudyFolder) -> list[str]:
    """Which numbers are missing for which runs, and why, as lines of markdown."""
    lines = [f"- `{run}`: `{metric}`: {reason}" for run, metric, reason in folder.not_measured()]
    return ["## Not measured", "", *lines, ""] if lines else []


def _left_out(folder: StudyFolder) -> list[str]:
    """Which runs are in no table and no figure because of damage, as lines of markdown."""
    lines = [f"- `{run}`: {reason}" for run, reason in folder.left_out().items()]
    return ["## Left out", "", *lines, ""] if lines else []


def write_plots(folder: StudyFolder) -> list[Path]:
    """Write the figures of numbers: learning curves, metrics with every seed as a dot, attributes, codes.

    Raises `IncompleteError` at the end, with the others written, where some could not be drawn.
    """
    return _save_all(number_figures(folder), folder.path, NUMBERS)


def write_samples(folder: StudyFolder) -> list[Path]:
    """Write each run's grids, and the sheets of images of all models side by side.

    Raises `IncompleteError` at the end, with the others written, where some could not be drawn.
    """
    attempts, grids = Attempts(), list[Path]()
    for run in folder.finished():
        with attempts.part(f"grids of {run.path.name}"):
            grids += _write_grids(run.path, run.images())
    with attempts.part("sheets"):
        grids += _save_all(image_figures(folder), folder.path, IMAGES)
    attempts.conclude()
    return grids


def _write_grids(path: Path, kept: Images) -> list[Path]:
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
    """Rows of `above` and `below` in turn, `columns` images each; (2N, H, W, C)."""
    n = len(above) // columns * columns
    rows = [part[:n].reshape(-1, columns, *part.shape[1:]) for part in (above, below)]
    return np.stack(rows, axis=1).reshape(-1, *above.shape[1:])


def _save_all(drawings: Mapping[str, Drawing], folder: Path, names: Iterable[str]) -> list[Path]:
    """Write the figures; of those that go by `names` and are not drawn now, no older one stays.

    Raises `IncompleteError` at the end, with the others written, where some could not be drawn.
    """
    for older in (path for name in names for path in folder.glob(f"{name}*.png")):
        if older.stem not in drawings:
            remove(older)
    attempts = Attempts()
    for name, draw in drawings.items():
        with attempts.part(f"{name}.png"):
            _save(draw, folder / f"{name}.png")
    attempts.conclude()
    return [folder / f"{name}.png" for name in drawings]


def _save(draw: Drawing, path: Path) -> None:
    """Draw a figure and write it; where it cannot be drawn, no older one stays."""
    try:
        figure = draw()
        with whole_file(path) as partial:
            figure.savefig(partial, format="png")
    except StoreError:
        raise
    except FAILURES:
        remove(path)
        raise


def save_grid(images: Array, columns: int, path: Path) -> Path:
    """Write (N, H, W, C) uint8 images as one grid, each pixel doubled. Raises `StoreError` if it cannot."""
    pixels = plots.grid(images, columns)
    height, width = pixels.shape[:2]
    doubled = Image.fromarray(pixels.squeeze()).resize((2 * width, 2 * height), Image.Resampling.NEAREST)
    try:
        with whole_file(path) as partial:
            doubled.save(partial, format=Image.registered_extensions()[path.suffix.lower()])
    except KeyError as error:
        raise StoreError(f"Cannot write the image {path}: choose a name that ends in .png.") from error
    return path
