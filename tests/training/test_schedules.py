"""Schedules: known values at the first steps, between, and at the last."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from vaegan_bench.api import Schedule, SelectorError
from vaegan_bench.api.optimisation import steps_of
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.training.schedules.constant import Constant
from vaegan_bench.training.schedules.cosine import Cosine
from vaegan_bench.training.schedules.cyclic import Cyclic
from vaegan_bench.training.schedules.linear import Linear
from vaegan_bench.training.schedules.power import Power
from vaegan_bench.training.schedules.stepwise import Stepwise

BASE, STEPS = 2.0, 20

# schedule → step → value, of a base of 2 over 20 steps
KNOWN: list[tuple[Schedule, dict[int, float]]] = [
    (Constant(value=0.3), {0: 0.6, 1: 0.6, 19: 0.6}),
    (Constant(), {0: 2, 19: 2}),
    (
        Cosine(end=0.5),
        {
            0: 2,
            1: 0.5 + 0.75 * (1 + math.cos(math.pi / 20)),
            5: 0.5 + 0.75 * (1 + math.sqrt(0.5)),
            10: 1.25,
            19: 0.5 + 0.75 * (1 - math.cos(math.pi / 20)),
            20: 0.5,
        },
    ),
    (
        Power(end=0.5, power=0.75, every=5),
        {0: 2, 1: 2, 4: 2, 5: 2 - 1.5 * 0.25**0.75, 9: 2 - 1.5 * 0.25**0.75, 19: 2 - 1.5 * 0.75**0.75, 20: 0.5},
    ),
    (
        Cyclic(low=0.2, high=0.7, cycles=2, ramp=0.4),  # a cycle of 10 steps rises for 4 of them
        {0: 0.4, 1: 0.65, 2: 0.9, 4: 1.4, 5: 1.4, 9: 1.4, 10: 0.4, 11: 0.65, 19: 1.4},
    ),
    (Cyclic(), {0: 0, 1: 0.8, 2: 1.6, 3: 2, 4: 2, 5: 0, 19: 2}),
    (Linear(start=0.5, end=2.0, over=4, after=3), {0: 1, 1: 1, 3: 1, 4: 1.75, 6: 3.25, 7: 4, 19: 4}),
    (Linear(start=1.0, end=0.25, over=10), {0: 2, 1: 1.85, 10: 0.5, 11: 0.5, 19: 0.5}),
    (Stepwise(stages="0:1 1:0.5 19:0.25"), {0: 2, 1: 1, 18: 1, 19: 0.5}),
    (Linear(over="25%", after="40%"), {0: 0, 8: 0, 9: 0.4, 12: 1.6, 13: 2, 19: 2}),  # from step 8, over 5
    (Linear(over="12.5%", after=3), {3: 0, 4: 0.8, 5: 1.6, 6: 2}),  # over 2.5
    (Stepwise(stages="0:0 40%:1 12:0.5"), {0: 0, 7: 0, 8: 2, 11: 2, 12: 1, 19: 1}),
    (Stepwise(stages="0:1 50%:0.1 4:0.01"), {3: 2, 4: 0.02, 9: 0.02, 10: 0.2, 19: 0.2}),
]


def test_a_share_that_is_a_whole_number_of_steps_begins_at_that_step() -> None:
    stages = Stepwise(stages="0:0 1.1%:1")  # 3000 · 1.1 / 100 is above 33 in floating-point numbers
    assert [stages(1.0, step, 3000) for step in (32, 33)] == [0, 1]
    assert (steps_of("16.1%", 1000), steps_of(" 2.2 %", 1500), steps_of("1e1%", 50)) == (161, 33, 5)


@pytest.mark.parametrize(("schedule", "values"), KNOWN, ids=lambda value: str(value)[:60])
def test_schedules_have_known_values(schedule: Schedule, values: dict[int, float]) -> None:
    found = {step: schedule(BASE, step, STEPS) for step in values}
    assert found == pytest.approx(values, abs=1e-12)


def test_every_built_in_schedule_has_its_values_stated_here() -> None:
    known = [entry.plugin for entry in Registry().of_kind(Schedule.kind).values()]
    built_in = {plugin for plugin in known if plugin.__module__.startswith("vaegan_bench.")}
    assert {type(schedule) for schedule, _ in KNOWN} == built_in


@pytest.mark.parametrize("schedule", [Cosine(), Power(every=1)], ids=str)
def test_learning_rates_that_anneal_fall_at_every_step(schedule: Schedule) -> None:
    values = [schedule(1e-3, step, 50) for step in range(51)]
    assert values[0] == 1e-3
    assert all(later < earlier for earlier, later in pairwise(values))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Cyclic, {"cycles": 0}),
        (Cyclic, {"ramp": 0.0}),
        (Cyclic, {"ramp": 1.5}),
        (Linear, {"over": 0}),
        (Linear, {"after": -1}),
        (Power, {"every": 0}),
        (Power, {"power": -0.5}),
    ],
)
def test_what_means_nothing_is_refused(kind: type[Schedule], fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        kind(**fields)


def test_a_share_of_a_run_grows_with_the_run() -> None:
    delayed = Stepwise(stages="0:0 2%:1")
    assert [delayed(1.0, step, 1_000_000) for step in (19_999, 20_000)] == [0, 1]
    assert [delayed(1.0, step, 100) for step in (1, 2)] == [0, 1]


@pytest.mark.parametrize("span", ["40x", "%", "40%%", "-1", "-5%", "1.5", "nan%", "inf%", "4 0%"])
def test_what_is_no_part_of_a_run_is_refused(span: str) -> None:
    with pytest.raises(
        SelectorError, match="after must be a number of steps such as 1000, or a share of the run such as 40%"
    ):
        Registry().build(Schedule, f"linear[after={span}]")
