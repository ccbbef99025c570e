"""The sentences at the top of the page: they say what the statistics carry, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest
from page_rows import rows, shifted

from vaegan_bench.report import tables
from vaegan_bench.report.page import answer

TOPICS = {"frechet[oracle]": "likeness to real images", "mse": "errors of pixels"}


def said_of(rows: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    found = answer.findings(rows, pairs, TOPICS, all_finished(rows))
    return [f"{finding.topic} {finding.text}".strip() for finding in found]


def all_finished(rows: pd.DataFrame) -> dict[str, bool]:
    return dict.fromkeys(rows["model"].unique(), True)


def sentences(rows: pd.DataFrame) -> list[str]:
    return said_of(rows, tables.paired_differences(rows))


def test_a_winner_over_all_others_is_named_with_its_numbers() -> None:
    found = sentences(rows({"vae": shifted(0), "gan": shifted(-3), "vaegan": shifted(2)}))
    assert found == [
        "psnr (dB) (higher is better, 8 common seeds): vaegan (22.49) is better than every other model; "
        "vae (20.49) is better than gan (17.49)."
    ]


def test_models_that_are_better_than_the_same_ones_share_a_part_of_the_sentence() -> None:
    near = [x + sign for x, sign in zip(shifted(-3), [0.1, -0.1] * 4, strict=True)]
    found = sentences(
        rows({"gan": shifted(-3), "vae": shifted(0), "vaegan": near}, "frechet[oracle]", "lower", units="1")
    )
    assert found == [
        "Likeness to real images (frechet[oracle], lower is better, 8 common seeds): gan (17.49) and vaegan (17.49) "
        "are better than vae (20.49)."
    ]


def test_a_number_is_named_in_words_with_its_protocol_and_units() -> None:
    decibels = rows({"vae": shifted(0), "gan": shifted(-3)}, "mse", "lower", units="dB")
    [finding] = answer.findings(decibels, tables.paired_differences(decibels), TOPICS, all_finished(decibels))
    assert (finding.topic, finding.text[:35]) == ("Errors of pixels", "(mse (dB), lower is better, 8 commo")
    elsewhere = decibels.assign(metric="mse (n_fake=5000)", units="1")
    [finding] = answer.findings(elsewhere, tables.paired_differences(elsewhere), TOPICS, all_finished(elsewhere))
    assert (finding.topic, finding.text[:20]) == ("Errors of pixels", "(mse (n_fake=5000), ")


def test_lower_is_better_where_the_number_says_so() -> None:
    found = sentences(rows({"vae": shifted(0), "gan": shifted(-3)}, "frechet[oracle]", "lower", units="1"))
    assert found == [
        "Likeness to real images (frechet[oracle], lower is better, 8 common seeds): gan (17.49) is better than "
        "vae (20.49)."
    ]


def test_the_best_mean_alone_is_no_winner_and_numbers_share_a_reason() -> None:
    few = {"vae": shifted(0)[:3], "gan": shifted(-3)[:3]}
    found = sentences(pd.concat([rows(few), rows(few, "ssim", units="1"), rows(few, "mse", "lower", units="1")]))
    assert found == ["On psnr, ssim and errors of pixels (mse) no verdict is possible at 3 seeds: 6 are needed."]


def test_what_is_alike_is_said_to_show_no_difference() -> None:
    alike = [x + sign for x, sign in zip(shifted(0), [0.1, -0.1] * 4, strict=True)]
    assert sentences(rows({"vae": shifted(0), "gan": alike})) == ["On psnr no difference is shown."]


def test_no_verdict_is_drawn_on_features_that_do_not_see_the_data() -> None:
    blind = rows({"vae": shifted(0), "gan": shifted(-3)}, "frechet[efflite0]", "lower", instrument="not usable here: x")
    [said] = sentences(blind.assign(reading=""))
    assert said.startswith("On frechet[efflite0] no verdict is drawn: the extractor is not usable")


def test_one_model_and_numbers_that_nobody_shares_are_not_compared() -> None:
    assert sentences(rows({"vae": shifted(0)})) == ["One model alone: there is nothing to compare it with."]
    apart = pd.concat([rows({"vae": shifted(0)}), rows({"gan": shifted(0)}, "ssim")])
    assert sentences(apart) == ["No two models have a number in common, so that nothing is compared."]


def test_sentences_name_the_means_of_the_table_and_count_models_without_common_seeds() -> None:
    alone = rows({"vae": shifted(0), "gan": shifted(-3), "vaegan": shifted(2)[:1]})
    apart = rows({"fourth": [30.0] * 9}).query("seed == 8")
    [said] = sentences(pd.concat([alone, apart]))
    assert "8 common seeds" in said
    assert said.endswith("vae (20.49) is better than gan (17.49).")
    two = rows({"vae": shifted(0), "gan": shifted(-3), "vaegan": shifted(-6)})
    [said] = sentences(pd.concat([two, apart]))
    assert "vae (20.49) is better than gan (17.49) and vaegan (14.49); gan (17.49)" in said
    assert "every other model" not in said


def test_sentences_are_about_the_given_numbers_alone() -> None:
    both = pd.concat([rows({"vae": shifted(0), "gan": shifted(-3)}), rows({"vae": [1.0], "gan": [2.0]}, "ssim")])
    [said] = said_of(both[both["metric"] == "ssim"], tables.paired_differences(both))
    assert said.startswith("On ssim no verdict")


def test_a_model_without_a_number_here_is_in_no_sentence() -> None:
    whole = rows({"vae": shifted(0), "gan": shifted(-3), "vaegan": shifted(2)})
    pairs = tables.paired_differences(whole)
    [said] = said_of(whole[whole["model"] != "gan"], pairs)
    assert said.endswith(": vaegan (22.49) is better than vae (20.49).")
    assert said_of(whole[whole["model"] == "vae"], pairs) == ["One model alone: there is nothing to compare it with."]


@pytest.mark.parametrize(
    ("fates", "said"),
    [
        ({"vae": True}, "One model alone: there is nothing to compare it with."),
        ({"vae": True, "gan": False}, "Only vae has a finished run: there is nothing to compare it with."),
        ({"vae": True, "gan": True}, "No two models have a number in common, so that nothing is compared."),
        ({"vae": False}, "No run finished: there is nothing to compare."),
        ({"vae": False, "gan": False}, "No run finished: there is nothing to compare."),
    ],
)
def test_why_nothing_is_compared(fates: dict[str, bool], said: str) -> None:
    alone = rows({"vae": shifted(0)})
    [finding] = answer.findings(alone, tables.paired_differences(alone), TOPICS, fates)
    assert finding.text == said
