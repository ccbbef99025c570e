"""A table in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], lines: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table of cells in Markdown; the first `left` columns are aligned to the left, the others to the right.

    A '|' that is not escaped yet is escaped, so that it does not end its cell.
    """
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(map(_escape, line))} |" for line in [head, rule, *lines])


def _escape(cell: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\|", cell)
