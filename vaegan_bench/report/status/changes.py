"""The keys in which two records differ; for records of code, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Plain = Mapping[str, Any]
DIGEST = re.compile(r"[0-9a-f]{12}")
"""The digest of the code of a file or package; an installed distribution has its version instead."""
ABSENT = object()
"""Stands for the value of a missing key."""


def code_differences(old: Plain, new: Plain) -> list[str]:
    """The differences between two records of code: 'code of my_loss.py', 'numpy 1.26.4 → 2.0.0'."""
    return [_code_words(*change) for change in changes(old, new)]


def changes(old: Plain, new: Plain) -> list[tuple[str, Any, Any]]:
    """Every key whose values differ, with the old and the new value."""
    keys = dict.fromkeys([*new, *old])
    found = [(key, old.get(key, ABSENT), new.get(key, ABSENT)) for key in keys]
    return [(key, before, after) for key, before, after in found if before != after]


def _code_words(part: str, old: Any, new: Any) -> str:
    if ABSENT in (old, new):
        return f"code of {part} is {'new' if old is ABSENT else 'not used any more'}"
    is_version = not (DIGEST.fullmatch(old) and DIGEST.fullmatch(new))
    return f"{part} {old} → {new}" if is_version else f"code of {part}"
