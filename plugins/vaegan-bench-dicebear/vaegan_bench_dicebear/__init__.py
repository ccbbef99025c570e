"""Faces from the artwork of DiceBear: a data set whose images are drawn from exact and independent factors."""

from __future__ import annotations

from vaegan_bench.api import Plugin, hookimpl
from vaegan_bench_dicebear.dataset import DiceBear


@hookimpl
def vaegan_bench_plugins() -> list[type[Plugin]]:
    """One data set, whose field `style` chooses the artwork."""
    return [DiceBear]
