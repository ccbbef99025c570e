"""The folder in which the source files of data sets are searched."""

from __future__ import annotations

import os
from pathlib import Path

from vaegan_bench.system.paths import home_folder, user_path

VARIABLE = "VAEGAN_BENCH_DATA"
"""The environment variable, which `--data-dir` sets for one command; it is not part of a run's identity."""


def data_folder() -> Path:
    """The folder of all source files: the variable's, or the user's data directory."""
    named = os.environ.get(VARIABLE)
    return user_path(named) if named else home_folder("data")
