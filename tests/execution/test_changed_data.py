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
from vaegan_bench.execution import execution
from vaegan_bench.models.gan import GAN
from vaegan_bench.system.errors import IncompleteError


def write(folder: Path, name: str, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / name)


def run(tmp_path: Path, model: str) -> vb.Results:
    with torch.random.fork_rng():
        return vb.run(
            "smoke",
            models=[model],
            datasets=[f"folder[path={tmp_path / 'images'}]"],
            steps=2,
            batch=4,
            samples=4,
            draws=1,
            metrics=["reconstruction"],
            results=tmp_path / "results",
            cache=tmp_path / "cache",
        )


def trained(tmp_path: Path) -> dict[str, Any]:
    """The record of the study's one run, whatever its numbers."""
    results = run(tmp_path, "vae")
    [path] = results.folder.path.glob("vae-*/run.json")
    record: dict[str, Any] = json.loads(path.read_text())
    record["written"] = path.stat().st_mtime_ns
    record["mse"] = float(results.rows.loc[results.rows["metric"] == "mse", "value"].iloc[0])
    return record


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The digests of the data for which extractors were opened before anything trained."""
    found = list[str]()
    monkeypatch.setattr(execution, "open_extractors", lambda metrics, references: found.append(references.data.digest))
    return found


@pytest.mark.usefixtures("tables_alone")
def test_a_changed_image_trains_the_run_again_and_an_equal_one_does_not(tmp_path: Path, opened: list[str]) -> None:
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
    assert opened == [first["data"], changed["data"]]


def test_a_network_that_was_trained_on_other_images_is_not_lent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("memory ran out")

    for i in range(12):
        write(tmp_path / "images", f"{i:02}.png", i)
    run(tmp_path, "vae-disl")
    write(tmp_path / "images", "05.png", 99)
    monkeypatch.setattr(GAN, "objectives", fail)
    with pytest.raises(IncompleteError) as raised:
        run(tmp_path, "vae-disl")
    assert "memory ran out" in raised.value.lines[0]
    assert raised.value.lines[1].endswith(": vae-disl borrows the discriminator of gan, which failed.")
