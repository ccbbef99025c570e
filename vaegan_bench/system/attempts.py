"""Work in parts, of which one that fails costs only itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from vaegan_bench.system.disk_space import REPEAT, shortage_in
from vaegan_bench.system.errors import FAILURES, IncompleteError, reason_of


class Attempts:
    """What was tried, and which of it failed."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """`lines` is what failed before."""
        self.lines = list(lines)
        """What failed so far, each with its reason."""

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Try one part; a failure is noted, and the next part goes on.

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
        """Raise `IncompleteError` with all that failed, if anything did."""
        if self.lines:
            raise IncompleteError(self.lines)
