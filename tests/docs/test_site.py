"""The documentation site leads links to its own pages, draws formulas without a script, and loads nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("mkdocs", reason="the site's packages are not installed: make docs installs them")
    pytest.importorskip("latex2mathml", reason="the site's packages are not installed: make docs installs them")
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.pages.update(
        {"README.md": "index.md", "docs/theory.md": "theory.md", "plugins/README.md": "plugins/index.md"}
    )
    module.modules["vaegan_bench/models/vae.py"] = "vaegan_bench.models.vae"
    return module


def on(site: ModuleType, page: str, markdown: str) -> str:
    return str(site.on_page_markdown(markdown, page=SimpleNamespace(file=SimpleNamespace(src_uri=page))))


def test_links_lead_to_pages_of_the_site(site: ModuleType) -> None:
    assert (
        on(site, "index.md", "[a](docs/theory.md#b) [c](plugins/README.md)") == "[a](theory.md#b) [c](plugins/index.md)"
    )
    assert on(site, "plugins/index.md", "[a](../docs/theory.md)") == "[a](../theory.md)"


def test_links_to_plugins_lead_to_the_reference_and_other_code_loses_its_link(site: ModuleType) -> None:
    assert on(site, "theory.md", "[vae](../vaegan_bench/models/vae.py)") == "[vae][vaegan_bench.models.vae]"
    assert on(site, "theory.md", "[tests](../tests/docs/test_site.py)") == "tests"


def test_links_in_code_and_to_other_sites_stay(site: ModuleType) -> None:
    text = "[a](https://b.org/c) [d](#e) `[f](g)`\n\n```\n[h](i) $j$\n```\n"
    assert on(site, "theory.md", text) == text


def test_a_link_to_nothing_is_refused(site: ModuleType) -> None:
    with pytest.raises(Exception, match=r"docs/theory\.md links to docs/none\.md, which is not there"):
        on(site, "theory.md", "[a](none.md)")


def test_formulas_become_mathml(site: ModuleType) -> None:
    markdown = on(site, "theory.md", "`$PATH` costs $x_i$:\n\n$$\\log x_j$$\n")
    assert "x_" not in markdown
    html = site.on_page_content(markdown)
    assert html.startswith("`$PATH` costs <math")
    assert '<mi>log</mi><mspace width="0.17em"/>' in html
    assert html.count("<math") == 2


@pytest.mark.parametrize(
    "loaded", ['<script src="https://a.org/b.js">', '<link rel="stylesheet" href="//a.org/b.css">']
)
def test_a_page_that_loads_something_is_refused(site: ModuleType, loaded: str) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="a.md"))
    assert site.on_post_page('<a href="https://a.org">', page=page) == '<a href="https://a.org">'
    with pytest.raises(Exception, match="loads something from the network"):
        site.on_post_page(loaded, page=page)
