"""One column per protocol: numbers that were measured differently never share a column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from vaegan_bench.system.errors import BenchError

ALIKE = ("setting", "networks", "data")
"""Columns in which all runs on one data set agree, even where protocols differ."""
MEANING = ("family", "direction", "units")
"""Columns that say what a value means: like another protocol, another meaning makes another metric."""
HASH = re.compile(r"[0-9a-f]{25,}")
"""Protocol values of which only the beginning is shown."""


class MixedProtocolsError(BenchError):
    """Values of runs that do not share a setting, or of games that share only a name: they cannot be compared."""

    def __init__(self, what: str, dataset: str, differences: Mapping[str, Iterable[object]]) -> None:
        spelled = "; ".join(f"{key} is {' or '.join(map(str, values))}" for key, values in differences.items())
        super().__init__(
            f"'{what}' on '{dataset}' is not the same in all rows: {spelled}. "
            "Only runs of one setting can be compared, and only those of one game averaged: select them first."
        )


def by_protocol(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with metrics renamed so that each has one protocol per data set; new names state what differs.

    'frechet[efflite0] (n_fake=5000, draws=3)' is `frechet[efflite0]` by another protocol. The plain name belongs to the
    protocol that the study plans (by the column 'planned', if there is one); of several, to the one with the most runs,
    or the first of equals. The column 'code', if there is one, counts as a part of the protocol. All attributes of a
    metric are named together: one of them may have been measured by one protocol alone.
    Raises `MixedProtocolsError` where values of one metric differ in their setting, or runs of one model in their game.
    """
    _check_alike(rows, "model", ["game"])
    keys, names = ["dataset", "metric", "_single"], rows["metric"].copy()
    marked = rows.assign(_single=rows["attribute"] != "")
    if _are_alike(marked, keys):
        return rows
    for (_, metric, _), group in marked.groupby(keys, sort=False, observed=True):
        _check_alike(group, "metric", ALIKE)
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
    return f"{value[:12]}…" if HASH.fullmatch(value) else value


def _are_alike(rows: pd.DataFrame, keys: list[str]) -> bool:
    """Whether all rows with the same `keys` agree in protocol, code and setting, as they do in most studies."""
    columns = [column for column in ("protocol", "code", *MEANING, *ALIKE) if column in rows]
    return not rows[[*keys, *columns]].drop_duplicates().duplicated(keys).any()


def _check_alike(rows: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    """Raise `MixedProtocolsError` unless rows with the same `name` on one data set agree in all these columns."""
    there = [column for column in columns if column in rows]
    found = rows[["dataset", name, *there]].drop_duplicates()
    mixed = found[found.duplicated(["dataset", name], keep=False)]
    for (dataset, what), group in mixed.groupby(["dataset", name], sort=False, observed=True):
        seen = {column: group[column].unique().tolist() for column in there}
        raise MixedProtocolsError(str(what), str(dataset), {key: each for key, each in seen.items() if len(each) > 1})


def _protocols(rows: pd.DataFrame) -> Iterator[str]:
    """Each row's protocol, code and meaning as text; equal ones give equal texts."""
    stated = [column for column in ("code", *MEANING) if column in rows]
    known: dict[tuple[object, ...], str] = {}
    for text, *values in rows[["protocol", *stated]].itertuples(index=False, name=None):
        key = (text, *values)
        if key not in known:
            pairs = zip(stated, values, strict=True)
            given = {name: value for name, value in pairs if isinstance(value, str) and value}
            known[key] = json.dumps({**dict(sorted(protocol_of(text).items())), **given})
        yield known[key]


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
