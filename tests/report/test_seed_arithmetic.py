"""Comparisons over seeds that are unsorted, unequal in number and shared by studies: by hand and by enumeration."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from comparisons import PROTOCOL, frame, row
from scipy import stats

from vaegan_bench.report import tables
from vaegan_bench.report.tables.sign_flip_test import seeds_among

FRECHET = "frechet[efflite0]"


def measured(model: str, values: dict[int, float], metric: str = FRECHET, **changed: object) -> list[dict[str, object]]:
    """One row per seed, in the order that is given."""
    return [row(model, seed, metric, value, **changed) for seed, value in values.items()]


def enumerated(differences: Sequence[float]) -> float:
    """The share of sign patterns with a sum as far from zero, one pattern after the other."""
    observed = abs(math.fsum(differences))
    sums = [
        abs(math.fsum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(total >= observed - 1e-9 for total in sums) / len(sums)


@pytest.mark.parametrize(
    "differences", [[0.5], [3, -1], [2, -1, 4], [1, 2, -3, 0.5], [1, 1, 1, -1, -1, 2], [0, 0, 1, 2, -4, 8, 16]]
)
def test_the_p_value_is_the_share_of_sign_patterns(differences: list[float]) -> None:
    assert tables.sign_flip(differences) == pytest.approx(enumerated(differences))
    assert tables.sign_flip([-d for d in differences]) == pytest.approx(enumerated(differences))


def test_up_to_sixteen_seeds_every_pattern_is_tried() -> None:
    assert tables.sign_flip([1.0] * 16) == 2 / 2**16
    assert tables.sign_flip([1.0] * 17) >= 1 / 100_001


def test_runs_are_paired_by_seed_whatever_their_order_and_only_where_both_have_the_seed() -> None:
    vae = {5: 30.0, 1: 10.0, 3: 50.0, 0: 7.0, 2: 20.0}
    gan = {2: 24.0, 4: 99.0, 3: 47.0, 5: 31.0, 1: 18.0}
    pair = tables.compare(frame(measured("vae", vae), measured("gan", gan)), "gan", "vae").iloc[0]
    differences = [31 - 30, 18 - 10, 47 - 50, 24 - 20]
    assert pair["seeds"] == 4
    assert pair["difference"] == pytest.approx(np.mean(differences))
    assert (pair["mean"], pair["other_mean"]) == pytest.approx((30.0, 27.5))
    assert pair["half_width"] == pytest.approx(3.182446 * np.std(differences, ddof=1) / 2, rel=1e-6)
    assert pair["p"] == pytest.approx(enumerated(differences))


def test_models_without_a_common_seed_are_not_compared() -> None:
    rows = frame(measured("vae", {0: 1.0, 2: 2.0}), measured("gan", {1: 1.0, 3: 5.0}))
    assert tables.paired_differences(rows).empty


@pytest.mark.parametrize(("metric", "better"), [(FRECHET, "low"), ("psnr", "high")])
def test_the_direction_of_the_metric_decides_who_is_better(metric: str, better: str) -> None:
    rows = frame(
        measured("low", {s: 10 + 0.1 * s for s in range(6)}, metric),
        measured("high", {s: 12 + 0.3 * s for s in range(6)}, metric),
    )
    other = "high" if better == "low" else "low"
    won, lost = (tables.compare(rows, *pair).iloc[0] for pair in ((better, other), (other, better)))
    assert (won["verdict"], lost["verdict"]) == ("better", "worse")
    assert (won["improvement"], lost["improvement"]) == (1, 0)
    assert won["difference"] == -lost["difference"]
    assert np.sign(won["difference"]) == (1 if metric == "psnr" else -1)


def test_ties_count_half_in_the_probability_of_improvement() -> None:
    rows = frame(measured("vae", {0: 1.0, 1: 2.0, 2: 2.0}), measured("gan", {0: 2.0, 1: 3.0, 2: 1.0}))
    # Lower is better: of nine pairs (vae, gan) four are smaller, three equal and two larger.
    assert tables.compare(rows, "vae", "gan").iloc[0]["improvement"] == pytest.approx((4 + 3 / 2) / 9)
    assert tables.compare(rows, "gan", "vae").iloc[0]["improvement"] == pytest.approx((2 + 3 / 2) / 9)


def three(seeds: int) -> pd.DataFrame:
    return frame(
        *(
            measured(model, {s: level + 0.01 * s * s for s in range(seeds)})
            for model, level in (("vae", 30), ("gan", 20), ("vaegan", 10))
        )
    )


def test_verdicts_over_three_models_need_holms_p_and_not_the_raw_one() -> None:
    six = tables.paired_differences(three(6))
    assert set(six["p"]) == {2 / 64}  # each alone would be below .05
    assert set(six["p_holm"]) == {3 * 2 / 64}
    assert set(six["verdict"]) == {"no verdict possible at 6 seeds: 7 are needed"}
    seven = tables.paired_differences(three(7))
    assert set(seven["p_holm"]) == {3 * 2 / 128}
    assert seven.set_index(["model", "other"])["verdict"]["vaegan", "vae"] == "better"
    assert seven.set_index(["model", "other"])["verdict"]["vae", "gan"] == "worse"


def test_a_pair_that_holm_tests_last_needs_fewer_seeds() -> None:
    """Of ten seeds, b and c have six in common, or five, a and both others eight: their p is 2 / 2⁸, and 3p < .05."""

    def said(last: int, a: float = 50.0) -> str:
        mixed = [0.0, 4, -4, 1, -1, 2, -2, 3, -3, 0]
        seeds = {"a": (range(10), a), "b": (range(8), 30.0), "c": (range(2, 10), 30.0)}
        values = {m: {s: level + (mixed[s] if m == "c" else 0) for s in of} for m, (of, level) in seeds.items()}
        values["b"] = {s: x for s, x in values["b"].items() if s < 2 + last}
        return str(tables.compare(frame(*(measured(*each) for each in values.items())), "b", "c").iloc[0]["verdict"])

    assert said(6) == "no difference shown"  # at the last place 2 / 2⁶ would be a verdict
    assert said(5) == "no verdict possible at 5 seeds: 6 are needed"
    assert said(6, a=30.0) == "no verdict possible at 6 seeds: 7 are needed"  # the first place: 3 · 2 / 2⁶ > .05


def test_the_seeds_that_one_test_needs_follow_from_the_others() -> None:
    assert seeds_among([0.2], 0) == 6
    assert seeds_among([0.2, 0.2, 0.2], 1) == 7
    assert seeds_among([0.001, 0.2, 0.2], 1) == 7  # 2 · 2 / 2⁶ > .05
    assert seeds_among([0.001, 0.2, 0.002], 1) == 6
    assert seeds_among([0.02, 0.2, 0.001], 1) == 6  # 2 · .02 < .05
    assert seeds_among([0.03, 0.2, 0.001], 1) == 7  # 2 · .03 > .05, and nothing after it is a verdict
    drawn = np.random.default_rng(0).choice([0.5, 2 / 2**5, 2 / 2**6, 2 / 2**7, 2 / 2**8, 0.001], (200, 5))
    for p_values in drawn.tolist():
        tried = {s: tables.holm([2.0 ** (1 - s), *p_values[1:]])[0] for s in range(1, 9)}
        assert seeds_among(p_values, 0) == min(s for s, p in tried.items() if p < 0.05)


def test_only_whoever_beats_all_others_by_a_verdict_is_marked() -> None:
    def winners(seeds: int) -> list[str]:
        column = tables.model_table(three(seeds), best="{} WINS").xs(f"{FRECHET} ↓", axis=1, level="metric").iloc[:, 0]
        return [model for (_, model), text in column.items() if "WINS" in text]

    assert winners(6) == []
    assert winners(7) == ["vaegan"]


def test_a_win_over_a_model_that_is_not_shown_does_not_make_up_for_a_draw() -> None:
    levels = {"a": [5.0, 5.2] * 4, "b": [9.0] * 8, "c": [5.2, 5.0] * 4}
    whole = frame(*(measured(model, dict(enumerate(values))) for model, values in levels.items()))
    shown = whole[whole["model"] != "b"]
    assert tables.compare(whole, "a", "c").iloc[0]["verdict"] == "no difference shown"
    assert tables.compare(whole, "a", "b").iloc[0]["verdict"] == "better"
    table = tables.model_table(shown, best="{} WINS", whole=whole)
    assert not table.map(lambda cell: "WINS" in cell).any(axis=None)


def test_mixed_differences_show_none() -> None:
    rows = frame(
        measured("vae", dict(enumerate([1.0, 5, 2, 8, 3, 9, 4]))),
        measured("gan", dict(enumerate([2.0, 3, 4, 5, 6, 7, 8]))),
    )
    assert tables.compare(rows, "vae", "gan").iloc[0]["verdict"] == "no difference shown"


def test_holms_adjustment_never_reverses_the_order() -> None:
    raw = [0.04, 0.001, 0.03, 0.2, 0.0125]
    adjusted = tables.holm(raw)
    assert adjusted == pytest.approx([0.09, 0.005, 0.09, 0.2, 0.05])
    assert [x for _, x in sorted(zip(raw, adjusted, strict=True))] == sorted(adjusted)


def test_a_run_of_two_studies_is_compared_once() -> None:
    rows = frame(measured("vae", {0: 1.0, 1: 2.5, 2: 3.0}), measured("gan", {1: 2.0, 2: 1.0, 0: 4.0}))
    twice = pd.concat([rows, rows.assign(study="other")[::-1]])
    pd.testing.assert_frame_equal(tables.paired_differences(twice), tables.paired_differences(rows))
    pd.testing.assert_frame_equal(tables.model_table(twice), tables.model_table(rows))


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_interval_is_scipys(confidence: float) -> None:
    sample = [3.0, 9.5, 4.25, 8.0, 1.0]
    mean, half = tables.interval(sample, confidence)
    low, high = stats.t.interval(confidence, 4, np.mean(sample), stats.sem(sample))
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_the_noise_of_draws_is_taken_out_of_the_spread_over_seeds() -> None:
    protocol = json.dumps({**PROTOCOL, "draws": 4})
    noisy = {0: (10.0, 3.0), 1: (16.0, 4.0), 2: (22.0, 0.0)}
    rows = frame([row("vae", s, FRECHET, v, noise=n, protocol=protocol) for s, (v, n) in noisy.items()])
    evaluation = math.sqrt((9 + 16 + 0) / 3)
    training = math.sqrt(36 - evaluation**2 / 4)
    assert tables.noise(rows).loc["vae", f"{FRECHET} ↓"] == f"{training:.1f} / {evaluation:.1f}"


def test_floor_and_ceiling_are_means_over_finished_runs() -> None:
    from vaegan_bench.report.tables.bounds import bounds

    ends = [(0.1, 0.8), (0.3, 1.0)]
    rows = frame([row("vae", s, "psnr", 5.0, floor=f, ceiling=c) for s, (f, c) in enumerate(ends)])
    lost = frame([row("vae", 2, "psnr", 5.0, floor=0.9, ceiling=0.9, status="diverged at step 3")])
    assert bounds(pd.concat([rows, lost])).loc["psnr ↑ (dB)", "vae"] == "0.2000 to 0.9000"


def test_a_term_that_was_left_out_is_compared_with_the_full_model() -> None:
    full, without = "vae[gamma=2]", "vae[gamma=2,prior.weight=0]"
    rows = frame(measured(full, {2: 10.0, 0: 20.0, 1: 30.0}), measured(without, {0: 25.0, 1: 36.0, 2: 17.0, 3: 1000.0}))
    table = tables.ablation(rows)
    assert table.loc[("avatars", full, "prior"), f"{FRECHET} ↓"].startswith("+6.0 ± 2.5")
    assert table.index.tolist() == [("avatars", full, ""), ("avatars", full, "prior")]


def test_a_term_is_left_out_by_a_weight_of_zero_however_it_is_written_and_by_nothing_else() -> None:
    def without(label: str) -> list[str]:
        table = tables.ablation(frame(measured("vae", {0: 1.0, 1: 2.0}), measured(label, {0: 3.0, 1: 4.0})))
        return [] if table.empty else table.index.get_level_values("without").tolist()

    assert without("vae[prior.weight=0.0]") == without("vae[prior.weight=0]") == ["", "prior"]
    assert without("vae[weight=0]") == without("vae[prior.weight=linear]") == without("vae[prior.weight=1]") == []
