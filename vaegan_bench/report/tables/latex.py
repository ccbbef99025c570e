"""The table of a study as LaTeX, with all names escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from vaegan_bench.report.tables.instruments import MARK
from vaegan_bench.report.tables.typeset import Cell, Column, TypesetTable, typeset
from vaegan_bench.report.tables.words import heading
from vaegan_bench.system.errors import one_line

BOOKTABS = r"% In the preamble: \usepackage{booktabs}"
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": "{`}", "'": "{'}", '"': "{''}",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "†": r"$\dagger$", "±": r"$\pm$", "×": r"$\times$", "∞": r"$\infty$",
    "−": "$-$", "²": "$^2$", "—": "---",
}  # fmt: skip
"""Characters that LaTeX interprets or cannot print in text; braces keep neighbours from merging into one character."""
POWER = re.compile(r"e([+-])0*(\d+)")


def escape(text: str) -> str:
    """A text escaped for LaTeX, without hyphens that merge; characters that are not in `SIGNS` stay as they are."""
    parts = re.split("(?<=[-—])(?=[-—])", one_line(text))
    return "{}".join("".join(SIGNS.get(sign, sign) for sign in part) for part in parts)


def to_latex(rows: pd.DataFrame, *, headlines: bool) -> str:
    """The tables of `typeset` for the package booktabs, each with its caption above."""
    return "\n".join([BOOKTABS, *("\n".join(_lines(table)) for table in typeset(rows, headlines=headlines))])


def _lines(table: TypesetTable) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"  \centering"
    yield rf"  \caption{{{escape(f'{table.title}: {table.caption}')}}}"
    yield rf"  \begin{{tabular}}{{l{'r' * len(table.columns)}}}"
    yield r"    \toprule"
    yield _line(["model", *map(_heading, table.columns)])
    yield r"    \midrule"
    for model, cells in table.lines.items():
        yield _line([rf"\texttt{{{escape(model)}}}", *map(_cell, cells)])
    yield r"    \bottomrule"
    yield r"  \end{tabular}"
    yield r"\end{table}"


def _line(texts: list[str]) -> str:
    return rf"    {' & '.join(texts)} \\"


def _heading(column: Column) -> str:
    return escape(heading(column.metric, column.direction, column.units) + ("" if column.usable else MARK))


def _cell(cell: Cell) -> str:
    text = _number(cell.text)
    return rf"\textbf{{{text}}}" if cell.best else text


def _number(text: str) -> str:
    """A number such as '(1.2 ± 0.1)e-05 (n = 2)' in LaTeX: the exponent as a power of ten, a hyphen as a minus sign."""
    if not (found := POWER.search(text)):
        return _minus(text)
    power = rf" $\times 10^{{{found[1].strip('+')}{found[2]}}}$"
    return _minus(text[: found.start()]) + power + _minus(text[found.end() :])


def _minus(text: str) -> str:
    return re.sub(r"-(?=\d)", "$-$", escape(text))
