"""What can go wrong for a user, as one tree of exceptions with one-line messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """An error that the user can mend: what is wrong, where, and what to do, in one line."""


class UnknownNameError(BenchError):
    """A name that nobody registered, with the likeliest intention and what is known."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        guess = f" Did you mean '{close[0]}'?" if close else ""
        listed = ", ".join(known) if known else "none"
        super().__init__(f"Unknown {what} '{name}'.{guess} Known: {listed}.")


class SelectorError(BenchError):
    """A selector that cannot be read, or a value that does not fit its field."""


class PluginError(BenchError):
    """A plugin that breaks the contract, or two that claim one name."""


class StudyError(BenchError):
    """A study that cannot be planned: an unknown key, a wrong value, an impossible combination."""


class DataError(BenchError):
    """Data that are missing, damaged, or not what they claim to be."""


class StoreError(BenchError):
    """A results folder that cannot be read or written."""


class ExtractorError(BenchError):
    """A feature network whose weights are missing or wrong."""
