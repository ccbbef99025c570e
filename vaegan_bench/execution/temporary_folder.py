"""A temporary folder of this process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def temporary_folder() -> Path:
    """A folder of this process, made at the first call, which is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="vaegan-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
