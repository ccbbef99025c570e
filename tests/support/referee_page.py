"""The tables of docs/referee.md as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from documents import column, section
from games_as_written import SCALE, Move

PAGE = "referee.md"
WRITTEN, PUBLISHED = 3, 4
Symbols = Mapping[str, float]

CELLS: dict[str, Callable[[Symbols], float]] = {
    "0": lambda _: 0.0,
    "½": lambda _: 0.5,
    "1": lambda _: 1.0,
    "2": lambda _: 2.0,
    "10⁻⁶": lambda _: 1e-6,
    "λ": lambda _: SCALE,
    "−λ": lambda _: -SCALE,
    "1 − λ": lambda _: 1 - SCALE,
    "−(1 − λ)": lambda _: SCALE - 1,
    "2 − λ": lambda _: 2 - SCALE,
    "w": lambda symbols: symbols["w"],
    "B": lambda symbols: symbols["B"],
    "2/P": lambda symbols: 2 / symbols["P"],
    "P/2": lambda symbols: symbols["P"] / 2,
}


def coefficients(heading: str, which: int, symbols: Symbols) -> dict[Move, dict[str, float]]:
    """(whose weights, when) → term → coefficient, from one column of the table below a heading."""
    player, when, term, cells = (column(section(PAGE, heading), number) for number in (0, 1, 2, which))
    read: dict[Move, dict[str, float]] = {}
    for row, name, cell in zip(zip(player, when, strict=True), term, cells, strict=True):
        read.setdefault(row, {})[name] = CELLS[cell.strip("*")](symbols)
    return read


def quoted(heading: str) -> list[str]:
    """What a section says that `vaegan-bench check` answers: its block quotes, in order."""
    paragraphs = section(PAGE, heading).split("\n\n")
    quotes = [paragraph for paragraph in paragraphs if paragraph.startswith("> ")]
    return [" ".join(line.removeprefix("> ") for line in quote.splitlines()) for quote in quotes]
