"""`vaegan-bench calibrate`: the meaning of an extractor's distances on a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.cli.options import CacheDirOption, DataDirOption, DeviceOption, FieldsOption, PluginFiles
from vaegan_bench.cli.terminal import say, table, terminal
from vaegan_bench.study.study import MOST
from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    from rich.table import Table

    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.results.rulers import Ruler

FILES = ("calibration.csv", "calibration.md", "calibration.png")
StudyArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A study's folder, or its name in results/: its data sets are used, and it keeps the rulers.",
        parser=user_path,
    ),
]
DatasetOption = Annotated[str | None, typer.Option(help="A data set by selector; by default avatars.")]
SizeOption = Annotated[int | None, typer.Option(min=8, max=MOST["size"], help="Pixels per side; by default 32.")]
ExtractorsOption = Annotated[
    str | None,
    typer.Option(help="Extractors by selector, comma-separated; by default those that work offline, or of the study."),
]
SamplesOption = Annotated[
    int | None,
    typer.Option(
        min=6, max=MOST["samples"], help="Images that are distorted; by default 2000, or as many samples as the study."
    ),
]
OutOption = Annotated[Path | None, typer.Option(help="Write tables and a figure into this folder.", parser=user_path)]


def calibrate(
    context: typer.Context,
    study: StudyArgument = None,
    dataset: DatasetOption = None,
    size: SizeOption = None,
    extractor: ExtractorsOption = None,
    samples: SamplesOption = None,
    out: OutOption = None,
    fields: FieldsOption = None,
    device: DeviceOption = "auto",
    data_dir: DataDirOption = None,
    cache_dir: CacheDirOption = None,
    plugin: PluginFiles = None,
) -> None:
    """Measure how far distorted images are from held-out ones, and judge whether an extractor sees a data set.

    The result is a ruler. With a study's folder, its rulers are kept there, and its tables are written again with
    readings.

    Examples: `vaegan-bench calibrate`, `vaegan-bench calibrate results/quick`,
    `vaegan-bench calibrate --dataset mnist5k --size 28 --extractor oracle --out digits`
    """
    from vaegan_bench.cli.options import asked_study, look_for_data_in
    from vaegan_bench.cli.progress import TerminalProgress
    from vaegan_bench.registry.plugins import Registry

    _check_arguments(study, dataset, size, out)
    look_for_data_in(data_dir)
    folder, registry = study and asked_study(study), Registry(plugin or [])
    with TerminalProgress(terminal()) as progress:
        rulers = _rulers({**context.params, "study": folder}, registry, progress)
    _conclude(rulers, folder, registry, out)


def _conclude(rulers: Sequence[Ruler], study: Path | None, registry: Registry, out: Path | None) -> None:
    """Print the rulers, and write tables and the report. Raises `IncompleteError` where a file cannot be written."""
    from vaegan_bench.report.writing import write_report
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.attempts import Attempts

    for ruler in rulers:
        terminal().print(_to_table(ruler))
    attempts = Attempts()
    if out is not None:
        with attempts.part("--out"):
            _write(rulers, out)
    if study is not None:
        with attempts.part("report"):
            write_report(StudyFolder(study), registry)
    attempts.conclude()


def _check_arguments(study: Path | None, dataset: str | None, size: int | None, out: Path | None) -> None:
    """Refuse contradicting options, and a folder that cannot be written, before anything is measured."""
    from vaegan_bench.system.errors import StoreError, StudyError

    if study is not None and (dataset, size) != (None, None):
        raise StudyError("A study has its own data sets and size: leave --dataset and --size out, or the study.")
    if out is not None and out.is_file():
        raise StoreError(f"--out {out}: that is a file, and tables and figure need a folder.")


def _rulers(given: Mapping[str, Any], registry: Registry, progress: TerminalProgress) -> list[Ruler]:
    """The rulers that the parameters of the command ask for; those of a study are kept in its folder."""
    from vaegan_bench.cli.options import read_fields
    from vaegan_bench.evaluation.references import LoadedReferences
    from vaegan_bench.execution.calibrated_study import RulerRequest, calibrate_dataset, calibrate_study
    from vaegan_bench.registry.selectors import split_list
    from vaegan_bench.results.study_folder import StudyFolder
    from vaegan_bench.system.device import choose_device
    from vaegan_bench.system.paths import default_cache

    fields = read_fields(given["fields"] or [])
    registry.check_fields(fields)
    request = RulerRequest(split_list(given["extractor"] or ""), fields, given["samples"])
    references = LoadedReferences(given["cache_dir"] or default_cache(), choose_device(given["device"]), progress)
    if given["study"] is None:
        return calibrate_dataset(given["dataset"] or "avatars", given["size"] or 32, request, registry, references)
    return calibrate_study(StudyFolder(given["study"]), request, registry, references)


def _to_table(ruler: Ruler) -> Table:
    from rich import box
    from rich.markup import escape

    from vaegan_bench.report.tables.calibration import COLUMNS, calibration_lines, sentence

    made = table(COLUMNS[0], box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    made.title, made.caption = escape(f"{ruler.extractor} on {ruler.dataset}"), escape(sentence(ruler))
    for name in COLUMNS[1:]:
        made.add_column(name, justify="right", overflow="fold")
    for line in calibration_lines(ruler):
        made.add_row(*map(escape, line))
    return made


def _write(rulers: Sequence[Ruler], out: Path) -> None:
    """Write the tables and the figure, and print their paths. Raises `StoreError` where they cannot be written."""
    from vaegan_bench.report.plots.rulers import ruler_curves
    from vaegan_bench.report.tables.calibration import calibration, calibration_to_markdown
    from vaegan_bench.system.files import make_folder, replace_file

    csv, page, figure = (out / name for name in FILES)
    make_folder(out)
    with replace_file(csv) as partial:
        calibration(rulers).to_csv(partial, index=False)
    with replace_file(page) as partial:
        partial.write_text(calibration_to_markdown(rulers), "utf-8")
    with replace_file(figure) as partial:
        ruler_curves([(ruler, {}) for ruler in rulers]).savefig(partial, format="png")
    for path in (csv, page, figure):
        say(str(path))
