"""Whether samples are as sharp as real images, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vaegan_bench.api import Exhibits, Measurement, Metric, Outputs
from vaegan_bench.metrics.features.spectra import measure_ratio, of_training_images, profile_of


@dataclass(frozen=True, kw_only=True)
class PowerSpectrum(Metric):
    """Distance of the radial power spectra of samples and of held-out images, in dB (Durall et al., 2020, section 3).

    'spectral-distance' is the root mean square over frequencies, lower is better. 'high-frequencies' is the mean of the
    difference above ¼ cycle per pixel: below 0 for blurred samples, above 0 for noisy ones. Ceilings are those of
    training images.
    """

    name: ClassVar[str] = "power-spectrum"
    family: ClassVar[str] = "sample quality"
    headline: ClassVar[Mapping[str, str]] = {"spectral-distance": "natural sharpness of samples"}
    uses_samples: ClassVar[bool] = True

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; raises `BenchError` where samples and real images differ in size."""
        return measure_ratio(outputs.samples, outputs, of_training_images(outputs))

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """'power-spectrum': the power of samples relative to held-out images, over frequency."""
        return {self.name: profile_of(outputs.samples, outputs, "samples")}
