"""Whether adding an attribute's direction to a code puts the attribute into the image, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from torch import Tensor

from vaegan_bench.api import Exhibits, Extractor, ExtractorError, Measurement, Metric, Outputs, at_least
from vaegan_bench.metrics.attributes.effects import Effects, Trial, effects, flips, leakage, random_vectors
from vaegan_bench.metrics.attributes.exhibits import attribute_latent_vectors, attribute_matrix, attribute_strips
from vaegan_bench.metrics.attributes.matched_effects import IMAGES, estimates, find_matches
from vaegan_bench.metrics.attributes.rows import Estimate, Kind, means, rows, shares
from vaegan_bench.metrics.attributes.trials import encoder_trial, prior_trial
from vaegan_bench.metrics.attributes.usable_attributes import (
    attribute_protocol,
    oracle_logits,
    truth,
    usable_attributes,
)
from vaegan_bench.metrics.extractors.attribute_scores import recall
from vaegan_bench.metrics.extractors.oracle import Oracle
from vaegan_bench.metrics.features.sets import Protocol, protocol_of
from vaegan_bench.system.memo import memo

SEED = 2020
STRIP_ALPHAS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""How far faces are moved in the strips that `AttributeVectors` exhibits."""

MATCHED = (
    Kind("matched-alpha", "none", most=math.inf),
    Kind("matched-leakage", "lower", "share"),
    Kind("matched-change", "lower"),
)


@dataclass(frozen=True, kw_only=True)
class AttributeVectors(Metric):
    """Flips and leakage of visual attribute vectors, z + α(mean(z|on) − mean(z|off)) (Larsen et al., 2016, §4.1.1).

    Per attribute that the oracle knows (AUC ≥ .9) and in their mean, beside a random direction of equal length.
    A model with an encoder is measured on held-out images; every model, a GAN too, on draws from its prior. A
    conditional model, whose decoder is conditioned on the attributes, is not measured.
    """

    name: ClassVar[str] = "attribute-vectors"
    family: ClassVar[str] = "attributes"
    headline: ClassVar[Mapping[str, str]] = {"flip-rate": "attributes that attribute vectors change"}
    needs_model: ClassVar[bool] = True

    extractor: Extractor = field(default_factory=Oracle)
    alpha: float = 1.0
    """How far along the vector codes are moved."""
    images: int = 256
    """The most images per attribute."""
    shown: str = "Eyeglasses Smiling"
    """Attributes whose vectors move two faces in an image, where the data have them; separated by spaces."""
    drawn: int = 10_000
    """Codes from the prior, or from the sampler, that make the vectors of the `prior-` rows of every model."""

    def __post_init__(self) -> None:
        at_least(self, images=1, drawn=2)

    def __call__(self, outputs: Outputs) -> list[Measurement]:
        """Measure; no rows where the data have no attributes, the oracle knows none, or the model is conditional."""
        if not self._can_measure(outputs):
            return []
        encoded, drawn = trials(outputs, self)
        of_encoder = [] if encoded is None else self._encoder_rows(outputs, encoded)
        return [*of_encoder, *self._prior_rows(outputs, drawn)]

    def exhibits(self, outputs: Outputs) -> Exhibits:
        """The changes of all decisions, the vectors themselves, and faces moved along a few of them.

        Of encoded images, or of the prior for a model without an encoder; {} where the oracle cannot be opened.
        """
        try:
            if not self._can_measure(outputs):
                return {}
        except ExtractorError:  # `__call__` reports the reason
            return {}
        encoded, drawn = trials(outputs, self)
        trial, moved, _ = encoded or drawn
        faces_NA = trial.without_NA & trial.known_A if encoded is None else ~truth(outputs)
        strips = attribute_strips(outputs, trial, faces_NA, STRIP_ALPHAS, self.shown.split())
        names = outputs.data.attribute_names
        return {**attribute_matrix(moved, trial, names), **attribute_latent_vectors(trial, names), **strips}

    def _can_measure(self, outputs: Outputs) -> bool:
        if outputs.conditional or not outputs.data.attribute_names:
            return False
        return bool(usable_attributes(outputs, self.extractor).any())

    def _encoder_rows(self, outputs: Outputs, encoded: Tested) -> list[Measurement]:
        trial, most = encoded.trial, min(IMAGES, self.images)
        protocol = {**self._protocol(outputs), "n_train": len(outputs.train)}
        matches = find_matches(outputs, self.extractor, trial, {self.alpha: encoded.moved}, most)
        at_match = {**protocol, "images": most}
        del at_match["alpha"]
        return [
            *flip_rows("", encoded, outputs.data.attribute_names, self._ceiling(outputs), protocol),
            *matched_rows(estimates(matches, trial), outputs.data.attribute_names, at_match),
            Measurement("matched-attributes", len(matches), "none", "attributes", at_match),
        ]

    def _prior_rows(self, outputs: Outputs, drawn: Tested) -> list[Measurement]:
        numbers = {"n_prior": self.drawn, "n_fake": len(drawn.trial.codes_NZ)}
        protocol = {**self._protocol(outputs), **outputs.code_protocol, **numbers}
        return [
            *flip_rows("prior-", drawn, outputs.data.attribute_names, self._ceiling(outputs), protocol),
            Measurement("prior-attributes", len(drawn.moved), "none", "attributes", protocol),
        ]

    def _ceiling(self, outputs: Outputs) -> Tensor:
        """The share of real images with each attribute in which the oracle sees it; (A,)."""
        return recall(oracle_logits(outputs, self.extractor, "real") > 0, truth(outputs))

    def _protocol(self, outputs: Outputs) -> dict[str, str | int | float]:
        return {
            **protocol_of(outputs, self.extractor),
            "n_real": len(outputs.real),
            **attribute_protocol(usable_attributes(outputs, self.extractor), outputs.data.attribute_names),
            "images": self.images,
            "alpha": self.alpha,
        }


