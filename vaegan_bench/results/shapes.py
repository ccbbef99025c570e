"""What the records of a run and of a study hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.results.files import sha256_of_content
from vaegan_bench.system.plain_data import check


class Row(TypedDict):
    """One number: the fields of `Measurement`, the metric's family, and the noise over draws."""

    metric: str
    value: float
    direction: Literal["higher", "lower", "none"]
    units: str
    protocol: dict[str, Any]
    attribute: str
    low: float | None
    high: float | None
    ceiling: float | None
    floor: float | None
    noise: float | None
    family: str


class MeasurementRecord(TypedDict):
    """One metric by one protocol on one run, as metrics.json holds it."""

    label: str
    """The metric's selector."""
    metric: dict[str, Any]
    """Its definition."""
    samples: int
    draws: int
    code: dict[str, Any]
    weights: dict[str, str]
    """Extractor → a hash of its weights."""
    rows: list[Row]
    problem: str
    """Why numbers are missing; '' where none is."""
    exhibits: list[str]


class Definition(TypedDict):
    """What decided a run, as far as tables and curves need it; `execution.stored_run` reads the rest."""

    batch: int
    precision: str


class Environment(TypedDict):
    """Where a run was trained."""

    device: str


class RunRecord(TypedDict):
    """run.json: the definition of a run, its fate and cost, and the hashes of what training left beside it."""

    id: str
    label: str
    seed: int
    dataset: str
    networks: str
    status: str
    steps: int
    seconds: float
    speed: float
    parameters: int
    shape: list[int]
    attributes: dict[str, list[float]]
    data: str
    images: str
    remarks: list[str]
    setting: str
    definition: Definition
    environment: Environment
    files: dict[str, str]


class MetricsRecord(TypedDict):
    """metrics.json: every measurement, the verdicts on training, and the hashes of the arrays beside it."""

    measurements: list[MeasurementRecord]
    seen: int
    """How many samples the verdicts and the images of sheets were taken from, at most."""
    health: dict[str, str]
    files: dict[str, str]


class MetricAsked(TypedDict):
    """One metric of a study."""

    label: str
    metric: dict[str, Any]


class EvaluationAsked(TypedDict):
    """What a study measures."""

    metrics: list[MetricAsked]
    samples: int
    draws: int


class StudyRecord(TypedDict):
    """study.json: the latest plan."""

    study: dict[str, Any]
    runs: list[str]
    evaluation: EvaluationAsked


def key_of(metric: Mapping[str, Any], samples: int, draws: int) -> str:
    """What names one measurement of a run: asked for again, it takes the place of the older one."""
    return sha256_of_content({"metric": metric, "samples": samples, "draws": draws})[:12]


def check_run(record: Any) -> None:
    """Raise `ValueError` unless this is the record of a run."""
    check(record, RunRecord)
    parse_selector(record["label"])
    if len(record["shape"]) != 3 or min(record["shape"]) < 1:
        raise ValueError(f"shape is {record['shape']}")
    if any(len(ends) != 2 for ends in record["attributes"].values()):
        raise ValueError("an attribute does not have two values")


def check_metrics(record: Any) -> None:
    """Raise `ValueError` unless this is the record of what was measured on a run."""
    check(record, MetricsRecord)
    for row in (row for measurement in record["measurements"] for row in measurement["rows"]):
        _check_draws(row)


def _check_draws(row: Row) -> None:
    draws = row["protocol"].get("draws")
    if row["noise"] is not None and not (isinstance(draws, int) and draws > 1):
        raise ValueError(f"'{row['metric']}' has noise over {draws} draws")


def check_study(record: Any) -> None:
    """Raise `ValueError` unless this is the record of a plan, whose runs lie in folders of its own."""
    check(record, StudyRecord)
    for run in record["runs"]:
        if not is_plain_name(run):
            raise ValueError(f"{run!r} is not the plain name of a folder")


def is_plain_name(name: str) -> bool:
    """Whether a name means a visible file right inside of the folder that it is looked up in, on every system."""
    return bool(name) and name.isprintable() and not name.startswith(".") and not set(name) & set("/\\:")
