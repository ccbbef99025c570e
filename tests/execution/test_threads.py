"""A run computes with the threads of its setting, whatever the machine has and whoever measures it again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from shell import bench

import vaegan_bench as vb

COUNTER = '''
"""A metric that counts threads."""
from dataclasses import dataclass
import torch
from vaegan_bench.api import Measurement, Metric, hookimpl

@dataclass(frozen=True, kw_only=True)
class Threads(Metric):
    """The threads that torch computes with."""
    name = "threads"
    family = "sample quality"

    def __call__(self, outputs):
        return [Measurement("threads", torch.get_num_threads(), "none", "1")]

@hookimpl
def vaegan_bench_plugins():
    return [Threads]
'''


@pytest.mark.usefixtures("tables_alone")
def test_a_run_is_trained_and_measured_with_the_threads_of_its_setting(tmp_path: Path) -> None:
    (tmp_path / "counter.py").write_text(COUNTER)
    common = ("--metrics", "threads", "--plugin", "counter.py", "--cache-dir", "cache")
    line = ("run", "smoke", "--models", "vae", "--steps", "2", "--samples", "32", "--threads", "2", *common)
    assert bench(*line, cwd=tmp_path).returncode == 0
    study = vb.load(tmp_path / "results" / "smoke")
    assert study.rows.set_index("metric")["value"]["threads"] == 2
    (run,) = study.folder.runs()
    assert run.record().definition.threads == 2
    assert run.record().environment.device.endswith(", 2 threads)")
    assert torch.get_num_threads() == 1
    again = bench("evaluate", run.path, "--samples", "16", "--out", "rows.csv", *common, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows.set_index("metric")["value"]["threads"] == 2
    assert torch.get_num_threads() == 1


def test_studies_with_other_threads_have_other_runs(tmp_path: Path) -> None:
    from vaegan_bench.models.vae import VAE
    from vaegan_bench.testing.small import small_run

    one, two = small_run(VAE()), small_run(VAE(), threads=2)
    assert one.setting_id != two.setting_id
    assert one.id != two.id
