"""How far held-out images move in feature space when they are encoded and decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from vaegan_bench.api import Extractor, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.pairs import by_blocks
from vaegan_bench.metrics.features.sets import check_features, protocol_of


@dataclass(frozen=True, kw_only=True)
class FeatureDistance(Metric):
    """Mean Euclidean distance of features of held-out images to those of their reconstructions.

    One row, 'feature-distance[…]', in the units of the features; lower is better, 0 is perfect. None for a model
    without an encoder.
    """

    name: ClassVar[str] = "feature-distance"
    family: ClassVar[str] = "reconstruction"
    needs_model: ClassVar[bool] = True
    pairs_suffice: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` for features that are not finite."""
        if outputs.reconstructions is None:
            return []
        real_NF = check_features(outputs.features(self.extractor, "real").features_NF, "real images", at_least=1)
        decoded_NF = outputs.features(self.extractor, "reconstructions").features_NF
        decoded_NF = check_features(decoded_NF, "reconstructions", at_least=1)
        protocol = {**protocol_of(outputs, self.extractor), "n_real": len(real_NF)}
        name = f"{self.name}[{outputs.network(self.extractor).name}]"
        return [Measurement(name, mean_distance(real_NF, decoded_NF), "lower", "1", protocol)]


def mean_distance(x_NF: Tensor, y_NF: Tensor) -> float:
    """The mean over rows of |x − y|, in float64."""
    return float(by_blocks(x_NF, lambda rows: (x_NF[rows].double() - y_NF[rows].double()).norm(dim=1)).mean())
