"""One column per protocol: numbers that were measured differently never share a column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from vaegan_bench.system.errors import BenchError

ALIKE = ("setting", "networks", "family", "direction", "units")
"""Columns in which all values of one metric on one data set agree, even where protocols differ."""
LONGEST_VALUE = 24
"""Protocol values of more characters are taken for hashes, and only their beginning is shown."""


class MixedProtocolsError(BenchError):
    """Values of runs that do not share a setting, or of metrics that only share a name: they cannot be compared."""

    def __init__(self, dataset: str, metric: str, differences: Mapping[str, Iterable[object]]) -> None:
        spelled = "; ".join(f"{key} is {' or '.join(map(str, values))}" for key, values in differences.items())
        super().__init__(
            f"'{metric}' on '{dataset}' was not always measured in the same way: {spelled}. "
            "Only runs with the same setting can be compared: select them first."
        )


def by_protocol(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with metrics renamed so that each has one protocol per data set; new names state what differs.

    'frechet[efflite0] (n_fake=5000, draws=3)' is `frechet[efflite0]` by another protocol. The plain name belongs to the
    protocol that the study plans (by the column 'planned', if there is one); of several, to the one with the most runs,
    or the first of equals. The column 'code', if there is one, counts as a part of the protocol. All attributes of a
    metric are named together: one of them may have been measured by one protocol alone.
    Raises `MixedProtocolsError` where values of one metric differ in their setting, direction or units.
    """
    keys, names = ["dataset", "metric", "_single"], rows["metric"].copy()
    marked = rows.assign(_single=rows["attribute"] != "")
    if _are_alike(marked, keys):
        return rows
    for (dataset, metric, _), group in marked.groupby(keys, sort=False, observed=True):
        _check_alike(str(dataset), str(metric), group)
        protocols = [*_protocols(group)]
        if len(set(protocols)) > 1:
            plain = _plain(group.assign(_protocol=protocols))
            names.loc[group.index] = [_name(str(metric), protocol, plain) for protocol in protocols]
    return rows.assign(metric=names)


def protocol_of(text: str | None) -> dict[str, Any]:
    """The protocol of a row, from its JSON text; {} where a row has none."""
    protocol: dict[str, Any] = json.loads(text) if isinstance(text, str) and text else {}
    return protocol


def shorten(value: str) -> str:
    """A value of a protocol for print: a hash is cut to its first 12 characters."""
    return value if len(value) <= LONGEST_VALUE or " " in value else f"{value[:12]}…"


def _are_alike(rows: pd.DataFrame, keys: list[str]) -> bool:
    """Whether all rows with the same `keys` agree in protocol, code and setting, as they do in most studies."""
    columns = [column for column in ("protocol", "code", *ALIKE) if column in rows]
    return not rows[[*keys, *columns]].drop_duplicates().duplicated(keys).any()


def _check_alike(dataset: str, metric: str, rows: pd.DataFrame) -> None:
    seen = {column: rows[column].unique().tolist() for column in ALIKE if column in rows}
    different = {column: values for column, values in seen.items() if len(values) > 1}
    if different:
        raise MixedProtocolsError(dataset, metric, different)


def _protocols(rows: pd.DataFrame) -> Iterator[str]:
    """Each row's protocol and code as text; equal ones give equal texts."""
    codes = rows["code"] if "code" in rows else [""] * len(rows)
    known: dict[tuple[object, object], str] = {}
    for text, code in zip(rows["protocol"], codes, strict=True):
        if (text, code) not in known:
            stated = {"code": code} if isinstance(code, str) and code else {}
            known[text, code] = json.dumps({**dict(sorted(protocol_of(text).items())), **stated})
        yield known[text, code]


def _plain(rows: pd.DataFrame) -> str:
    """The protocol that has a metric's plain name."""
    planned = rows[rows["planned"].fillna(True).astype(bool)] if "planned" in rows else rows
    counted = (planned if len(planned) else rows).groupby("_protocol", sort=False)["run"].nunique()
    return str(counted.idxmax())


def _name(metric: str, protocol: str, plain: str) -> str:
    mine, theirs = protocol_of(protocol), protocol_of(plain)
    keys = [key for key in {**theirs, **mine} if mine.get(key) != theirs.get(key)]
    said = [f"{key}={shorten(str(mine.get(key, 'unstated')))}" for key in keys]
    return f"{metric} ({', '.join(said)})" if said else metric
