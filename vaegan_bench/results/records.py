"""The records of a run and of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict

from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.results.files import sha256_of_content
from vaegan_bench.study.study import PRIOR, Study, as_plain
from vaegan_bench.system.plain_data import read_as
from vaegan_bench.system.status import OK


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
    """One measurement of a metric on a run, as metrics.json holds it."""

    label: str
    """The metric's selector."""
    metric: dict[str, Any]
    """Its definition."""
    samples: int
    draws: int
    sampler: str
    """The source of the codes of samples: 'prior', or the selector of a sampler."""
    code: dict[str, str]
    weights: dict[str, str]
    """Extractor → a hash of its weights."""
    rows: list[Row]
    problem: str
    """Why numbers are missing; '' where none is."""
    exhibits: list[str]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """All that decided a run, as `study.run.Run.definition` states it."""

    model: dict[str, Any]
    term_weights: dict[str, Any]
    seed: int
    dataset: dict[str, Any]
    networks: dict[str, Any]
    optimizer: dict[str, Any]
    size: int
    split: str
    steps: int
    batch: int
    ema: float
    precision: str
    device: str
    threads: int
    versions: dict[str, str]
    code: dict[str, str]
    unfollowed: tuple[str, ...]
    optimizers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """player → the definition of its own optimizer; older runs, which could not have any, have none."""
    lender_weights: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Borrowed role → the term weights of its lender; older runs have none."""


GAME = ("model", "term_weights", "lender_weights", "optimizers", "code")
"""The parts of a definition that runs must share to be averaged, besides their setting."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run was trained."""

    device: str
    """In words; of a GPU with the number of runs that shared it, whose times are not those of a run alone."""
    python: str


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """run.json: the definition, status and cost of a run, and the hashes of the other files that training left."""

    id: str
    label: str
    """How tables name the model."""
    seed: int
    dataset: str
    networks: str
    status: str
    """'ok' or 'diverged at step N'."""
    steps: int
    seconds: float
    speed: float
    """Images per second."""
    parameters: int
    shape: tuple[int, int, int]
    """(C, H, W) of the data's images."""
    attributes: dict[str, tuple[float, float]]
    """Attribute → its condition for an image without it, and for an image with it."""
    data: str
    """The digest of the data."""
    images: str
    """How many images both parts of the data have, in words."""
    remarks: tuple[str, ...]
    setting: str
    definition: Definition
    environment: Environment
    finished: str
    """The time in UTC."""
    seen_through: tuple[str, ...] = ()
    """The extractors through which the networks of the model's roles see images, and those with the weights of one that
    training used; older records have none."""
    operations: float = 0.0
    """Floating-point operations per image of a training step; 0 where they were not counted."""
    files: dict[str, str] = field(default_factory=dict)
    """File → SHA-256."""
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    """File → its size, and its time of writing in nanoseconds: as long as both are the same, it counts as undamaged
    without being hashed."""

    @property
    def is_ok(self) -> bool:
        """Whether training ended without divergence."""
        return self.status == OK

    @property
    def game(self) -> str:
        """A hash of what the label stands for, `GAME`: only runs of one game are averaged.

        With a 'g' first, no CSV reader takes it for a number.
        """
        return f"g{sha256_of_content({part: getattr(self.definition, part) for part in GAME})[:16]}"


@dataclass(frozen=True, kw_only=True)
class MetricsRecord:
    """metrics.json: every measurement, the verdicts on training, and the hashes of the arrays beside it."""

    measurements: list[MeasurementRecord] = field(default_factory=list)
    seen: int = 0
    """The number of samples from which the verdicts and the images of sheets were taken, at most."""
    seen_from: str = PRIOR
    """The source of the codes of these samples: 'prior', or the selector of a sampler."""
    health: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    """As in `RunRecord`, for the arrays."""

    @property
    def sheets_drawn_from(self) -> str:
        """The source of the samples of verdicts and sheets; '' where there are none, because they failed."""
        return self.seen_from if self.seen else ""


@dataclass(frozen=True, kw_only=True)
class PlannedMetric:
    """One metric of a study."""

    label: str
    metric: dict[str, Any]
    headline: tuple[str, ...] = ()
    """Its numbers that are headlines, as `Metric.headline` names them."""


@dataclass(frozen=True, kw_only=True)
class PlannedEvaluation:
    """The metrics of a study, and the samples on which they are measured."""

    metrics: tuple[PlannedMetric, ...]
    samples: int
    draws: int
    sampler: str

    def by_key(self) -> dict[str, PlannedMetric]:
        """Key of each planned measurement → its metric, in the plan's order."""
        return {key_of(each.metric, self.samples, self.draws, self.sampler): each for each in self.metrics}

    def labels(self) -> dict[str, str]:
        """Key of each planned measurement → its metric's selector."""
        return {key: each.label for key, each in self.by_key().items()}


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """study.json: the latest plan."""

    study: Study
    runs: tuple[str, ...]
    evaluation: PlannedEvaluation

    def as_plain(self) -> dict[str, Any]:
        """The record as JSON-ready values."""
        return {"study": as_plain(self.study), "runs": list(self.runs), "evaluation": asdict(self.evaluation)}


def key_of(metric: Mapping[str, Any], samples: int, draws: int, sampler: str) -> str:
    """The key of a measurement among those of a run: a new measurement with the same key replaces the older one."""
    content = {"metric": metric, "samples": samples, "draws": draws, "sampler": sampler}
    return sha256_of_content(content)[:12]


def measurement_key(measurement: MeasurementRecord) -> str:
    """The key of a measurement among those of its run."""
    return key_of(measurement["metric"], measurement["samples"], measurement["draws"], measurement["sampler"])


def read_run(plain: Any) -> RunRecord:
    """The record of a run. Raises `ValueError` where `plain` is not one."""
    record = read_as(RunRecord, plain)
    parse_selector(record.label)
    if min(record.shape) < 1:
        raise ValueError(f"shape is {record.shape}")
    return record


def read_metrics(plain: Any) -> MetricsRecord:
    """The record of the measurements of a run. Raises `ValueError` where `plain` is not one."""
    record = read_as(MetricsRecord, plain)
    for row in (row for measurement in record.measurements for row in measurement["rows"]):
        _check_draws(row)
    return record


def read_study(plain: Any) -> StudyRecord:
    """The record of a plan. Raises `ValueError` or `StudyError` where `plain` is not one, or an id no plain name."""
    study = Study().with_values(plain["study"], "the study")
    evaluation, runs = read_as(PlannedEvaluation, plain["evaluation"]), plain["runs"]
    for run in runs:
        if not isinstance(run, str) or not is_plain_name(run):
            raise ValueError(f"{run!r} is not the plain name of a folder")
    return StudyRecord(study=study, runs=tuple(runs), evaluation=evaluation)


def is_plain_name(name: str) -> bool:
    """Whether a name denotes, on every system, a visible file directly inside the folder in which it is looked up."""
    return bool(name) and name.isprintable() and not name.startswith(".") and not set(name) & set("/\\:")


def _check_draws(row: Row) -> None:
    draws = row["protocol"].get("draws")
    if row["noise"] is not None and not (isinstance(draws, int) and draws > 1):
        raise ValueError(f"'{row['metric']}' has noise over {draws} draws")
