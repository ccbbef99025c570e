"""Pages that are made from the code say what the code says, and pages have lines of a readable length."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from vaegan_bench.registry.builtin import ROOMS
from vaegan_bench.registry.plugins import Registry

ROOT = Path(__file__).parents[2]
PROSE = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/**/README.md")}
)
NOT_PROSE = re.compile(r"^```.*?^```$|^\$\$.*?\$\$$|^\|.*?$|^ {4,}.*?$|^\[[^\]\n]+\]: .*?$", re.MULTILINE | re.DOTALL)
"""Code, formulas, tables and addresses, which may be longer."""


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["metrics.md", "cli.md", "contestants.md"])
def test_pages_say_what_the_code_says(page: str, generate: ModuleType) -> None:
    path = ROOT / "docs" / page
    assert page in generate.PAGES
    assert generate.generated(path) == path.read_text("utf-8"), "run: python docs/generate.py"


def test_the_list_of_built_in_plugins_has_a_section_for_every_kind(generate: ModuleType) -> None:
    listed = [kind for kinds in generate.KINDS.values() for kind in kinds]
    registered = {kind for kind, _ in Registry([]).entries}
    assert registered == set(listed)


def test_contributors_are_told_the_rooms_in_which_plugins_are_found() -> None:
    listed = re.search(r"The rooms are (.*?)\.\s", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    assert listed is not None
    assert re.findall(r"`([\w/]+)`", listed[1]) == [room.replace(".", "/") for room in ROOMS]


@pytest.mark.parametrize(("kind", "page"), [("dataset", "datasets.md"), ("metric", "metrics.md")])
def test_the_guide_has_every_plugin_of_its_kind(kind: str, page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    assert [name for name in Registry([]).of_kind(kind) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_prose_has_at_most_a_hundred_characters_in_a_line(page: Path) -> None:
    prose = NOT_PROSE.sub("", page.read_text("utf-8")).splitlines()
    assert [line for line in prose if len(line) > 100] == []
