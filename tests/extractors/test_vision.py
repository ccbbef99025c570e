from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import vaegan_bench
from vaegan_bench.system import vision

USE = """
import warnings
warnings.simplefilter("error")
from vaegan_bench.system.vision import load_torch_fidelity, load_torchvision
assert load_torchvision() is load_torchvision()
load_torch_fidelity()
import torchvision.transforms.v2, torchvision.models, torchvision.datasets, torchvision.utils
"""


def test_torchvision_and_torch_fidelity_import_in_a_fresh_process() -> None:
    subprocess.run([sys.executable, "-c", USE], check=True, timeout=120)


def test_nothing_happens_where_the_builds_match(monkeypatch: pytest.MonkeyPatch) -> None:
    matching = ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", matching)
    monkeypatch.setattr(vision, "_declare_operators", lambda: pytest.fail("declared operators"))
    assert vision.load_torchvision() is matching


def test_other_faults_are_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('something else')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises(RuntimeError, match="something else"):
        vision.load_torchvision()


def test_it_is_the_only_door() -> None:
    package = Path(vaegan_bench.__file__).parent
    direct = re.compile(r"^\s*(import|from) (torchvision|torch_fidelity)\b", re.MULTILINE)
    assert [path.name for path in package.rglob("*.py") if direct.search(path.read_text())] == []
