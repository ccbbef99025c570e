"""Tidy rows of one number per model and seed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd


def rows(
    values: dict[str, Sequence[float]], metric: str = "psnr", direction: str = "higher", **more: object
) -> pd.DataFrame:
    """One number of each model for each seed."""
    fixed = {"dataset": "avatars", "metric": metric, "direction": direction, "units": "dB", "family": "reconstruction"}
    fixed |= {"networks": "compact", "setting": "3f2a", "status": "ok", "attribute": "", "protocol": json.dumps({})}
    return pd.DataFrame(
        fixed | {"run": f"{model}-{seed}", "model": model, "seed": seed, "value": value} | more
        for model, of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
    )


EIGHT = [0.1, 0.4, 0.2, 0.9, 0.3, 0.8, 0.5, 0.7]


def shifted(by: float) -> list[float]:
    return [20 + by + x for x in EIGHT]
