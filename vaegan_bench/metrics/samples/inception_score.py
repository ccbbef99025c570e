"""The inception score: are samples confidently of one class each, and of many classes together?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from vaegan_bench.api import Extractor, Measurement, Metric, Outputs, SelectorError
from vaegan_bench.metrics.extractors.efflite0 import EffLite0
from vaegan_bench.metrics.features.sets import check_features, column, protocol_of

SPLITS = 10
SEED = 2020


@dataclass(frozen=True, kw_only=True)
class InceptionScore(Metric):
    """exp of the mean KL between the classes of one sample and of all (Salimans et al., 2016, section 4).

    One row: 'is' on Inception's logits, 'inception-score[…]' on any other. From 1 to the number of classes;
    higher is better. Real images are not used.
    """

    name: ClassVar[str] = "inception-score"
    family: ClassVar[str] = "sample quality"
    uses_samples: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    needs_classes: ClassVar[bool] = True
    known_as: ClassVar[Mapping[str, str]] = {"is": "inception-score[extractor=inception]"}

    extractor: Extractor = field(default_factory=EffLite0)

    def __post_init__(self) -> None:
        if not self.extractor.classes:
            raise SelectorError(
                f"'{self.extractor}' has no class logits: inception-score needs 'efflite0' or 'inception'."
            )

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for fewer than ten samples and for logits that are not finite."""
        logits_NK = check_features(outputs.features(self.extractor, "samples").logits_NK, "samples", at_least=SPLITS)
        protocol = {**protocol_of(outputs, self.extractor), "n_fake": len(logits_NK), "splits": SPLITS, "seed": SEED}
        name = column(self.name, outputs, self.extractor, "is")
        return [Measurement(name, inception_score(logits_NK), "higher", "1", protocol)]


def inception_score(logits_NK: Tensor, splits: int = SPLITS, seed: int = SEED) -> float:
    """exp(mean KL(p(y|x) ‖ p(y))), averaged over `splits` equal parts of the shuffled rows (N ≥ splits), float64."""
    order = np.random.RandomState(seed).permutation(len(logits_NK))
    order_N = torch.from_numpy(order).to(logits_NK.device)
    edges = [i * len(order) // splits for i in range(splits + 1)]
    parts = [_score(logits_NK[order_N[a:b]].double().log_softmax(1)) for a, b in pairwise(edges)]
    return float(torch.stack(parts).mean())


def _score(log_p_NK: Tensor) -> Tensor:
    log_marginal_K = log_p_NK.logsumexp(0) - math.log(len(log_p_NK))
    divergence_N = (log_p_NK.exp() * (log_p_NK - log_marginal_K)).sum(1)
    return divergence_N.mean().exp()
