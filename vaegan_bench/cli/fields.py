"""Options that several commands have, and the fields of plugins that they set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaegan_bench.system.paths import user_path

if TYPE_CHECKING:
    from vaegan_bench.registry.plugins import Registry

ResultsOption = Annotated[Path, typer.Option(help="The results folder.", parser=user_path)]
StudyPath = Annotated[Path, typer.Argument(help="A study's folder, such as results/quick.", parser=user_path)]
ExtractorOption = Annotated[
    str | None, typer.Option(help="The feature network of all metrics but those of attributes, such as inception.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        help="Where source files lie: a folder for each data set, as celeba/ in it. By default VAEGAN_BENCH_DATA, or "
        "the user's data folder, on Linux ~/.local/share/vaegan-bench.",
        parser=user_path,
    ),
]
CacheDirOption = Annotated[
    Path | None,
    typer.Option(
        help="Where prepared data and trained oracles are kept. By default the user's cache folder, on Linux "
        "~/.cache/vaegan-bench.",
        parser=user_path,
    ),
]
PluginFiles = Annotated[
    list[str] | None, typer.Option("--plugin", help="A plugin file, or the name of a module; repeatable.")
]
WeightsOption = Annotated[
    Path | None, typer.Option(help="The file of Inception's weights, where it cannot be fetched.", parser=user_path)
]

Fields = dict[str, dict[str, str]]
"""Plugin → field → value, as text."""


def look_for_data_in(folder: Path | None) -> None:
    """Let this process find source files there; None leaves the environment as it is."""
    import os

    from vaegan_bench.api.places import VARIABLE

    if folder is not None:
        os.environ[VARIABLE] = str(folder)


def read_fields(texts: Sequence[str]) -> Fields:
    """What `--fields name[field=value]` says, the last one where a field is named twice."""
    from vaegan_bench.registry.selectors import parse_selector

    fields: Fields = {}
    for selector in map(parse_selector, texts):
        fields.setdefault(selector.name, {}).update(selector.fields)
    return fields


def extractor_fields(registry: Registry, extractor: str | None, inception_weights: Path | None) -> Fields:
    """What `--extractor` and `--inception-weights` say.

    Metrics that cannot use the extractor keep their own: only an oracle knows attributes, and an inception score needs
    classes.
    """
    from vaegan_bench.api import Extractor

    fields: Fields = {}
    if extractor is not None:
        chosen = registry.build(Extractor, extractor)
        fields = {name: {"extractor": extractor} for name in _metrics_on_any_features(registry)}
        if not chosen.classes:
            fields.pop("inception-score", None)
    if inception_weights is not None:
        fields["inception"] = {"weights": str(inception_weights)}
    return fields


def _metrics_on_any_features(registry: Registry) -> list[str]:
    from vaegan_bench.api import Metric
    from vaegan_bench.registry.plugins import field_types

    metrics = {name: entry.plugin for name, entry in registry.of_kind(Metric.kind).items()}
    return [
        name
        for name, metric in metrics.items()
        if "extractor" in field_types(metric) and getattr(metric, "family", "") != "attributes"
    ]
