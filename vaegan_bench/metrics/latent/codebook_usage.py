"""How many members of a finite set of codes a model uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from vaegan_bench.api import Measurement, Metric, Outputs


@dataclass(frozen=True, kw_only=True)
class CodebookUsage(Metric):
    """The share of a quantiser's set that occurs, and the perplexity of what occurs (van den Oord et al., 2017).

    Over all places of the codes of held-out images; none for a model without a quantiser. A perplexity far below the
    size of the set is a collapsed code book. Both grow with the number of images until all of the set could be met.
    """

    name: ClassVar[str] = "codebook-usage"
    family: ClassVar[str] = "latent"
    needs_model: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure."""
        if outputs.tokens is None:
            return []
        index_NP, entries = outputs.tokens
        counts_K = torch.bincount(index_NP.flatten(), minlength=entries).double()
        shares_K = counts_K / counts_K.sum()
        perplexity = float(torch.special.entr(shares_K).sum().exp())
        used = float((counts_K > 0).double().mean())
        most = min(entries, index_NP.numel())  # of a small number of places, not all of the set can occur
        protocol = {"n_real": len(index_NP), "places": index_NP.shape[1], "entries": entries}
        return [
            Measurement("codebook-usage", used, "higher", "share", protocol, ceiling=most / entries, floor=1 / entries),
            Measurement("codebook-perplexity", perplexity, "higher", "codes", protocol, ceiling=most, floor=1.0),
        ]
