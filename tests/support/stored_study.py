"""A study on disk that nobody trained: two models over two seeds, with numbers, exhibits, images and weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from vaegan_bench.api import Exhibit, Exhibits, ImagePairs, Matrix, Spectrum
from vaegan_bench.results.files import read_json, write_json
from vaegan_bench.results.measurements import Sheets
from vaegan_bench.results.records import (
    MeasurementRecord,
    PlannedEvaluation,
    PlannedMetric,
    Row,
    RunRecord,
    StudyRecord,
    read_run,
)
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study import Study

METRIC = {"kind": "metric", "name": "reconstruction"}
SAMPLES, DRAWS = 40, 2
SHAPE = (3, 8, 10)


def store_study(path: Path) -> StudyFolder:
    """Write the study; its runs are named MODEL-SEED."""
    folder = StudyFolder(path)
    runs = [(model, seed) for model in ("vae", "gan") for seed in (0, 1)]
    for model, seed in runs:
        store_run(folder.run(f"{model}-{seed}"), model, seed)
    planned = PlannedMetric(label="reconstruction", metric=METRIC)
    evaluation = PlannedEvaluation(metrics=(planned,), samples=SAMPLES, draws=DRAWS, sampler="prior")
    ids = tuple(f"{model}-{seed}" for model, seed in runs)
    folder.write_study(StudyRecord(study=Study(name="stored"), runs=ids, evaluation=evaluation))
    return folder


def store_run(run: RunFolder, model: str, seed: int) -> None:
    weights = {"decoder.weight": torch.arange(4000.0).reshape(40, 100) + seed}
    curves = [{"step": float(step), "prior": step + 0.5, "reconstruction": 3.0 * step + seed} for step in (10, 20, 30)]
    with run.claim() as claim:
        run.training.write(claim, run_record(run.path.name, model, seed), curves, weights)
    images = np.random.default_rng(seed).integers(0, 255, (6, *SHAPE[1:], SHAPE[0]), dtype=np.uint8)
    sheets = Sheets(SAMPLES, "prior", {"samples": images[:4], "originals": images[2:]}, {"mode collapse": "83 % of 40"})
    first = seed + (0.25 if model == "vae" else 0.75)
    add(run, [(measurement({"psnr": 20.0 + first, "mse": first}, SAMPLES, DRAWS), exhibits(images))], sheets)


def add(run: RunFolder, measured: Sequence[tuple[MeasurementRecord, Exhibits]], sheets: Sheets | None = None) -> None:
    """Add measurements, as a process does that has claimed the run."""
    with run.claim() as claim:
        run.measurements.add(claim, measured, sheets)


def file_of(run: Path, name: str) -> Path:
    """A file of a run; the names of arrays have a hash in them."""
    kind, _, suffix = name.partition(".")
    return next(run.glob(f"{kind}-*.npz")) if suffix == "npz" else run / name


def measurement(values: Mapping[str, float], samples: int, draws: int, **changes: Any) -> MeasurementRecord:
    record: Any = {
        "label": "reconstruction", "metric": METRIC, "samples": samples, "draws": draws, "sampler": "prior",
        "code": {"vaegan_bench": "0a"},
        "weights": {}, "rows": [row(name, value, samples, draws) for name, value in values.items()], "problem": "",
        "exhibits": ["latent", "attribute-matrix", "nearest-training"],
    }  # fmt: skip
    return {**record, **changes}


def row(name: str, value: float, samples: int, draws: int) -> Row:
    return {
        "metric": name, "value": value, "direction": "higher" if name == "psnr" else "lower", "units": "1",
        "protocol": {"n_fake": samples, "draws": draws, "split": "test"}, "attribute": "", "low": value - 1,
        "high": None, "ceiling": None, "floor": None, "noise": 0.5, "family": "reconstruction",
    }  # fmt: skip


def exhibits(images: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Exhibit]:
    names = ("Smiling", "Bald")
    changes = np.array([[0.5, -0.25], [np.nan, np.nan]], np.float32)
    return {
        "latent": spectrum(2.0, 0.25, 0.001),
        "attribute-matrix": Matrix(changes, names, names, quantity="change", row="vector", column="decision"),
        "nearest-training": ImagePairs(np.stack([images[:3], images[3:]], axis=1), ("sample", "nearest in training")),
    }


def spectrum(*values: float) -> Spectrum:
    return Spectrum(np.array(values, np.float32), "KL", "nats", dimension="latent dimension", threshold=0.01)


def run_record(name: str, model: str, seed: int) -> RunRecord:
    plugin = {"name": model}
    definition = {
        "model": plugin, "dataset": plugin, "networks": plugin, "optimizer": plugin, "term_weights": {}, "seed": seed,
        "size": 8, "split": "test", "steps": 30, "batch": 16, "ema": 0.0, "precision": "float32", "device": "cpu",
        "threads": 1, "versions": {}, "code": {}, "unfollowed": [],
    }  # fmt: skip
    record = {
        "id": name, "label": model, "seed": seed, "dataset": "blobs 8×10", "networks": "compact", "status": "ok",
        "steps": 30, "seconds": 1.5, "speed": 320.0, "parameters": 4000, "shape": list(SHAPE),
        "attributes": {"Smiling": [-1.0, 1.0], "Bald": [-1.0, 1.0]}, "data": "ab" * 32,
        "images": "60 training images",
        "remarks": [], "setting": "3f2a", "environment": {"device": "cpu", "python": "3.11"},
        "definition": definition, "finished": "2016-01-01T00:00:00+00:00", "files": {},
    }  # fmt: skip
    return read_run(record)


def edit(path: Path, **changes: Any) -> None:
    """Change keys of a record, as its writer would have: with the hash of its content."""
    write_json(path, {**read_json(path), **changes})


def forge(path: Path, content: object) -> None:
    """Write any JSON with the hash that a reader looks for, as somebody who wants to be believed would."""
    from vaegan_bench.results.files import sha256_of_content

    sealed = {**content, "sha256": sha256_of_content(content)} if isinstance(content, dict) else content
    path.write_text(json.dumps(sealed), "utf-8")


def declared(folder: StudyFolder, *headline: str) -> pd.DataFrame:
    """The rows of a stored study whose one metric declares these headlines."""
    record = folder.study()
    metrics = tuple(replace(each, headline=headline) for each in record.evaluation.metrics)
    folder.write_study(replace(record, evaluation=replace(record.evaluation, metrics=metrics)))
    return folder.rows()
