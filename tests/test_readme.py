"""The README's plugin works as printed, and its numbers are those of the reference results."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from vaegan_bench.api import Model
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.testing import blobs, small_run
from vaegan_bench.training.loop import train

README = Path(__file__).parent.parent / "README.md"


def test_the_loss_in_the_readme_registers_and_trains(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    (plugin,) = [block for block in blocks if "hookimpl" in block]
    file = tmp_path / "charbonnier.py"
    file.write_text(plugin)
    model = Registry([file]).build(Model, "vaegan[similarity=charbonnier]")
    assert train(small_run(model), blobs(), torch.device("cpu")).status == "ok"


def test_the_selectors_in_the_readme_can_be_built() -> None:
    registry = Registry()
    selectors = re.findall(r'run --models "?([a-z-]+\[[^"\n]*\])"?', README.read_text("utf-8"))
    assert len(selectors) >= 2
    for selector in selectors:
        registry.build(Model, selector)


def test_the_numbers_in_the_readme_are_those_of_the_reference_results() -> None:
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["vae", "gan", "vaegan", "vaegan-pixel"]
    summary = (README.parent / "results" / "reference-quick" / "summary.md").read_text("utf-8").splitlines()
    for row in rows:
        model, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        found = {cell.strip() for line in summary if line.startswith(f"| {model} |") for cell in line.split("|")}
        assert set(cells) <= found


def test_the_images_in_the_readme_are_there() -> None:
    images = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text("utf-8"))
    assert len(images) >= 2
    assert all((README.parent / image).is_file() for image in images)
