"""A study on disk whose names and messages try to get out of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stored_study import SAMPLES, SHAPE, add, exhibits, measurement, run_record

from vaegan_bench.api import LatentVectors, Matrix, Strips
from vaegan_bench.results.measurements import Sheets
from vaegan_bench.results.records import PlannedEvaluation, PlannedMetric, StudyRecord
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.study import Study

BREAKOUTS = (
    "</script><script>window.broken = 1</script>",
    '"><img src=x onerror="window.broken = 1">',
    "<!--<script>",
    "{{ 7 * 191 }}",
)
"""What would run, or swallow the rest of the page, if it were not escaped."""
ALL = " ".join(BREAKOUTS)
METRIC = {"kind": "metric", "name": "reconstruction"}


def store_nasty_study(
    path: Path, models: tuple[str, ...] = ("vae", "gan", "vaegan[gamma=<b>]"), seeds: int = 2
) -> StudyFolder:
    """Several models and seeds, with images, strips, attributes and health verdicts."""
    folder = StudyFolder(path)
    names = [(model, seed) for model in models for seed in range(seeds)]
    ids = [f"run-{i}" for i in range(len(names))]
    for name, (model, seed) in zip(ids, names, strict=True):
        _store_run(folder, name, model, seed)
    planned = PlannedMetric(label="reconstruction", metric=METRIC)
    evaluation = PlannedEvaluation(metrics=(planned,), samples=SAMPLES, draws=2, sampler="prior")
    study = Study(name="nasty", description=f"Does it hold? {ALL}")
    folder.write_study(StudyRecord(study=study, runs=tuple(ids), evaluation=evaluation))
    return folder


def _store_run(folder: StudyFolder, name: str, model: str, seed: int) -> None:
    run, rank = folder.run(name), sum(map(ord, model)) % 7
    curves = [{"step": float(s), "prior": s * (1.0 + seed), f"{ALL} term": float(s)} for s in (10, 20, 30)]
    record = replace(
        run_record(name, model, seed),
        dataset=f"blobs {ALL}",
        remarks=(f"left out: {ALL}",),
        attributes={f"Smiling {ALL}": (-1.0, 1.0)},
    )
    with run.claim() as claim:
        run.training.write(claim, record, curves, {"decoder.weight": torch.arange(40.0) + seed})
    images = np.random.default_rng(10 * rank + seed).integers(0, 255, (30, *SHAPE[1:], SHAPE[0]), dtype=np.uint8)
    kept = {"samples": images[:24], "originals": images[2:26]}
    if model != "gan":
        kept["reconstructions"] = images[4:28]
    sheets = Sheets(SAMPLES, "prior", kept, {f"mode collapse {ALL}": "83 % of 40"})
    add(run, [(_measured(rank, seed), _exhibits(images))], sheets)


def _measured(rank: int, seed: int) -> Any:
    record = measurement({"psnr": 20.0 + rank + 0.1 * seed, "mse": 0.5 - 0.05 * rank + 0.01 * seed}, SAMPLES, 2)
    about = [
        {**row, "attribute": f"Smiling {ALL}", "metric": "retention-auc", "ceiling": 0.9} for row in record["rows"][:1]
    ]
    return {**record, "rows": [*record["rows"], *about], "problem": f"no {ALL}"}


def _exhibits(images: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Any]:
    names = (f"Smiling {ALL}", "Bald")
    matrix = Matrix(np.array([[0.5, -0.25], [0.1, 0.9]]), names, names, quantity=ALL, row="vector", column="decision")
    strips = Strips(images[:6].reshape(2, 3, *images.shape[1:]), titles=names, steps=(0.0, 1.0, 2.0), symbol=ALL)
    vectors = LatentVectors(np.array([[1.0, 0.5], [0.2, -1.0]]), names, "attribute vector")
    more = {"attribute-matrix": matrix, "attribute-strips": strips, "attribute-vectors": vectors}
    return {**exhibits(images[:6]), **more}
