"""A run is trained again where its data are others now, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vaegan_bench as vb


def write(folder: Path, name: str, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / name)


def trained(tmp_path: Path) -> dict[str, Any]:
    """The record of the study's one run, whatever its numbers."""
    with torch.random.fork_rng():
        results = vb.run(
            "smoke",
            models=["vae"],
            datasets=[f"folder[path={tmp_path / 'images'}]"],
            steps=2,
            batch=4,
            samples=4,
            draws=1,
            metrics=["reconstruction"],
            results=tmp_path / "results",
            cache=tmp_path / "cache",
        )
    [path] = results.folder.path.glob("vae-*/run.json")
    record: dict[str, Any] = json.loads(path.read_text())
    record["written"] = path.stat().st_mtime_ns
    record["mse"] = float(results.rows.loc[results.rows["metric"] == "mse", "value"].iloc[0])
    return record


@pytest.mark.usefixtures("tables_alone")
def test_a_changed_image_trains_the_run_again_and_an_equal_one_does_not(tmp_path: Path) -> None:
    for i in range(12):
        write(tmp_path / "images", f"{i:02}.png", i)
    first, again = trained(tmp_path), trained(tmp_path)
    assert again == first
    write(tmp_path / "images", "05.png", 5)  # the same content, written anew
    assert trained(tmp_path) == first
    write(tmp_path / "images", "05.png", 99)
    changed = trained(tmp_path)
    assert changed["data"] != first["data"]
    assert changed["written"] > first["written"]
    assert changed["id"] == first["id"]
    assert changed["mse"] != first["mse"]
    assert trained(tmp_path) == changed
