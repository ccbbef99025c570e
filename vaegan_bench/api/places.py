"""The folder that holds the source files of data sets."""

from __future__ import annotations

import os
from pathlib import Path

from vaegan_bench.system.paths import home_folder, user_path

VARIABLE = "VAEGAN_BENCH_DATA"
"""The environment variable that names the folder. `--data-dir` sets it for one command; it is no part of a run's id."""


def data_folder() -> Path:
    """The folder of all source files: the one that `VARIABLE` names, or else the user's data directory."""
    named = os.environ.get(VARIABLE)
    return user_path(named) if named else home_folder("data")
