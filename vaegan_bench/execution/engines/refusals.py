"""What engines say of workers that cannot begin."""

from __future__ import annotations

import warnings

from vaegan_bench.system.errors import StudyWarning


def refusal_of(reason: str) -> str:
    """The words for a worker process that cannot do the tasks of a study, for this reason."""
    return f"A worker process cannot begin: {reason}"


def followed_by(refusal: str, sentence: str) -> str:
    """A refusal and a further sentence; the reason in it may end with a full stop or not."""
    return f"{refusal.removesuffix('.')}. {sentence}"


def warn_of(refusal: str) -> None:
    """Say at the end that a worker could not begin, which cost no task."""
    warnings.warn(followed_by(refusal, "Others did its work."), StudyWarning, stacklevel=3)
