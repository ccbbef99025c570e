"""The numbers of a run as rows of tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from vaegan_bench.results.records import MeasurementRecord, RunRecord, measurement_key

PACKAGE = __name__.partition(".")[0]
OPTIONAL = ("low", "high", "ceiling", "floor", "noise")
"""Values that a row may lack, besides its main value; tables have the columns in any case."""
COSTS = {
    "steps": "steps", "parameters": "weights", "speed": "images/s", "seconds": "s", "operations": "MFLOP/image",
}  # fmt: skip
"""What a record says about the cost of training → its units in tables."""
TIMED = ("speed", "seconds")
"""Costs that depend on the machine: their protocol names it, so that those of different machines are kept apart."""


def text_of(protocol: Mapping[str, Any]) -> str:
    """A protocol as text for tables: equal text for equal protocols."""
    return json.dumps(protocol, sort_keys=True)


def training_rows(record: RunRecord) -> list[dict[str, Any]]:
    """The cost of a run's training, as rows; their protocol, as text, is the device where it matters."""
    values = {name: getattr(record, name) for name in COSTS}
    values["operations"] = record.operations / 1e6 if record.operations else None
    shared: dict[str, Any] = {"family": "training", "direction": "none", "attribute": ""}
    shared |= {**dict.fromkeys(OPTIONAL), "code": "", "measurement": ""}
    known = {name: value for name, value in values.items() if value is not None}
    protocols = dict.fromkeys(TIMED, text_of({"device": record.environment.device}))
    return [
        {"metric": name, "value": value, "units": COSTS[name], "protocol": protocols.get(name, "{}"), **shared}
        for name, value in known.items()
    ]


def measured_rows(measurements: Iterable[MeasurementRecord], planned: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """The rows of measurements, with their key, their code, and their protocol as text.

    Those with the keys `planned` come first, in that order. A number that was measured twice in the same way appears
    once.
    """
    places = {name: place for place, name in enumerate(planned)}
    known = [(measurement_key(measurement), measurement) for measurement in measurements]
    seen = set()
    for name, measurement in sorted(known, key=lambda pair: places.get(pair[0], len(places))):
        code = _code(measurement["code"])
        for row in measurement["rows"]:
            protocol = text_of(row["protocol"])
            same = (row["metric"], row["attribute"], protocol, code)
            if same not in seen:
                seen.add(same)
                yield {**row, "protocol": protocol, "code": code, "measurement": name}


def _code(digests: Mapping[str, Any]) -> str:
    """The digests of a measurement's code, each with its module: 'vaegan_bench 786c87107357, my_metric 1f0c…'.

    The module is needed because a digest alone can look like a number: a reader of CSV takes 918e89385995 as infinite.
    """
    return ", ".join(
        f"{root} {digest}" for root, digest in sorted(digests.items(), key=lambda pair: (pair[0] != PACKAGE, pair[0]))
    )
