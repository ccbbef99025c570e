"""Printing for commands, so that no number is lost or cut for any encoding and width of the terminal."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SUBSTITUTES = "vaegan-bench-substitutes"
"""The name of the codec error handler that writes `substitute` for characters that an encoding lacks."""
SIGNS = {
    "±": "+/-", "×": "x", "−": "-", "–": "-", "—": "-", "…": "...", "·": "*", "→": "->", "←": "<-", "↑": "^", "↓": "v",
    "▲": "^", "▼": "v", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∞": "inf", "√": "sqrt", "‖": "||", "∂": "d",
    "∇": "grad", "⋆": "*", "✓": "+", "✗": "x", "§": "section ", "†": "#", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
ENDLESS = 10_000
"""Width in characters for a file or a pipe, so that tables are written in full width."""
NARROWEST_HELP, NARROWEST_TABLE = 80, 40
"""Least width in characters of help and of tables: a narrower terminal breaks lines itself."""


def substitute(sign: str) -> str:
    """One character in ASCII: '+/-' for ±, 'sigma' for σ, '^2' for ²; '?' where there is no such spelling."""
    if sign in SIGNS:
        return SIGNS[sign]
    words = unicodedata.name(sign, "").split()
    if words[:1] == ["GREEK"] and "LETTER" in words:
        letter = words[words.index("LETTER") + 1]
        return letter.capitalize() if "CAPITAL" in words else letter.lower()
    raised = "^" if unicodedata.decomposition(sign).startswith("<super>") else ""
    plain = "".join(c for c in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(c)).replace("⁄", "/")
    return raised + plain if plain and plain.isascii() else "?"


def _handle_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(substitute, error.object[error.start : error.end])), error.end


def prepare_output() -> None:
    """Let standard output and errors accept every character, for any encoding."""
    codecs.register_error(SUBSTITUTES, _handle_error)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SUBSTITUTES)
    if shutil.get_terminal_size().columns < NARROWEST_HELP:
        os.environ["TERMINAL_WIDTH"] = str(NARROWEST_HELP)  # read by typer, which cuts words where help does not fit


def say(line: str, *, error: bool = False) -> None:
    """Print a line as it is, to standard output or errors."""
    typer.echo(line, file=sys.stderr if error else sys.stdout)  # without `file`, typer would choose another encoding


def stop_printing(error: OSError) -> None:
    """Say that standard output takes no more lines, as on a full disk, and print nothing more there.

    Raises the error where it is of a file.
    """
    from vaegan_bench.system.disk_space import shortage_in

    if shortage_in(error) is None or error.filename is not None:
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python would try again at its end
    with suppress(OSError):  # errors may go to the same disk
        say(f"Error: Cannot print: {error.strerror}.", error=True)


def terminal() -> Console:
    """A console for tables: as wide as the terminal, or as `COLUMNS` says; `ENDLESS` for a file or a pipe."""
    from rich.console import Console

    console = Console()
    if console.is_terminal or "COLUMNS" in os.environ:
        return Console(width=max(console.width, NARROWEST_TABLE))
    return Console(width=ENDLESS)


def table(*columns: str, **options: Any) -> Table:
    """A table whose cells are folded over several lines where they do not fit: none is cut."""
    from rich.table import Table

    made = Table(**options)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
