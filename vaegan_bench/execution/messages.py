"""What a worker tells the process that it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ready:
    """The plan is made again, with these runs; the worker waits for its first task."""

    runs: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """The plan could not be made again, for this reason."""

    reason: str


@dataclass(frozen=True)
class HookCalled:
    """A life-cycle hook is to be called."""

    hook: str
    what: Mapping[str, Any]


@dataclass(frozen=True)
class Advanced:
    """A long computation went on, as `Progress` has it."""

    description: str
    done: int
    total: int


@dataclass(frozen=True)
class Warned:
    """A warning."""

    text: str
    category: type[Warning]


@dataclass(frozen=True)
class Printed:
    """A line that a plugin printed, to standard output or errors."""

    line: str
    is_error: bool


@dataclass(frozen=True)
class Prepared:
    """The extractors that learn from the data are there, or could not be made: the runs will say why."""


@dataclass(frozen=True)
class Interrupted:
    """A plugin raised what Ctrl-C raises: the study ends."""
