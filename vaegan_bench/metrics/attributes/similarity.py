"""Whether a conditional model's images have the attributes that it was conditioned on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from vaegan_bench.api import Direction, Extractor, Measurement, Metric, Outputs, at_least
from vaegan_bench.metrics.extractors.regressor import Regressor
from vaegan_bench.metrics.features.sets import Protocol, protocol_of
from vaegan_bench.metrics.intervals import Z

SEED = 2020


class Similarity(NamedTuple):
    """How near predicted attributes are to the wanted ones; (…, N) each."""

    cosine: Tensor
    centred: Tensor
    """The cosine after the training images' mean is subtracted: base rates alone make the plain cosine large."""
    error: Tensor
    """Squared, summed over attributes."""


@dataclass(frozen=True, kw_only=True)
class AttributeSimilarity(Metric):
    """Conditioning attributes against those that a regressor finds in the images (Larsen et al., 2016, §4.2).

    For conditional models. The cosine is the best of 10 images per attribute vector of the held-out part, or of one;
    the squared error, summed over attributes, is the mean over 25 images of each, with its standard deviation over
    these draws. The ceiling is the regressor on the held-out images themselves (the paper's row of the test set), the
    floor on those of others.
    """

    name: ClassVar[str] = "attribute-similarity"
    family: ClassVar[str] = "attributes"
    headline: ClassVar[Mapping[str, str]] = {
        "attribute-cosine": "agreement with the conditioning attributes, by angle",
        "attribute-error": "agreement with the conditioning attributes, by squared error",
    }
    needs_model: ClassVar[bool] = True

    extractor: Extractor = field(default_factory=Regressor)
    best_of: int = 10
    draws: int = 25
    """Images per attribute vector."""
    vectors: int = 1000
    """Attribute vectors, at most: those of the first held-out images."""

    def __post_init__(self) -> None:
        at_least(self, best_of=1, draws=max(2, self.best_of), vectors=2)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; no rows for a model that is not conditional."""
        if not outputs.conditional:
            return []
        wanted_NA = outputs.data.test.conditions[: min(self.vectors, len(outputs.real))]
        centre_A = outputs.data.train.conditions.mean(0)
        drawn = list(self._draw_similarities(outputs, wanted_NA, centre_A))
        made = Similarity(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))
        seen_NA = outputs.features(self.extractor, "real").logits_NK[: len(wanted_NA)].cpu()
        real, other = (similarity(seen_NA, wanted, centre_A) for wanted in (wanted_NA, of_others(wanted_NA)))
        features = {**protocol_of(outputs, self.extractor), **outputs.code_protocol}
        protocol = {**features, "vectors": len(wanted_NA), "draws": self.draws}
        best = {**protocol, "best_of": self.best_of}
        return [
            _row("attribute-cosine", made.cosine[: self.best_of].amax(0), "higher", real.cosine, other.cosine, best),
            _row("attribute-cosine-once", made.cosine.mean(0), "higher", real.cosine, other.cosine, protocol),
            _row("attribute-cosine-centred", made.centred.mean(0), "higher", real.centred, other.centred, protocol),
            _row("attribute-error", made.error.mean(0), "lower", real.error, other.error, protocol),
            Measurement("attribute-error-sd", float(made.error.mean(1).std()), "none", "1", protocol),
        ]

    def _draw_similarities(self, outputs: Outputs, wanted_NA: Tensor, centre_A: Tensor) -> Iterator[Similarity]:
        """The similarities of each draw, for all attribute vectors."""
        network = outputs.network(self.extractor)
        for z_NZ in outputs.codes(self.draws * len(wanted_NA)).split(len(wanted_NA)):
            found = network(outputs.decode(z_NZ, wanted_NA)).logits_NK.cpu()
            yield similarity(found, wanted_NA, centre_A)


def of_others(wanted_NA: Tensor) -> Tensor:
    """For each image the attributes of another one, all of them in a random circle."""
    circle_N = torch.randperm(len(wanted_NA), generator=torch.Generator().manual_seed(SEED))
    return torch.empty_like(wanted_NA).index_copy(0, circle_N, wanted_NA[circle_N.roll(1)])


def similarity(found_NA: Tensor, wanted_NA: Tensor, centre_A: Tensor) -> Similarity:
    """How near found attributes are to wanted ones, per image, in float64."""
    found, wanted, centre = (values.double() for values in (found_NA, wanted_NA, centre_A))
    plain, centred = cosine_similarity(found, wanted), cosine_similarity(found - centre, wanted - centre)
    return Similarity(plain, centred, (found - wanted).square().sum(1))


def _row(
    name: str, per_vector_N: Tensor, direction: Direction, real_N: Tensor, other_N: Tensor, protocol: Protocol
) -> Measurement:
    """The mean over attribute vectors, with its 95 % interval over them."""
    value, half = float(per_vector_N.mean()), Z * float(per_vector_N.std() / len(per_vector_N) ** 0.5)
    ceiling, floor = float(real_N.mean()), float(other_N.mean())
    within = {"low": value - half, "high": value + half}
    return Measurement(name, value, direction, "1", protocol, "", **within, ceiling=ceiling, floor=floor)
