"""Verdicts on a training that failed in a known way, each with the numbers that decided it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from vaegan_bench.api import Outputs
from vaegan_bench.metrics.latent.health import ACTIVE, active_units
from vaegan_bench.metrics.samples.memorisation import near_duplicates

SATURATED = 0.999
"""From this area under the ROC curve, the discriminator teaches the generator nothing."""
COLLAPSED = 0.5
"""From this share of samples with a near-duplicate, a generator makes too few different images."""
AT_THE_END = 0.1
"""The last share of training, over which the discriminator is judged."""


def verdicts(outputs: Outputs, history: pd.DataFrame) -> dict[str, str]:
    """Fault of the training → the numbers that show it; {} for a healthy run.

    'posterior collapse': no latent dimension is active; 'mode collapse': half of the samples have a near-duplicate;
    'discriminator saturated': over the last tenth of training it told real images from fakes in all but one of a
    thousand pairs. `history` is the run's: columns step, term, value.
    """
    return dict([*_posterior_collapse(outputs), *_mode_collapse(outputs), *_saturation(history)])


def _posterior_collapse(outputs: Outputs) -> Iterator[tuple[str, str]]:
    posterior = outputs.posterior
    if posterior is None or not posterior.mu_BZ.isfinite().all():
        return
    if not int(active_units(posterior)):
        spread = float(posterior.mu_BZ.var(0).max())
        yield (
            "posterior collapse",
            f"0 of {posterior.mu_BZ.shape[1]} latent dimensions are active: "
            f"the largest variance of a posterior mean is {spread:.2g}, below the threshold of {ACTIVE}",
        )


def _mode_collapse(outputs: Outputs) -> Iterator[tuple[str, str]]:
    share = near_duplicates(outputs.samples, outputs.real, outputs.progress)
    if share >= COLLAPSED:
        yield "mode collapse", f"{share:.0%} of {len(outputs.samples)} samples have a near-duplicate among the others"


def _saturation(history: pd.DataFrame) -> Iterator[tuple[str, str]]:
    auc = history[history["term"] == "discriminator auc"]
    late = auc.loc[auc["step"] > (1 - AT_THE_END) * auc["step"].max(), "value"]
    if len(late) and late.mean() >= SATURATED:
        yield (
            "discriminator saturated",
            f"real images outscored fakes in {late.mean():.2%} of pairs over the last {AT_THE_END:.0%} of training",
        )
