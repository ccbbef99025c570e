"""In which keys two definitions differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from vaegan_bench.api.plugin import selector_text
from vaegan_bench.report.status.changes import ABSENT, Plain, changes, code_differences
from vaegan_bench.results.records import Definition


def definition_differences(old: Definition, new: Plain) -> list[str]:
    """The differences between a stored definition and another one: 'steps 1500 → 3000', 'code of my_loss.py', …."""
    before, after = as_json(asdict(old)), as_json(new)
    found = [change for change in changes(before, after) if change[0] != "code"]
    words = [line for change in found for line in _words(*change)]
    return [*words, *code_differences(before["code"], after["code"])]


def as_json(plain: Plain) -> dict[str, Any]:
    """Plain data as JSON gives it back: tuples are lists there."""
    found: dict[str, Any] = json.loads(json.dumps(plain))
    return found


def _words(path: str, old: Any, new: Any) -> Iterator[str]:
    """A change in words: the differing fields of a plugin and of plugins in its fields; of another plugin, the name."""
    if path == "unfollowed":
        yield "code whose imports cannot be followed"
    elif isinstance(old, dict) and isinstance(new, dict) and old.get("name") == new.get("name"):
        for key, *values in changes(old, new):
            yield from _words(key if path == "versions" else f"{path}.{key}", *values)
    elif ABSENT in (old, new):
        yield f"{path} is new ({_text(new)})" if old is ABSENT else f"{path} ({_text(old)}) is not there any more"
    else:
        yield f"{path} {_text(old)} → {_text(new)}"


def _text(value: Any) -> str:
    """A value as a selector writes it; for a plugin, its name."""
    if isinstance(value, dict):
        return str(value.get("name", value))
    return ", ".join(map(_text, value)) if isinstance(value, list) else selector_text(value)
