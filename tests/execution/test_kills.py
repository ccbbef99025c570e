"""A study that is killed again and again, as benchmarks/kills.py does it: a small part of that."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_a_study_that_is_killed_ends_with_the_same_bits() -> None:
    line = [sys.executable, str(SCRIPT), "--kills", "10", "--models", "vaegan", "--steps", "8"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *_, kills, studies = done.stdout.splitlines()
    assert re.match(r"10 kills: \d+ starting, ", kills)
    assert re.fullmatch(r"(\d+) studies of \1 runs ended; 0 runs differed", studies)
