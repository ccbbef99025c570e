"""Where the numbers of a page come from: the study, the data, the code, the machine, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from vaegan_bench.report import tables
from vaegan_bench.report.tables.protocols import protocol_of
from vaegan_bench.results.records import RunRecord
from vaegan_bench.results.study_folder import StudyFolder


@dataclass(frozen=True)
class Fact:
    """A line of the section: a name and its values."""

    name: str
    values: list[str]


def facts(folder: StudyFolder, rows: pd.DataFrame) -> list[Fact]:
    """Data, extractors, versions, code and machines of a study's runs, each value once."""
    records = [run.record() for run in folder.shown()]
    found = [
        Fact(
            "data", [f"{r.dataset}: {'; '.join([r.images, *r.remarks])}; digest {r.data}" for r in _by_dataset(records)]
        ),
        Fact("extractors", list(dict.fromkeys(_extractors(rows)))),
        Fact("machine", _once(r.environment.device for r in records)),
        Fact("computed in", _once(r.definition.precision for r in records)),
        Fact("Python", _once(r.environment.python for r in records)),
        Fact("libraries", _once(f"{name} {v}" for r in records for name, v in r.definition.versions.items())),
        Fact("code of the runs", _once(f"{name} {v[:12]}" for r in records for name, v in r.definition.code.items())),
        Fact("code that is not in their identity", _once(at for r in records for at in r.definition.unfollowed)),
        Fact("trained", _span([r.finished for r in records])),
    ]
    return [fact for fact in found if fact.values]


def problems(folder: StudyFolder, rows: pd.DataFrame) -> list[Fact]:
    """Problems that a reader should know before trusting the numbers; empty where all went well."""
    sick = tables.unhealthy(rows)
    found = [
        Fact("training", [f"{r.model} on {r.dataset}, seed {r.seed}: {r.health}" for r in sick.itertuples()]),
        Fact("not trained", folder.untrained_lines()),
        Fact("not measured", [f"{run}: {metric}: {reason}" for run, metric, reason in folder.not_measured()]),
        Fact("nothing to measure", folder.without_numbers()),
        Fact("left out", folder.left_out_lines()),
    ]
    return [fact for fact in found if fact.values]


def _by_dataset(records: list[RunRecord]) -> list[RunRecord]:
    return list({record.dataset: record for record in records}.values())


def _extractors(rows: pd.DataFrame) -> Iterator[str]:
    for text in rows["protocol"].unique():
        protocol = protocol_of(text)
        if "extractor" in protocol:
            yield f"{protocol['extractor']}: weights {str(protocol.get('weights', ''))[:16]}"


def _once(values: object) -> list[str]:
    return list(dict.fromkeys(map(str, values)))  # type: ignore[call-overload]  # any iterable


def _span(times: list[str]) -> list[str]:
    """From the first to the last of some times."""
    return [] if not times else [" to ".join(dict.fromkeys([min(times), max(times)]))]
