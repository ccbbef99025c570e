"""Comparisons over seeds: known answers, and verdicts only where the seeds support them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest
from comparisons import diverged, frame, row, run
from scipy import stats

from vaegan_bench.report import tables
from vaegan_bench.system.errors import StudyError, UnknownNameError


def test_the_sign_flip_test_is_exact() -> None:
    assert tables.sign_flip([1.0, 2.0, 3.0]) == 2 / 8
    assert tables.sign_flip([1, 1, 1, 1, 1, 1]) == pytest.approx(2 / 64)
    assert tables.sign_flip([1.0, -1.0]) == 1.0
    differences = [0.3, -0.1, 0.8, 0.5, 0.2, 0.9, -0.05]
    expected = stats.permutation_test(
        (differences,), lambda x: x.mean(), permutation_type="samples", n_resamples=10**6
    ).pvalue
    assert tables.sign_flip(differences) == pytest.approx(expected)
    with pytest.raises(ValueError, match="at least one"):
        tables.sign_flip([])


def test_many_seeds_draw_their_signs() -> None:
    shifted = [0.2 + (-1) ** i for i in range(30)]
    exact = stats.ttest_1samp(shifted, 0).pvalue
    assert tables.sign_flip(shifted) == pytest.approx(exact, rel=0.15)
    assert 0 < tables.sign_flip([1.0] * 20) < 1e-4


def test_holm_by_hand() -> None:
    assert tables.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert tables.holm([0.5, 0.9]) == [1.0, 1.0]


def test_probability_of_improvement_is_mann_whitneys() -> None:
    a, b = [1.0, 2.0, 2.0, 5.0], [0.5, 2.0, 3.0]
    assert tables.improvement(a, b) == pytest.approx(stats.mannwhitneyu(a, b).statistic / 12)
    assert tables.improvement([1], [1]) == 0.5


@pytest.mark.parametrize("tests", [1, 3, 6, 10])
def test_the_seeds_that_would_do_are_the_fewest(tests: int) -> None:
    needed = tables.seeds_needed(tests)
    assert tables.sign_flip([1.0] * needed) * tests < 0.05 <= tables.sign_flip([1.0] * (needed - 1)) * tests


def test_six_seeds_can_carry_a_verdict_over_two_models_and_three_cannot() -> None:
    def two(seeds: int) -> pd.DataFrame:
        return frame(
            *(run("vae", s, 30 + s % 3, 21) for s in range(seeds)), *(run("gan", s, 28 + s % 3) for s in range(seeds))
        )

    better = tables.compare(two(6), "gan", "vae").iloc[0]
    assert (better["metric"], better["verdict"], better["seeds"]) == ("frechet[efflite0]", "better", 6)
    assert better["difference"] == pytest.approx(-2)
    assert better["half_width"] == pytest.approx(0)
    assert better["improvement"] == pytest.approx(stats.mannwhitneyu([2, 1, 0] * 2, [0, -1, -2] * 2).statistic / 36)
    assert tables.compare(two(6), "vae", "gan").iloc[0]["verdict"] == "worse"
    assert len(tables.compare(two(6), "gan", "vae")) == 1  # a GAN has no PSNR
    few = tables.compare(two(3), "gan", "vae").iloc[0]
    assert few["verdict"] == "no verdict possible at 3 seeds: 6 are needed"


def test_only_common_seeds_of_finished_runs_are_compared() -> None:
    rows = frame(
        diverged("vae", 0), *(run("vae", s, 30 + s) for s in (1, 2)), *(run("gan", s, 20 + s) for s in (0, 1, 2, 3))
    )
    compared = tables.compare(rows, "gan", "vae").iloc[0]
    assert compared["seeds"] == 2
    assert compared["difference"] == pytest.approx(-10)


def changed(model: str, seed: int, mean: float, attributes: Sequence[str], **more: object) -> list[dict[str, object]]:
    """A mean over attributes, and the number of each."""
    return [row(model, seed, "psnr", mean, attribute=name, **more) for name in ("", *attributes)]


def test_no_verdict_is_drawn_from_means_over_different_attributes() -> None:
    def gain(fewer: int) -> str:
        first = [changed("vae", s, 30 + s % 3, ["Hat", "Beard"]) for s in range(7)]
        second = [changed("gan", s, 20 + s % 3, ["Hat"] if s < fewer else ["Beard", "Hat"]) for s in range(7)]
        other = changed("other", 0, 20, ["Smiling"])
        rows = frame(*first, *second, other, changed("gan", 9, 20, ["Smiling"], status="diverged"))
        return str(tables.compare(rows, "vae", "gan")["verdict"].item())

    assert gain(fewer=0) == "better"
    assert gain(fewer=1) == "no verdict: the means are over different attributes"
    alone = frame(*(run("vae", s, 30 + s % 3, 21) + run("gan", s, 20, 11) for s in range(6)))
    assert set(tables.compare(alone, "vae", "gan")["verdict"]) == {"better", "worse"}


def test_every_table_leaves_winners_out_of_means_over_different_attributes() -> None:
    two = [changed("vae", s, 30 + s % 3, ["Hat"]) + changed("gan", s, 20 + s % 3, ["Beard"]) for s in range(6)]
    rows = frame(*two, *(run(model, s, 30 + s % 3) for model in ("vae", "gan") for s in range(6)))
    assert "**" not in tables.to_markdown(rows, "t") + tables.to_paste(rows, headlines=False)
    assert "**" not in tables.to_paste(rows.assign(headline=True), headlines=True)
    assert not tables.tidy(rows)["best"].any()
    assert not tables.tidy(rows.assign(headline=True), headlines=True)["best"].any()
    assert "*" not in tables.model_table(tables.headline(rows), whole=rows).to_string()


def test_unknown_models_are_told() -> None:
    rows = frame(run("vae", 0, 30), run("gan", 0, 20))
    with pytest.raises(UnknownNameError, match="Did you mean 'vae'"):
        tables.compare(rows, "vea", "gan")
    with pytest.raises(StudyError, match="cannot be compared with itself"):
        tables.compare(rows, "vae", "vae")
