"""A sequence of independent parts of work: one that fails is noted, and the others are still tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vaegan_bench.system.disk_space import REPEAT, shortage_in
from vaegan_bench.system.errors import FAILURES, IncompleteError, reason_of


class Attempts:
    """Parts that are tried one after the other, and the failures among them."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """`lines` are earlier failures, each with its reason."""
        self.lines = list(lines)
        """All failures so far, each with its reason."""

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Try one part; a failure is noted instead of raised, so that the next part can follow.

        Raises `IncompleteError` at once where a disk is full: then no other part can be written either.
        """
        try:
            yield
        except FAILURES as error:
            if isinstance(error, IncompleteError):
                self.lines += error.lines
            else:
                self.lines.append(f"{what}: {reason_of(error)}{f' {REPEAT}' if shortage_in(error) else ''}")
            if shortage_in(error):
                raise IncompleteError(self.lines) from error

    def conclude(self) -> None:
        """Raise `IncompleteError` with all failures, if there are any."""
        if self.lines:
            raise IncompleteError(self.lines)
