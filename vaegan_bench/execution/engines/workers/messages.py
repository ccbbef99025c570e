"""The messages that a worker sends to the process that started it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vaegan_bench.api import Message


@dataclass(frozen=True)
class Ready:
    """The worker waits for its first task."""


@dataclass(frozen=True)
class Sent:
    """A message of a task."""

    message: Message


@dataclass(frozen=True)
class Done:
    """A task is over, with this result."""

    result: Any


@dataclass(frozen=True)
class Lost:
    """The worker can do nothing more, because its device has stopped working; it ends."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The worker cannot do the tasks of the study, for this reason; it ends."""

    reason: str


@dataclass(frozen=True)
class Interrupted:
    """A plugin raised `KeyboardInterrupt`, as Ctrl-C does: the study ends."""
