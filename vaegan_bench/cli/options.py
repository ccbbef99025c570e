"""Arguments and options of several commands, each declared once, and the fields of plugins that they set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaegan_bench.study.study import MOST
from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry
    from vaegan_bench.results.study_folder import StudyFolder


def path_option(text: str) -> Any:
    """An option that is a path."""
    return typer.Option(help=text, parser=user_path)


ResultsOption = Annotated[Path, path_option("The results folder.")]
StudyPath = Annotated[
    Path | None,
    typer.Argument(
        help="A study's folder, such as results/quick, or its name in results/; by default the study of results/ that "
        "was run last.",
        parser=user_path,
    ),
]
ExtractorOption = Annotated[
    str | None,
    typer.Option(
        help="The feature network, such as inception, of all metrics that name none in brackets; metrics of attributes "
        "keep theirs."
    ),
]
DataDirOption = Annotated[
    Path | None,
    path_option(
        "The folder of source files, with a subfolder for each data set, such as celeba/. By default "
        "VAEGAN_BENCH_DATA, or the user's data folder, on Linux ~/.local/share/vaegan-bench."
    ),
]
CacheDirOption = Annotated[
    Path | None,
    path_option(
        "Where prepared data and trained oracles are kept. By default the user's cache folder, on Linux "
        "~/.cache/vaegan-bench."
    ),
]
PluginFiles = Annotated[
    list[str] | None, typer.Option("--plugin", help="A plugin file, or the name of a module; repeatable.")
]
FieldsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="name[field=value]: a default for every use of a plugin, such as inception[weights=FILE]; repeatable."
    ),
]
DEVICE = typer.Option(help="auto, cpu, cuda or mps.")
DeviceOption = Annotated[str, DEVICE]
StudyDeviceOption = Annotated[str | None, DEVICE]
"""By default the device that the study names."""
SAMPLER = typer.Option(
    help="The source of the codes of samples: prior, or a sampler fitted to the codes of training images, such as "
    "gaussian."
)
SamplerOption = Annotated[str, SAMPLER]
StudySamplerOption = Annotated[str | None, SAMPLER]
"""By default the sampler that the study names."""
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan with an estimate of its time, and train nothing.")
]
EngineOption = Annotated[
    str, typer.Option(help='Where runs are trained: serial, processes, or dask, such as "dask[workers=8]".')
]
WorkersOption = Annotated[
    str | None,
    typer.Option(
        help="How many runs are trained at once, each in a process of its own; by default (auto) as many as there are "
        "cores for, or one on a GPU.",
        show_default="auto",
    ),
]
CheckpointOption = Annotated[
    float, typer.Option(min=0, help="Seconds between two checkpoints, from which an interrupted run goes on.")
]
MaxTimeOption = Annotated[
    str | None,
    typer.Option(help="Stop after this time, such as 3h, 90m or 2h30m: the same command goes on from there."),
]
StepsOption = Annotated[int | None, typer.Option(help="Training steps per run.")]
SizeOption = Annotated[int | None, typer.Option(help="Pixels per side.")]
DatasetName = Annotated[str, typer.Argument(help='A data set by selector, such as avatars or "celeba[crop=148]".')]
DatasetSize = Annotated[int, typer.Option(min=8, max=MOST["size"], help="Pixels per side.")]

Fields = dict[str, dict[str, str]]
"""Plugin → field → value, as text."""


def asked_study(study: Path | None, results: Path = Path("results")) -> Path:
    """The folder that a user names, or that of this name in `results`; by default the study that was run last.

    Raises `StudyError` as `latest_study` does.
    """
    from vaegan_bench.results.study_folder import STUDY

    if study is None:
        return latest_study(results)
    return results / study if not (study / STUDY).is_file() and (results / study / STUDY).is_file() else study


def latest_study(results: Path) -> Path:
    """The folder in `results` whose study.json is the newest; of equally new ones, the last by name.

    Studies that cannot be read are passed over. Raises `StudyError` where there is no other.
    """
    from vaegan_bench.report.status.recorded import studies_in
    from vaegan_bench.system.errors import StoreError, StudyError

    for folder in sorted(studies_in(results), key=_last_written, reverse=True):
        with suppress(StoreError):
            folder.study()
            return folder.path
    words = "name a study's folder, or run a study with vaegan-bench run."
    raise StudyError(f"There is no study in {results} that can be read: {words}")


def _last_written(folder: StudyFolder) -> tuple[int, Path]:
    """When the plan of a study was written, in nanoseconds, and the study's folder."""
    from vaegan_bench.results.study_folder import STUDY
    from vaegan_bench.system.files import stamp_of

    _, written, _ = stamp_of(folder.path / STUDY) or (0, 0, 0)
    return written, folder.path


def look_for_data_in(folder: Path | None) -> None:
    """Let this process search for source files in `folder`; None leaves the environment as it is."""
    import os

    from vaegan_bench.api.places import VARIABLE

    if folder is not None:
        os.environ[VARIABLE] = str(folder)


def given_fields(registry: Registry, extractor: str | None, texts: Sequence[str] | None) -> Fields:
    """The fields that `--extractor` and `--fields` set; where both set the same field, `--fields` wins.

    Raises `UnknownNameError` for an unknown plugin or field.
    """
    from vaegan_bench.study.term_weights import split_fields

    fields = extractor_fields(registry, extractor)
    for name, given in read_fields(texts or []).items():
        fields.setdefault(name, {}).update(given)
    split_fields(fields, registry)
    return fields


def read_fields(texts: Sequence[str]) -> Fields:
    """The fields that `--fields name[field=value]` sets; the last value where a field is given twice."""
    from vaegan_bench.registry.selectors import parse_selector

    fields: Fields = {}
    for selector in map(parse_selector, texts):
        fields.setdefault(selector.name, {}).update(selector.fields)
    return fields


def extractor_fields(registry: Registry, extractor: str | None) -> Fields:
    """The fields of metrics that `--extractor` sets.

    Metrics that declare no field for an extractor keep their own, and so do those that need classes if it has none.
    """
    from vaegan_bench.api import Extractor
    from vaegan_bench.study.resolver import metric_types

    fields: Fields = {}
    if extractor is not None:
        chosen = registry.build(Extractor, extractor)
        fields = {
            metric.name: {metric.extractor_field: extractor}
            for metric in metric_types(registry)
            if metric.extractor_field and (chosen.classes or not metric.needs_classes)
        }
    return fields


def refuse_idle_extractor(extractor: str | None, metrics: Sequence[str], fields: Fields) -> None:
    """Raise `StudyError` where no metric takes the extractor: it has no field for one, or another one is given for it.

    `fields` are those that `given_fields` returns for the extractor.
    """
    from vaegan_bench.registry.selectors import parse_selector
    from vaegan_bench.system.errors import StudyError

    selectors = [parse_selector(metric) for metric in metrics]
    taken = [value for each in selectors for value in {**fields.get(each.name, {}), **each.fields}.values()]
    if extractor is not None and extractor not in taken:
        names = list(dict.fromkeys(map(str, selectors)))
        reason = f"which {'does' if len(names) == 1 else 'do'} not take it"
        raise StudyError(f"--extractor {extractor}: no effect on {', '.join(names)}, {reason}. Leave it out.")
