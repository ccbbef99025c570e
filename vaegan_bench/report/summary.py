"""summary.md: the comparison, what all models shared, the data, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.results.records import RunRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study import Study

SHARED = ("size", "split", "networks", "steps", "batch", "optimizer", "ema", "samples", "draws", "sampler")
"""Keys of a study that are the same for all of its models, wherever it runs."""
COMPUTE = ("precision", "device", "threads")
"""Keys of a study that say how it is computed, the same for all of its models."""
NOTHING_TO_MEASURE = "no numbers, as neither the data nor the models of this study have what it measures"
BY_ATTRIBUTE = "Attributes one by one: [attributes.md](attributes.md)."


def title_of(study: Study) -> str:
    """The title of a study's pages."""
    return f"{study.name}: {study.description}"


def summary_page(folder: StudyFolder, rows: pd.DataFrame, *, has_attributes: bool) -> str:
    """The page in Markdown; `has_attributes` says whether there is a page on single attributes."""
    study = folder.study().study
    page = tables.to_markdown(rows, title_of(study), folder.rulers(rows)).rstrip()
    body = [page, "", *([BY_ATTRIBUTE, ""] if has_attributes else [])]
    records = folder.by_dataset()
    lines = [*_setting(study, records.values()), *_data(records), *_not_measured(folder), *_left_out(folder)]
    return "\n".join([*body, *lines])


def _setting(study: Study, records: Collection[RunRecord]) -> list[str]:
    """What all models shared, and what the study set for each."""
    lines = [f"- {name}: `{getattr(study, name)}`" for name in SHARED]
    lines += [f"- {name}: {_computed(name, study, records)}" for name in COMPUTE]
    lines += [f"- optimizer of player '{player}': `{selector}`" for player, selector in study.optimizers.items()]
    lines += [f"- `{name}` here means `{meant}`, unless a label says otherwise" for name, meant in meanings(study)]
    return ["## Setting", "", *lines, ""]


def meanings(study: Study) -> Iterator[tuple[str, str]]:
    """Each plugin for which the study sets fields, and the selector that its name stands for there."""
    for plugin, fields in study.fields.items():
        yield plugin, f"{plugin}[{','.join(f'{field}={value}' for field, value in fields.items())}]"


def _computed(name: str, study: Study, records: Iterable[RunRecord]) -> str:
    """How the runs were computed: what the study says, and what 'auto' was for them."""
    found = dict.fromkeys(f"`{getattr(record.definition, name)}`" for record in records)
    said = getattr(study, name)
    return f"`{said}`, here {' and '.join(found)}" if said == "auto" else f"`{said}`"


def _data(records: Mapping[str, RunRecord]) -> list[str]:
    """How many images of each data set there were, which were left out, and the digest."""
    facts = {
        tables.in_markdown(dataset): [record.images, *record.remarks, f"digest `{record.data}`"]
        for dataset, record in records.items()
    }
    return ["## Data", "", *(f"- {dataset}: {'; '.join(lines)}" for dataset, lines in facts.items()), ""]


def _not_measured(folder: StudyFolder) -> list[str]:
    """Which numbers are missing for which runs, and why."""
    lines = [f"- `{metric}`: {NOTHING_TO_MEASURE}" for metric in folder.without_numbers()]
    lines += [f"- `{run}`: `{metric}`: {reason}" for run, metric, reason in folder.not_measured()]
    return ["## Not measured", "", *lines, ""] if lines else []


def _left_out(folder: StudyFolder) -> list[str]:
    """Which runs are in no table and no figure, because of damage or because they are not trained."""
    lines = [f"- {line}" for line in folder.untrained_lines()]
    lines += [f"- `{run}`: {reason}" for run, reason in folder.left_out().items()]
    return ["## Left out", "", *lines, ""] if lines else []
