"""How a run ended, in the words that records, tables and hooks share."""

from __future__ import annotations

OK = "ok"
"""The status of a run that was trained to its end, and the health of one in which nothing went wrong."""


def diverged_at(step: int) -> str:
    """The status of a run with a term or a weight that is not finite at `step`."""
    return f"diverged at step {step}"
