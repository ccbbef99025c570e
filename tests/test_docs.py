"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["metrics.md", "cli.md"])
def test_pages_say_what_the_code_says(page: str, generate: ModuleType) -> None:
    path = ROOT / "docs" / page
    assert page in generate.PAGES
    assert generate.generated(path) == path.read_text("utf-8"), "run: python docs/generate.py"
