"""A study that is killed again and again, as benchmarks/kills.py does it: a small part of that."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from stored_study import store_study

from vaegan_bench.results.checkpoints import CHECKPOINT

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from kills import Experiment

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kills.py"


def test_a_kill_is_counted_where_it_fell(tmp_path: Path) -> None:
    experiment, study = Experiment(tmp_path, tmp_path / "cache", "vae", 4), store_study(tmp_path / "smoke")
    first, second = study.runs()[:2]
    assert experiment.phase(0.0) == "writing tables"
    (first.path / "metrics.json").unlink()
    assert experiment.phase(0.0) == "measuring"
    with second.claim() as claim, claim.staged(second.path) as staged:
        staged.mkdir()
        assert experiment.phase(0.0) == "writing a trained run"
        staged.rmdir()
        with claim.staged(second.path / CHECKPOINT) as checkpoint:
            checkpoint.touch()
            assert experiment.phase(0.0) == "writing a checkpoint"
            assert experiment.phase(checkpoint.stat().st_mtime + 60) == "measuring"


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_a_study_that_is_killed_ends_with_the_same_bits() -> None:
    line = [sys.executable, str(SCRIPT), "--kills", "10", "--models", "vaegan", "--steps", "8"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *_, kills, studies = done.stdout.splitlines()
    assert re.match(r"10 kills: \d+ starting, ", kills)
    assert re.fullmatch(r"(\d+) studies of \1 runs ended; 0 runs differed", studies)
