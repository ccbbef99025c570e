"""Every ATen operation that a page has a counterpart for."""

from __future__ import annotations

import torch

from vaegan_bench.report.page.tracing import arithmetic, layers, lookup, movement, resampling
from vaegan_bench.report.page.tracing.axes import UntranslatableError
from vaegan_bench.report.page.tracing.call import Call

TRANSLATIONS = {
    **layers.TRANSLATIONS, **arithmetic.TRANSLATIONS, **movement.TRANSLATIONS, **resampling.TRANSLATIONS,
    **lookup.TRANSLATIONS,
}  # fmt: skip


def translate(call: Call) -> list[int]:
    """Add an operation to the graph; the values of its first results, or none where they are constants."""
    translation = TRANSLATIONS.get(call.name) or TRANSLATIONS.get(call.name.removesuffix("_"))
    if translation is None:
        raise UntranslatableError
    if call.name not in lookup.WHOLE and any(result.dtype != torch.float32 for result in call.results[:1]):
        raise UntranslatableError(f"to {call.results[0].dtype}")
    return translation(call)
