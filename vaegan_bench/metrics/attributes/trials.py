"""Which codes of a model are moved along which attribute vectors."""

from __future__ import annotations

import torch

from vaegan_bench.api import Extractor, Outputs
from vaegan_bench.metrics.attributes.effects import Trial, attribute_vectors, decisions
from vaegan_bench.metrics.attributes.usable_attributes import oracle_logits, truth, truth_in_training, usable_attributes

CHUNK = 1000


def encoder_trial(outputs: Outputs, oracle: Extractor) -> Trial | None:
    """Codes of held-out images that neither have the attribute nor show it when decoded; None without an encoder.

    Vectors come from encoded training images and their true attributes.
    """
    if outputs.means is None or outputs.train_means is None or outputs.reconstructions is None:
        return None
    vectors_AZ = attribute_vectors(outputs.train_means, truth_in_training(outputs))
    before_NA = oracle_logits(outputs, oracle, "reconstructions") > 0
    without_NA, known_A = ~truth(outputs) & ~before_NA, usable_attributes(outputs, oracle)
    return Trial(outputs.means.cpu(), outputs.reconstructions, before_NA, without_NA, vectors_AZ, known_A)


def prior_trial(outputs: Outputs, oracle: Extractor, drawn: int) -> Trial:
    """Codes from the prior or the sampler, as many as held-out images, whose images do not show the attribute.

    Vectors come from `drawn` other such codes, labelled by what the oracle sees in their images: the same
    for a model with an encoder and for one without.
    """
    fitted_MZ, codes_NZ = outputs.codes(drawn + len(outputs.real)).cpu().split([drawn, len(outputs.real)])
    labels_MA = torch.cat([decisions(outputs, oracle, outputs.decode(codes)) for codes in fitted_MZ.split(CHUNK)])
    images_NCHW = outputs.decode(codes_NZ)
    before_NA = decisions(outputs, oracle, images_NCHW)
    vectors_AZ, known_A = attribute_vectors(fitted_MZ, labels_MA), usable_attributes(outputs, oracle)
    return Trial(codes_NZ, images_NCHW, before_NA, ~before_NA, vectors_AZ, known_A)
