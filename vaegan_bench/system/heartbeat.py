"""The sign of life of this process: one thread that renews all claims that it holds."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaegan_bench.system.claims import Claim


class Heartbeat:
    """A thread that renews claims, from the first that is added until none is left."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start without claims: after a fork, they are the parent's, and its thread does not exist in this process."""
        self._claims: set[Claim] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, claim: Claim) -> None:
        """Keep a claim alive from now on."""
        with self._changed:
            self._claims.add(claim)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, claim: Claim) -> None:
        """Stop keeping a claim alive."""
        with self._changed:
            self._claims.discard(claim)
            self._changed.notify()

    def _beat(self) -> None:
        last = time.monotonic()
        while True:
            with self._changed:
                if not self._claims:
                    self._thread = None
                    return
                due = last + min(claim.timing.pause for claim in self._claims)
                if self._changed.wait(max(0.0, due - time.monotonic())):
                    continue  # a claim came or went, and nothing is due
                claims = list(self._claims)
            for claim in claims:
                if not claim.beat():
                    self.remove(claim)
            last = time.monotonic()


heartbeat = Heartbeat()
"""The heartbeat of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=heartbeat.forget)
