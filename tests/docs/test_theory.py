"""The documents name files of the repository: every relative link must lead to one."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("*.md", "docs/*.md", "plugins/**/README.md", "results/README.md")
DOCUMENTS = sorted(path for pattern in FOLDERS for path in ROOT.glob(pattern))

# Code and formulas are full of brackets and parentheses that are not links.
NOT_PROSE = re.compile(r"^```.*?^```|\$\$.*?\$\$|\$`[^`\n]*`\$|`[^`\n]*`|\$[^$\n]+\$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(\s*([^)\s]+)[^)]*\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def relative_links(markdown: str) -> list[str]:
    """Targets of links and images that are neither addresses nor anchors, without their anchors."""
    targets = LINK.findall(NOT_PROSE.sub("", markdown))
    return [unquote(target.partition("#")[0]) for target in targets if not ELSEWHERE.match(target)]


def test_links_are_told_from_code_and_formulas() -> None:
    links = "[a](b.md#c) ![d](e.png 'title') [`f`](../g%20h.py)\n"
    others = "[i](https://j.org) [k](#l) `[m](n)` $[o](p)$\n$$\n[q](r)\n$$\n```\n[s](t)\n```\n"
    assert relative_links(links + others + links) == 2 * ["b.md", "e.png", "../g h.py"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files_of_the_repository(document: Path) -> None:
    targets = relative_links(document.read_text(encoding="utf-8"))
    places = {target: (document.parent / target).resolve() for target in targets}
    missing = [t for t, place in places.items() if not place.exists() or not place.is_relative_to(ROOT)]
    assert not missing, f"{document.relative_to(ROOT)} links to what is not there: {missing}"
