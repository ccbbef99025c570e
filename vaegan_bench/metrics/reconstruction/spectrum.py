"""Whether reconstructions are as sharp as their originals, without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Exhibits, Measurement, Metric, Outputs
from vaegan_bench.metrics.features.spectra import measure_ratio, profile_of


@dataclass(frozen=True, kw_only=True)
class ReconstructionSpectrum(Metric):
    """Distance of the radial power spectra of reconstructions and of their originals, in dB (Durall et al., 2020).

    The numbers are those of `power-spectrum`, but their ceilings are 0: reconstructions could equal their originals.
    None for a model without an encoder.
    """

    name: ClassVar[str] = "reconstruction-spectrum"
    family: ClassVar[str] = "reconstruction"
    needs_model: ClassVar[bool] = True
    pairs_suffice: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure."""
        if outputs.reconstructions is None:
            return []
        return measure_ratio(outputs.reconstructions, outputs, (0.0, 0.0), "reconstruction-")

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """'reconstruction-spectrum': the power of reconstructions relative to their originals, over frequency."""
        if outputs.reconstructions is None:
            return {}
        return {self.name: profile_of(outputs.reconstructions, outputs, "reconstructions")}
