"""Results on disk: one folder per study, in it one folder per run; nothing half-written is ever seen."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from vaegan_bench.api import BenchError, Exhibits, StoreError
from vaegan_bench.evaluation.measuring import Measured
from vaegan_bench.study import Study

Pictures = Mapping[str, np.ndarray[Any, np.dtype[np.uint8]]]
"""'samples', 'originals', 'reconstructions' → (N, H, W, C) uint8; a GAN has no reconstructions."""
OPTIONAL = ("low", "high", "ceiling", "floor", "noise")
"""What a row may have beside its value; the columns are there all the same."""


class StudyFolder:
    """`results/<study>/`: one plan at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder, and make sure now that results can be written later."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise StoreError(
                f"Cannot write results to {self.path}: {error.strerror}. Choose another folder with --results."
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing into this study meanwhile. Raises `StoreError` where one does."""
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            with lock:
                yield
        except Timeout as error:
            raise StoreError(
                f"Another process is working on {self.path}: wait for it, or choose another --results."
            ) from error

    def run(self, run_id: str) -> RunFolder:
        """The folder of one run, which may not exist yet."""
        return RunFolder(self.path / run_id)

    def runs(self) -> list[RunFolder]:
        """All trained runs of the study's latest plan, in the plan's order."""
        planned = self.study()["runs"]
        return [folder for folder in map(self.run, planned) if folder.is_trained]

    def write_study(self, record: Mapping[str, Any]) -> None:
        """Record the latest plan: the study and the ids of its runs."""
        write_json(self.path / "study.json", record)

    def study(self) -> dict[str, Any]:
        """The latest plan. Raises `StoreError` where there is none."""
        path = self.path / "study.json"
        if not path.is_file():
            raise StoreError(f"{self.path} holds no study: there is no study.json in it.")
        record = read_json(path)
        with _readable(path):
            Study().with_values(record["study"], "the study")
            list(map(str, record["runs"]))
        return record

    def rows(self) -> pd.DataFrame:
        """Every number of every run: one row per run × metric. Raises `StoreError` where no run is finished."""
        name = self.study()["study"]["name"]
        rows = pd.DataFrame([{"study": name, **row} for run in self.finished() for row in run.rows()])
        return rows.astype(dict.fromkeys(OPTIONAL, float))  # a column of nothing but None would be none of numbers

    def by_dataset(self) -> dict[str, dict[str, Any]]:
        """Data set → the record of a run on it: what it says of the data holds for all."""
        return {record["dataset"]: record for record in (run.record() for run in self.runs())}

    def history(self) -> pd.DataFrame:
        """The learning curves of every run: one row per run × term × interval.

        Raises `StoreError` where no run is finished.
        """
        return pd.concat([run.history() for run in self.finished()], ignore_index=True)

    def finished(self) -> list[RunFolder]:
        """The same runs, of which there is at least one. Raises `StoreError` where there is none."""
        runs = self.runs()
        if not runs:
            raise StoreError(f"{self.path} holds no finished run yet: train some with vaegan-bench run.")
        return runs


class RunFolder:
    """`results/<study>/<run>/`: the definition, the history, the weights; after evaluation the metrics and pictures."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_trained(self) -> bool:
        """Whether training came to its end here, in success or divergence."""
        return (self.path / "run.json").is_file()

    def is_measured(self, evaluation: Mapping[str, Any]) -> bool:
        """Whether all numbers here were measured in this way; a diverged run has none to measure."""
        if self.record()["status"] != "ok":
            return True
        metrics = self._metrics()
        return not metrics.get("problems") and bool(metrics.get("evaluation") == json.loads(json.dumps(evaluation)))

    def write_trained(
        self, record: Mapping[str, Any], history: list[dict[str, float]], weights: dict[str, Tensor]
    ) -> None:
        """Write what training left; the folder appears whole or not at all."""
        with _new_folder(self.path) as partial:
            write_json(partial / "run.json", record)
            columns = list(dict.fromkeys(["step", *(name for row in history for name in row)]))
            pd.DataFrame(history, columns=columns).to_csv(partial / "history.csv", index=False)
            (partial / "weights.safetensors").write_bytes(save(weights))

    def write_measured(
        self, evaluation: Mapping[str, Any], weights: Mapping[str, str], measured: Measured, health: Mapping[str, str]
    ) -> None:
        """Write the numbers, how they were measured, a hash of each extractor's `weights`, and verdicts on training."""
        with whole_file(self.path / "exhibits.npz") as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **measured.exhibits)
        content = {"rows": measured.rows, "problems": measured.problems, "health": health}
        write_json(self.path / "metrics.json", {"evaluation": evaluation, "weights": weights, **content})

    def write_pictures(self, pictures: Pictures) -> None:
        """Keep the pictures that sheets are made from."""
        with whole_file(self.path / "pictures.npz") as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **pictures)

    def record(self) -> dict[str, Any]:
        """The run's definition, fate and cost."""
        return read_json(self.path / "run.json")

    def history(self) -> pd.DataFrame:
        """The learning curves: columns run, dataset, model, seed, step, images, term, value."""
        record = self.record()
        with _readable(self.path / "history.csv") as path:
            wide = pd.read_csv(path)
            long = wide.melt(id_vars="step", var_name="term", value_name="value").dropna()
        first = {"run": record["id"], "dataset": record["dataset"], "model": record["label"], "seed": record["seed"]}
        return long.assign(**first, images=long["step"] * record["definition"]["batch"])

    def pictures(self) -> Pictures:
        """What `write_pictures` kept; nothing for a run that diverged."""
        return self._arrays("pictures.npz")

    def exhibits(self) -> Exhibits:
        """What figures are drawn from, by name; nothing for a run that was not measured."""
        return self._arrays("exhibits.npz")

    def _arrays(self, name: str) -> Exhibits:
        path = self.path / name
        if not path.is_file():
            return {}
        with _readable(path):
            return dict(np.load(path, allow_pickle=False))

    def weights(self) -> dict[str, Tensor]:
        """The weights by role and name. Raises `StoreError` where they were not kept."""
        path = self.path / "weights.safetensors"
        if not path.is_file():
            raise StoreError(f"{self.path} has no weights: reference results come without; train the run again.")
        with _readable(path):
            return load_file(path)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The run's rows, those of its training first."""
        record = self.record()
        first = {key: record[key] for key in ("dataset", "networks", "seed", "status", "setting")}
        first = {"run": record["id"], "model": record["label"], **first, "health": self.health()}
        return tidy(first, [*_training_rows(record), *self._metrics().get("rows", [])])

    def health(self) -> str:
        """'ok', or what went wrong in training with the numbers that say so: 'mode collapse: 83% of …; …'."""
        status: str = self.record()["status"]
        verdicts: dict[str, str] = self._metrics().get("health", {})
        told = [f"{verdict}: {numbers}" for verdict, numbers in verdicts.items()]
        return status if status != "ok" else "; ".join(told) or status

    def problems(self) -> dict[str, str]:
        """metric → why it gave no numbers."""
        problems: dict[str, str] = self._metrics().get("problems", {})
        return problems

    def extractor_weights(self) -> dict[str, str]:
        """Extractor → a hash of the weights that this run was measured with; {} for a run that was not."""
        weights: dict[str, str] = self._metrics().get("weights", {})
        return weights

    def _metrics(self) -> dict[str, Any]:
        path = self.path / "metrics.json"
        return read_json(path) if path.is_file() else {}


