"""Write what a study found: tables, figures, image grids and the page, from what is on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from PIL import Image

from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import tables
from vaegan_bench.report.exhibits import Drawing
from vaegan_bench.report.figures import image_figures, number_figures
from vaegan_bench.report.image_grids import write_grids
from vaegan_bench.report.page.page import PAGE, write_page
from vaegan_bench.report.summary import summary_page, title_of
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.system.attempts import Attempts
from vaegan_bench.system.claims import claimed
from vaegan_bench.system.errors import FAILURES, StoreError
from vaegan_bench.system.files import remove, replace_file

SOFTWARE = "vaegan-bench"
"""The software that figures name in their metadata, which distinguishes them from the user's own images."""
TABLES = ("results.csv", "results.parquet", "summary.md", "attributes.md")


def write_report(folder: StudyFolder, registry: Registry) -> list[Path]:
    """Write the tables, all figures and the page; return their paths.

    `registry` knows the plugins of the runs, for models that run in the page.
    One process at a time does it, so that the latest report is of the latest results. Raises `IncompleteError` at the
    end, with the rest written, if some of them could not be.
    """
    attempts, numbers = Attempts(), dict[str, Drawing]()
    with ExitStack() as held:
        with attempts.part("report"):
            held.enter_context(claimed(folder.path / TABLES[0]))
        attempts.conclude()
        with attempts.part("tables"):
            write_tables(folder)
        with attempts.part("figures"):
            # Each is drawn once, for its file and for the page.
            numbers |= {name: cache(draw) for name, draw in number_figures(folder).items()}
            _save_all(numbers, folder)
        with attempts.part("images"):
            current = {*numbers, *write_samples(folder)}
            # Archived runs lack the data that figures are drawn from: older figures stay.
            if not folder.is_archived:
                _remove_older(folder, current)
        with attempts.part("page"):
            if not (folder.is_archived and (folder.path / PAGE).is_file()):  # it shows images and runs models
                write_page(folder, registry, numbers)
    attempts.conclude()
    return report_files(folder)


def report_files(folder: StudyFolder) -> list[Path]:
    """The page, the tables and the figures that are in a study's folder now."""
    tables = [folder.path / name for name in (PAGE, *TABLES)]
    return [path for path in (*tables, *sorted(folder.path.glob("*.png"))) if path.is_file()]


def write_tables(folder: StudyFolder) -> None:
    """Write the tidy rows, the summary, and a page on single attributes where they were measured."""
    rows = folder.rows()
    csv, parquet, summary, attributes = (folder.path / name for name in TABLES)
    with replace_file(csv) as partial:
        rows.to_csv(partial, index=False)
    with replace_file(parquet) as partial:
        rows.to_parquet(partial, index=False)
    single = tables.attributes_to_markdown(rows, title_of(folder.study().study))
    _write_page(summary, summary_page(folder, rows, has_attributes=bool(single)))
    _write_page(attributes, single)


def write_samples(folder: StudyFolder) -> set[str]:
    """Write each run's grids, and the sheets of images of all models side by side; return the names of the sheets.

    Raises `IncompleteError` at the end, with the others written, if some could not be drawn.
    """
    attempts, sheets = Attempts(), dict[str, Drawing]()
    for run in folder.shown():
        with attempts.part(f"grids of {run.path.name}"):
            if images := run.images():
                write_grids(run.path, images)
    with attempts.part("sheets"):
        sheets |= image_figures(folder)
        _save_all(sheets, folder)
    attempts.conclude()
    return set(sheets)


def _write_page(path: Path, text: str) -> None:
    """Write a page; an empty one is removed."""
    if not text:
        remove(path)
        return
    with replace_file(path) as partial:
        partial.write_text(text, "utf-8")


def _save_all(drawings: Mapping[str, Drawing], folder: StudyFolder) -> None:
    """Write figures. Raises `IncompleteError` at the end, with the others written, if some could not be drawn."""
    attempts = Attempts()
    for name, draw in drawings.items():
        with attempts.part(f"{name}.png"):
            _save(draw, folder.path / f"{name}.png")
    attempts.conclude()


def _remove_older(folder: StudyFolder, current: Collection[str]) -> None:
    """Remove figures that the study had and has no more; other images in its folder stay."""
    for path in folder.path.glob("*.png"):
        if path.stem not in current and _is_figure(path):
            remove(path)


def _is_figure(path: Path) -> bool:
    """Whether this package wrote an image as a figure."""
    try:
        with Image.open(path) as image:
            return image.info.get("Software") == SOFTWARE
    except OSError:
        return False


def _save(draw: Drawing, path: Path) -> None:
    """Draw a figure and write it; where it cannot be drawn, no older one stays."""
    try:
        figure = draw()
        with replace_file(path) as partial:
            figure.savefig(partial, format="png", metadata={"Software": SOFTWARE})
    except StoreError:
        raise
    except FAILURES:
        remove(path)
        raise
