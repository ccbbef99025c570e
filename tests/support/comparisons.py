"""Rows of studies that nobody ran, and their table as the terminal shows it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

import pandas as pd
from rich.console import Console

from vaegan_bench.report import tables

PROTOCOL = {"n_real": 1000, "n_fake": 1000, "extractor": "efflite0", "weights": "ab" * 32}


def row(model: str, seed: int, metric: str, value: float, **changed: object) -> dict[str, object]:
    family, direction, units = {
        "frechet[efflite0]": ("sample quality", "lower", ""),
        "psnr": ("reconstruction", "higher", "dB"),
        "steps": ("training", "none", ""),
        "parameters": ("training", "none", ""),
    }[metric]
    measured = {"metric": metric, "family": family, "value": value, "direction": direction, "units": units}
    run = {"study": "quick", "run": f"{model}-{seed}", "dataset": "avatars", "networks": "larsen", "model": model}
    fixed = {"seed": seed, "status": "ok", "setting": "3f2a", "protocol": json.dumps(PROTOCOL)}
    health = changed.get("status", "ok")
    beside = dict.fromkeys(("low", "high", "ceiling", "floor", "noise"))
    return run | fixed | measured | beside | {"attribute": "", "health": health} | changed


def run(model: str, seed: int, frechet: float, psnr: float | None = None, **changed: object) -> list[dict[str, object]]:
    rows = [row(model, seed, "steps", 2000.0, **changed), row(model, seed, "parameters", 3456789.0, **changed)]
    rows.append(row(model, seed, "frechet[efflite0]", frechet, **changed))
    return rows + ([row(model, seed, "psnr", psnr, **changed)] if psnr is not None else [])


def diverged(model: str, seed: int) -> list[dict[str, object]]:
    return [row(model, seed, "steps", 812.0, status="diverged at step 812")]


def frame(*runs: Iterable[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame([row for run in runs for row in run])


def eight_seeds(lead: float = 1.0) -> pd.DataFrame:
    """The second model ahead of both others in every one of eight seeds, by `lead` of the first."""
    return frame(
        *(run("vae", seed, 30 + seed, 21 + seed) for seed in range(8)),
        *(run("vaegan", seed, 30 + seed - lead, 20 + seed) for seed in range(8)),
        *(run("gan", seed, 40 + seed) for seed in range(8)),
    )


def printed(rows: pd.DataFrame, width: int = 200) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(tables.to_rich(rows, "quick [sic]"))
    return console.export_text()
