"""The conformance checks of metrics: such as to prefer real images to noise, and to give the same numbers again."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from vaegan_bench.api import Extractor, Measurement, Metric
from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.report.exhibits import draw
from vaegan_bench.report.tables.summary import OF_METRICS
from vaegan_bench.results.exhibits import check_exhibits, decode, encode
from vaegan_bench.system.errors import FAILURES, reason_of
from vaegan_bench.testing.quadrants import N, copying_world, noise_world, real_world, static
from vaegan_bench.testing.verdicts import Checks, demand, unchanged, untouched_randomness
from vaegan_bench.testing.worlds import StandIn, StandInOutputs

DIRECTIONS = ("higher", "lower", "none")
WITHOUT_CODES: dict[str, Any] = {"means": None, "train_means": None, "posterior": None, "train_posterior": None}
"""Fields of outputs that are None without an encoder."""


def family_is_known(metric: Metric) -> None:
    """Its family is one of those that reports group numbers by."""
    known = ", ".join(OF_METRICS)
    demand(metric.family in OF_METRICS, f"has the family '{metric.family}': choose one of {known}.")


def numbers_are_well_formed(metric: Metric) -> None:
    """Each number has a unique name, a value, a direction and units, and intervals contain their values."""
    rows = metric(real_world())
    names = [(row.metric, row.attribute) for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    demand(not twice, f"gives {twice[0] if twice else ''} twice: each number needs a name of its own.")
    for row in rows:
        demand(isinstance(row, Measurement), f"returns {type(row).__name__}, not Measurement.")
        demand(row.direction in DIRECTIONS, f"'{row.metric}' has the direction '{row.direction}': {DIRECTIONS}.")
        demand(isinstance(row.units, str), f"'{row.metric}' has the units {row.units}: a text, '1' for a mere number.")
        demand(
            isinstance(row.value, int | float),
            f"'{row.metric}' is a {type(row.value).__name__}: make it a number of Python's, as with float(value).",
        )
        demand(math.isfinite(row.value), f"'{row.metric}' is {row.value} on ordinary images.")
        if row.low is not None and row.high is not None:
            demand(row.low <= row.value <= row.high, f"the interval of '{row.metric}' does not hold its value.")


def real_images_are_preferred(metric: Metric) -> None:
    """In the stated direction, a perfect model beats noise, or copies of one training image, in every number."""
    worlds = [gains_over(metric, world) for world in (noise_world(), copying_world())]
    for name in dict.fromkeys(itertools.chain(*worlds)):
        gains = [world[name] for world in worlds if name in world]
        demand(
            any(min(gained) >= 0 and max(gained) > 0 for gained in gains),
            f"'{name}' prefers noise, and copies of one training image, to real images, or cannot tell them apart: is "
            "its direction wrong?",
        )


def gains_over(metric: Metric, world: StandInOutputs) -> dict[str, list[float]]:
    """For each number with a direction, by how much it is better in the real world, for every attribute."""
    bad = {(row.metric, row.attribute): row.value for row in metric(world)}
    gains: dict[str, list[float]] = {}
    for good in (row for row in metric(real_world()) if row.direction != "none"):
        if (good.metric, good.attribute) in bad:
            gain = good.value - bad[good.metric, good.attribute]
            gains.setdefault(good.metric, []).append(gain if good.direction == "higher" else -gain)
    return gains


def measuring_repeats(metric: Metric) -> None:
    """Equal numbers on repeat; outputs and global randomness are unchanged."""
    world = real_world()
    images = {"real": world.real, "samples": world.samples, "reconstructions": world.reconstructions}
    with untouched_randomness(), unchanged(**images):
        first, second = metric(world), metric(world)
    demand(first == second, "gives other numbers the second time: seed its randomness.")


def samples_are_used_as_declared(metric: Metric) -> None:
    """Its numbers depend on samples if, and only if, it declares `uses_samples`."""
    world = real_world()
    others = [replace(world, samples=samples) for samples in (copying_world().samples, static(N, 5))]
    numbers = {_numbers(metric, each) for each in (world, *others)}
    depends, declares = len(numbers) > 1, metric.uses_samples
    demand(
        declares or not depends,
        "depends on samples and does not say so: declare uses_samples = True, or it sees only the first of several "
        "independent sets.",
    )
    demand(
        depends or not declares or not all(numbers),
        "declares uses_samples, and no number depends on samples: leave it out, or the metric runs again for each set.",
    )


def codes_are_named_where_they_matter(metric: Metric) -> None:
    """The protocol of each number that depends on `outputs.codes` says where the codes come from."""
    sampled = {(row.metric, row.attribute): row for row in metric(replace(real_world(), sampler="gaussian"))}
    for row in [] if metric.uses_samples else metric(real_world()):
        other = sampled.get((row.metric, row.attribute), row)
        demand(
            other.value == row.value or "sampler" in other.protocol,
            f"'{row.metric}' depends on outputs.codes, and its protocol does not say where codes come from: put "
            "**outputs.code_protocol into it.",
        )


def pairs_are_enough_where_declared(metric: Metric) -> None:
    """With `pairs_suffice` it measures held-out images and their reconstructions, without anything else."""
    if metric.pairs_suffice:
        world = real_world()
        data, nothing = replace(world.data, train=world.data.train[:0]), world.samples[:0]
        alone = replace(world, data=data, samples=nothing, decoder=None, latent=0, **WITHOUT_CODES)
        found = next(iter(_numbers(metric, alone)), "nothing")
        words = f"declares pairs_suffice, and for images and reconstructions alone it gives {found}."
        demand(isinstance(found, tuple), words)


def _numbers(metric: Metric, world: StandInOutputs) -> tuple[object, ...]:
    """The numbers of a metric; or its error where it cannot measure these outputs."""
    try:
        return tuple((row.metric, row.attribute, row.value) for row in metric(world))
    except FAILURES as error:
        return (reason_of(error),)


def extractors_are_taken_as_declared(metric: Metric) -> None:
    """`extractor_field` is a field for extractors, and one without classes is refused where it `needs_classes`."""
    if not (name := metric.extractor_field):
        demand(not metric.needs_classes, "needs classes of no extractor: declare extractor_field, too.")
        return
    is_extractor = isinstance(getattr(metric, name, None), Extractor)
    demand(is_extractor, f"declares extractor_field = '{name}', which is no field with an extractor.")
    try:
        replace(cast(Any, metric), **{name: StandIn()})
        accepts = True
    except FAILURES:
        accepts = False
    demand(accepts or metric.needs_classes, f"refuses extractors without classes as its {name}: declare needs_classes.")
    demand(not accepts or not metric.needs_classes, "needs classes, and accepts an extractor that has none: refuse it.")


def names_in_the_literature_mean_it(metric: Metric) -> None:
    """Each name in `known_as` leads to a selector of this metric."""
    for name, text in metric.known_as.items():
        demand(parse_selector(text).name == metric.name, f"is known as '{name}', which leads to '{text}'.")


def headlines_are_numbers_it_gives(metric: Metric) -> None:
    """Each headline names a number that it gives, or as which one is known, and says what it measures."""
    has_words = isinstance(metric.headline, Mapping)
    demand(has_words, "declares headlines without words: write {'number': 'what it measures'}.")
    given = {row.metric.partition("[")[0] for row in metric(real_world())}
    for name, topic in metric.headline.items():
        demand(bool(topic.strip()), f"declares the headline '{name}', and does not say what it measures.")
        demand(
            name in given | set(metric.known_as) or not given,
            f"declares the headline '{name}', and gives {', '.join(sorted(given))}: name a number, without its "
            "extractor in brackets.",
        )


def exhibits_become_figures(metric: Metric) -> None:
    """Its exhibits for an ordinary model can be stored, read again and drawn."""
    exhibits = metric.exhibits(real_world())
    try:
        check_exhibits(exhibits)
    except ValueError as error:
        demand(False, f"cannot keep what it exhibits: {error}.")
    for name, exhibit in decode(encode(exhibits)).items():
        draw(name, {"model": [exhibit, exhibit], "another": [exhibit]}).savefig(io.BytesIO())


def models_without_an_encoder_are_known(metric: Metric) -> None:
    """For a GAN, which has no reconstructions and no codes, it measures the rest, or returns an empty list."""
    gan = replace(real_world(), reconstructions=None, **WITHOUT_CODES)
    try:
        metric(gan)
    except FAILURES as error:
        demand(False, f"raises {reason_of(error)} for a model without an encoder: return an empty list.")


CHECKS: Checks = {
    Metric: (
        family_is_known,
        numbers_are_well_formed,
        real_images_are_preferred,
        measuring_repeats,
        models_without_an_encoder_are_known,
        samples_are_used_as_declared,
        codes_are_named_where_they_matter,
        pairs_are_enough_where_declared,
        extractors_are_taken_as_declared,
        names_in_the_literature_mean_it,
        headlines_are_numbers_it_gives,
        exhibits_become_figures,
    ),
}