class Tested(NamedTuple):
    """The effects of attribute vectors, and of random directions in their place."""

    trial: Trial
    moved: Effects
    control: Effects
    """The effects of random directions of the same length."""


@memo
def trials(outputs: Outputs, metric: AttributeVectors) -> tuple[Tested | None, Tested]:
    """The trials of the encoder, None without one, and of the prior."""
    encoded = encoder_trial(outputs, metric.extractor)
    found = None if encoded is None else _test(outputs, metric, encoded)
    return found, _test(outputs, metric, prior_trial(outputs, metric.extractor, metric.drawn))


def _test(outputs: Outputs, metric: AttributeVectors, trial: Trial) -> Tested:
    control = trial._replace(vectors_AZ=random_vectors(trial.vectors_AZ, SEED))
    moved, at_random = (effects(outputs, metric.extractor, t, metric.alpha, metric.images) for t in (trial, control))
    return Tested(trial, moved, at_random)


def flip_rows(
    prefix: str, found: Tested, names: Sequence[str], ceiling_A: Tensor, protocol: Protocol
) -> list[Measurement]:
    """Flip rate and leakage, with those of random directions as their floors."""
    rate, leak = Kind(f"{prefix}flip-rate", "higher", "share"), Kind(f"{prefix}flip-leakage", "none", "share")
    trial = found.trial
    flipped, leaked = shares(flips(found.moved, trial)), means(leakage(found.moved, trial))
    flip_floor, leak_floor = means(flips(found.control, trial)), means(leakage(found.control, trial))
    return [
        *rows(rate, flipped, names, protocol, ceiling_A=ceiling_A, floor_A=flip_floor.values_A),
        *rows(leak, leaked, names, protocol, floor_A=leak_floor.values_A),
    ]


def matched_rows(found: Sequence[Estimate], names: Sequence[str], protocol: Protocol) -> list[Measurement]:
    """The rows of `MATCHED`, at the flip rate of ½."""
    return [row for kind, one in zip(MATCHED, found, strict=True) for row in rows(kind, one, names, protocol)]
