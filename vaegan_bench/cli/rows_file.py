"""The file to which `evaluate --out` writes its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from vaegan_bench.system.errors import StudyError
from vaegan_bench.system.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet", ".json")


def check_rows_file(path: Path) -> None:
    """Raise `StudyError` for a suffix without a format."""
    if path.suffix.lower() not in SUFFIXES:
        raise StudyError(f"--out {path}: rows are written as {', '.join(SUFFIXES)}, by the suffix of the file.")


def write_rows(rows: pd.DataFrame, path: Path) -> None:
    """Write rows as csv, parquet or json, by the suffix; in json, protocols are objects, missing values null."""
    with replace_file(path) as partial:
        if path.suffix.lower() == ".csv":
            rows.to_csv(partial, index=False)
        elif path.suffix.lower() == ".parquet":
            rows.to_parquet(partial, index=False)
        else:
            partial.write_text(_as_json(rows), "utf-8")


def _as_json(rows: pd.DataFrame) -> str:
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    records = [{**row, "protocol": json.loads(row["protocol"])} for row in plain]
    return json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
