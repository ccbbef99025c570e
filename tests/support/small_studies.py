"""What tests of engines share: a study and what it leaves, and plugins that end their processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from vaegan_bench.api import Engine, hookimpl
from vaegan_bench.execution.execution import Execution
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.writing import write_tables
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study_file import load_study

SMALL = {"steps": 4, "samples": 32, "metrics": ["reconstruction"]}

MORTAL = '''
"""Models that end the process in which they are trained, once or always; one that speaks, and one that waits."""
import os, signal, time, warnings
from dataclasses import dataclass
from pathlib import Path
import torch
from vaegan_bench.api import Model, hookimpl
from vaegan_bench.models.vae import VAE
from vaegan_bench.system.errors import StudyWarning

@dataclass(frozen=True, kw_only=True)
class Mortal(Model):
    """Kills its process at its second step."""
    name = "mortal"
    players = VAE.players
    always: bool = False

    def objectives(self, play):
        if play.step == 1 and (self.always or not Path("killed").exists()):
            Path("always killed" if self.always else "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return VAE().objectives(play)

@dataclass(frozen=True, kw_only=True)
class Speaker(Model):
    """Says what it does."""
    name = "speaker"
    players = VAE.players
    about: str = "this"

    def objectives(self, play):
        if play.step == 1:
            print(f"a word about {self.about} from {torch.get_num_threads()} threads")
            warnings.warn("a warning about both", StudyWarning)
        return VAE().objectives(play)

@dataclass(frozen=True, kw_only=True)
class Waiting(Model):
    """Takes a tenth of a second for each step, until a file says that it need not."""
    name = "waiting"
    players = VAE.players
    which: int = 0

    def objectives(self, play):
        if play.step == 1:
            Path(f"waiting-{self.which}.begun").touch()
        if not Path("hurry").exists():
            time.sleep(0.1)
        return VAE().objectives(play)

@hookimpl
def run_started(run, done):
    Path(f"{run}.started").write_text(str(done))

@hookimpl
def vaegan_bench_plugins(): return [Mortal, Speaker, Waiting]
'''


@contextmanager
def tables_alone() -> Iterator[None]:
    """Studies write their tables, but no figures and no page, which take longer than a small study itself."""
    with mock.patch("vaegan_bench.execution.run_study.write_report", lambda folder, registry: write_tables(folder)):
        yield


class Notebook:
    """Writes down what it is told of each run."""

    def __init__(self) -> None:
        self.heard: dict[str, list[str]] = {}
        self.runs: list[str] = []

    @hookimpl
    def run_started(self, run: str, steps: int) -> None:
        self.runs.append(run)
        self.heard[run] = [f"run of {steps}"]

    @hookimpl
    def step_ended(self, run: str, step: int) -> None:
        self.heard[run].append(f"step {step}")

    @hookimpl
    def terms_logged(self, run: str, step: int, terms: dict[str, float]) -> None:
        self.heard[run].append(f"terms {step}" if "weight of autoencoder.prior" in terms or len(terms) > 3 else "?")

    @hookimpl
    def run_evaluated(self, run: str, rows: list[dict[str, Any]]) -> None:
        self.heard[run].append(f"evaluated {len(rows) > 0}")

    @hookimpl
    def run_ended(self, run: str, status: str) -> None:
        self.heard[run].append(f"ended {status}")


def executed(folder: Path, engine: Engine) -> tuple[Execution, Notebook]:
    """A study with a lender, a borrower that is named first, and a trained extractor, in a cache of its own."""
    registry, notebook = Registry(), Notebook()
    registry.manager.register(notebook, "notebook")
    metrics = ["reconstruction", "frechet[extractor=oracle[images=256]]"]
    values = {**SMALL, "models": ["vae-disl", "vae"], "metrics": metrics}
    plan = make_plan(load_study("smoke").with_values(values, "the test"), registry)
    execution = Execution(plan, registry, StudyFolder(folder / "study"), folder / "cache", engine=engine)
    execution.run()
    return execution, notebook


def values(run: RunFolder) -> list[tuple[Any, ...]]:
    rows = (row for row in run.rows() if row["family"] != "training")
    return [(row["metric"], row["attribute"], row["value"], row["low"], row["protocol"]) for row in rows]
