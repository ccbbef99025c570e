"""Whether reconstructions, taken together, look like the images that they reconstruct; on Inception it is the rFID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from vaegan_bench.api import Extractor, Measurement, Metric, Outputs
from vaegan_bench.metrics.extractors.native import Native
from vaegan_bench.metrics.features.sets import check_features, column, protocol_of
from vaegan_bench.metrics.samples.frechet import frechet_distance, moments_of_real


@dataclass(frozen=True, kw_only=True)
class ReconstructionFrechet(Metric):
    """Squared Fréchet distance of reconstructions to their originals (Heusel et al., 2017, eq. 6; Esser et al., 2021).

    'rfid' on Inception's features, 'reconstruction-frechet[…]' on any other; lower is better, 0 is perfect. None for a
    model without an encoder.
    """

    name: ClassVar[str] = "reconstruction-frechet"
    family: ClassVar[str] = "reconstruction"
    headline: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("reconstruction-frechet", "rfid"), "likeness of reconstructions to real images"
    )
    needs_model: ClassVar[bool] = True
    pairs_suffice: ClassVar[bool] = True
    extractor_field: ClassVar[str] = "extractor"
    known_as: ClassVar[Mapping[str, str]] = {"rfid": "reconstruction-frechet[extractor=inception]"}

    extractor: Extractor = field(default_factory=Native)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` as `frechet` does."""
        if outputs.reconstructions is None:
            return []
        decoded_NF = outputs.features(self.extractor, "reconstructions").features_NF
        decoded_NF = check_features(decoded_NF, "reconstructions")
        value = frechet_distance(moments_of_real(outputs, self.extractor, decoded_NF), decoded_NF)
        protocol = {**protocol_of(outputs, self.extractor), "n_real": len(decoded_NF)}
        name = column(self.name, outputs, self.extractor, "rfid")
        return [Measurement(name, value, "lower", "1", protocol)]