def tidy(first: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows as tables take them: with the columns of their run, `first`, and their protocol as text."""
    for row in rows:
        yield {**first, **row, "protocol": json.dumps(row["protocol"], sort_keys=True)}


def _training_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    units = {"steps": "steps", "parameters": "weights", "speed": "images/s", "seconds": "s"}
    shared: dict[str, Any] = {"family": "training", "direction": "none", "protocol": {}, "attribute": ""}
    shared |= dict.fromkeys(OPTIONAL)
    return [{"metric": name, "value": record[name], "units": unit, **shared} for name, unit in units.items()]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read JSON. Raises `StoreError` for a file that cannot be read."""
    with _readable(path):
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """Turn whatever a missing or damaged file raises into a `StoreError` that names it."""
    try:
        yield path
    except FileNotFoundError as error:
        raise StoreError(f"Cannot read {path}: there is no such file.") from error
    except KeyError as error:
        raise StoreError(f"Cannot read {path}: it is damaged (there is no {error} in it).") from error
    except (BenchError, OSError, ValueError, TypeError, BadZipFile, SafetensorError) as error:
        raise StoreError(f"Cannot read {path}: it is damaged ({error}).") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end. Raises `StoreError` where it cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` that takes its place at the end."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"Cannot write {path}: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
