from __future__ import annotations

import json
import math
import subprocess
import sys

import pandas as pd
import pytest
from comparisons import PROTOCOL, diverged, eight_seeds, frame, printed, row, run

from vaegan_bench.report import tables
from vaegan_bench.report.page.pairs import pair_matrices
from vaegan_bench.report.tables import MixedProtocolsError
from vaegan_bench.report.tables.captions import caption


@pytest.fixture
def rows() -> pd.DataFrame:
    """Three models on three seeds: one GAN, one run that diverged, as the very first."""
    return frame(
        diverged("vaegan[gamma=1e-05]", 0),
        *(run("vae", seed, 30 + seed, 21 + 0.1 * seed) for seed in range(3)),
        *(run("gan", seed, 25 + seed) for seed in range(3)),
        *(run("vaegan[gamma=1e-05]", seed, 20 + seed, 19 + 0.1 * seed) for seed in (1, 2)),
    )


def test_interval_is_students_t() -> None:
    # t(0.975; 2) = 4.302653 and t(0.975; 4) = 2.776445, from printed tables.
    assert tables.interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 4.302653 / math.sqrt(3)), rel=1e-6)
    assert tables.interval([1, 2, 3, 4, 5])[1] == pytest.approx(2.776445 * math.sqrt(2.5 / 5), rel=1e-6)
    assert tables.interval([1.0, 3.0], confidence=0.5)[1] == pytest.approx(1.0)


def test_interval_of_one_value_has_no_width() -> None:
    mean, half_width = tables.interval([7.0])
    assert mean == 7
    assert math.isnan(half_width)
    with pytest.raises(ValueError, match="at least one"):
        tables.interval([])


def test_interval_with_an_infinite_value_has_no_width() -> None:
    mean, half_width = tables.interval([1.0, math.inf])
    assert mean == math.inf
    assert math.isnan(half_width)


def test_summary_has_one_row_per_model_and_metric_in_order(rows: pd.DataFrame) -> None:
    summary = tables.summarise(rows)
    assert list(summary.columns) == [
        *("dataset", "model", "metric", "attribute", "family", "direction", "units", "mean", "half_width"),
        *("seeds", "protocol"),
    ]
    assert list(summary["model"].unique()) == ["vaegan[gamma=1e-05]", "vae", "gan"]
    psnr = summary[summary["metric"] == "psnr"].set_index("model")
    assert list(psnr.index) == ["vaegan[gamma=1e-05]", "vae"]
    assert list(psnr["seeds"]) == [2, 3]
    assert psnr["mean"]["vae"] == pytest.approx(21.1)


def test_summaries_have_the_intervals_of_each_group_alone() -> None:
    values = {
        "a": [0.1, 0.4, 0.25],
        "b": [0.1] * 3,
        "c": [7],
        "f": [1 / 3] * 999,
        "d": [1, math.inf, 2],
        "e": [math.inf] * 2,
    }
    rows = frame([row(model, seed, "psnr", x) for model, of in values.items() for seed, x in enumerate(of)])
    found = tables.summarise(rows).set_index("model")[["mean", "half_width"]]
    for model, of in values.items():
        assert tuple(found.loc[model]) == pytest.approx(tables.interval(of), nan_ok=True)
    assert [tuple(found.loc[model]) for model in "bf"] == [(0.1, 0.0), (1 / 3, 0.0)]  # without rounding


def test_summary_leaves_runs_out_that_did_not_finish(rows: pd.DataFrame) -> None:
    summary = tables.summarise(rows)
    steps = summary[(summary["metric"] == "steps") & (summary["model"] == "vaegan[gamma=1e-05]")]
    assert steps["mean"].tolist() == [2000]


def test_a_run_of_two_studies_counts_once(rows: pd.DataFrame) -> None:
    twice = pd.concat([rows, rows.assign(study="standard")])
    pd.testing.assert_frame_equal(tables.summarise(twice), tables.summarise(rows))
    pd.testing.assert_series_equal(tables.runs(twice), tables.runs(rows))


def measured_at(model: str, seed: int, value: float, n: int, **changed: object) -> dict[str, object]:
    protocol = json.dumps(PROTOCOL | {"n_fake": n, "draws": n // 1000})
    return row(model, seed, "frechet[efflite0]", value, protocol=protocol, **changed)


@pytest.fixture
def two_protocols() -> pd.DataFrame:
    """2,000 samples as planned for two models; 5,000 for both, with one seed less, and listed first."""
    models = (("vae", 0), ("gan", 9))
    small = [
        [measured_at(model, seed, 30 + seed + lead, 2000, planned=True)] for model, lead in models for seed in (0, 1)
    ]
    large = [[measured_at(*run, 7.0 + run[1], 5000, planned=False)] for run in (("vae", 0), ("vae", 1), ("gan", 0))]
    return frame(*large, *small)


def test_another_protocol_is_a_column_of_its_own_that_says_what_differs(two_protocols: pd.DataFrame) -> None:
    summary = tables.summarise(two_protocols).set_index(["metric", "model"])
    other = "frechet[efflite0] (draws=5, n_fake=5000)"
    assert summary["mean"].to_dict() == {
        ("frechet[efflite0]", "vae"): 30.5, ("frechet[efflite0]", "gan"): 39.5, (other, "vae"): 7.5, (other, "gan"): 7.0
    }  # fmt: skip
    assert summary.loc[(other, "gan"), "seeds"] == 1
    cells = tables.model_table(two_protocols)["sample quality"].loc["avatars"]
    assert list(cells.columns) == [f"{other} ↓", "frechet[efflite0] ↓"]
    assert cells[f"{other} ↓"]["gan"] == "7 (n = 1)"
    pairs = tables.compare(two_protocols, "vae", "gan").set_index("metric")
    assert pairs["difference"].to_dict() == {"frechet[efflite0]": -9.0, other: 0.0}
    for page in (tables.to_markdown(two_protocols, "t"), printed(two_protocols)):
        assert "n_fake=5000" in page
    assert f"- {other}: n_real 1000, n_fake 5000," in tables.to_markdown(two_protocols, "t")


def test_without_a_plan_the_protocol_of_most_runs_has_the_plain_name(two_protocols: pd.DataFrame) -> None:
    unplanned = two_protocols.drop(columns="planned")
    assert tables.by_protocol(unplanned)["metric"].iloc[-1] == "frechet[efflite0]"
    most_first = unplanned[~((unplanned["model"] == "gan") & unplanned["protocol"].str.contains("2000"))]
    assert set(tables.by_protocol(most_first)["metric"].iloc[:3]) == {"frechet[efflite0]"}
    planned = tables.by_protocol(two_protocols.loc[most_first.index])["metric"]  # the plan decides, not the number
    assert set(planned.iloc[3:]) == {"frechet[efflite0]"} != set(planned.iloc[:3])


def test_numbers_of_other_code_have_a_column_of_their_own() -> None:
    rows = frame([row("vae", 0, "psnr", 20.0, code="0a1b")], [row("vae", 1, "psnr", 30.0, code="77ff")])
    assert tables.summarise(rows)["metric"].tolist() == ["psnr", "psnr (code=77ff)"]


def test_single_attributes_keep_protocols_apart(two_protocols: pd.DataFrame) -> None:
    page = tables.attributes_to_markdown(two_protocols.assign(attribute="Smiling"), "t")
    assert "### frechet[efflite0] ↓" in page
    assert "### frechet[efflite0] (draws=5, n_fake=5000) ↓" in page


def test_an_attribute_of_one_protocol_shares_no_column_with_another_protocol() -> None:
    planned = measured_at("vae", 0, 0.5, 2000, planned=True, attribute="Smiling")
    later = [measured_at("vae", 0, 0.5, 5000, planned=False, attribute=name) for name in ("Smiling", "Hat")]
    named = tables.by_protocol(frame([planned, *later]))["metric"].tolist()
    assert named == ["frechet[efflite0]", *["frechet[efflite0] (draws=5, n_fake=5000)"] * 2]


def test_a_long_heading_costs_no_numbers_in_a_narrow_terminal(two_protocols: pd.DataFrame) -> None:
    shown = printed(two_protocols, width=60)
    assert "39.5 ± 6.4" in shown
    assert "n_fake=5000)" in shown


@pytest.mark.parametrize(("column", "value"), [("setting", "77aa"), ("networks", "dcgan")])
def test_different_settings_are_never_compared(column: str, value: str) -> None:
    with pytest.raises(MixedProtocolsError, match=f"{column} is .* or {value}"):
        tables.model_table(frame(run("vae", 0, 30), run("gan", 0, 25, **{column: value})))


@pytest.mark.parametrize(("column", "place"), [("game", "'vae' on 'avatars'"), ("data", "'psnr' on 'avatars'")])
def test_runs_that_share_only_a_name_are_never_averaged(column: str, place: str) -> None:
    alike = {"game": "g7", "data": "d7"}
    first, second = [frame(run("vae", seed, 30, 20)).assign(**{**alike, column: f"g{seed}"}) for seed in (0, 1)]
    gan = frame(run("gan", 1, 25)).assign(**{**alike, column: "g0"})
    with pytest.raises(MixedProtocolsError, match=f"{place} is not the same in all rows: {column} is g0 or g1"):
        tables.summarise(pd.concat([first, second])[lambda rows: rows["metric"].eq("psnr")])
    assert set(tables.summarise(pd.concat([first, gan]))["seeds"]) == {1}


@pytest.mark.parametrize(("column", "value"), [("units", "%"), ("direction", "lower"), ("family", "latent")])
def test_a_number_with_another_meaning_has_a_column_of_its_own(column: str, value: str) -> None:
    earlier, planned = row("vae", 0, "psnr", 7.0, **{column: value}), row("vae", 0, "psnr", 21.0)
    rows = frame([{**earlier, "planned": False}, {**planned, "planned": True}])
    found = tables.summarise(rows).set_index("metric")["mean"].to_dict()
    assert found == {f"psnr ({column}={value})": 7.0, "psnr": 21.0}


def test_long_values_of_a_protocol_are_whole_unless_they_are_hashes() -> None:
    samplers = [f"mixture[components={n},floor=1e-05]" for n in (20, 30)]
    rows = frame(
        *(run("vae", seed, 30, protocol=json.dumps({"sampler": each})) for seed, each in enumerate(samplers)),
        run("vae", 2, 30, protocol=json.dumps({"weights": "0a1b2c3d" * 8})),
    )
    names = " ".join(tables.summarise(rows)["metric"].unique())
    assert f"sampler={samplers[1]}" in names
    assert "weights=0a1b2c3d0a1b…" in names


def test_the_order_of_keys_in_a_protocol_means_nothing() -> None:
    turned = json.dumps(dict(reversed(PROTOCOL.items())))
    summary = tables.summarise(frame(run("vae", 0, 30), run("vae", 1, 31, protocol=turned)))
    assert set(summary["seeds"]) == {2}


def test_data_sets_may_differ_in_setting(rows: pd.DataFrame) -> None:
    other = frame(run("vae", 9, 12, dataset="mnist", setting="77aa"))
    table = tables.model_table(pd.concat([rows, other]))
    assert list(table.index)[-1] == ("mnist", "vae")


def test_comparison_by_hand(rows: pd.DataFrame) -> None:
    table = tables.model_table(rows)
    assert list(table.columns) == [
        ("", "runs"),
        ("sample quality", "frechet[efflite0] ↓"),
        ("reconstruction", "psnr ↑ (dB)"),
    ]
    assert table.loc[("avatars", "vae")].tolist() == ["3", "31.0 ± 2.5", "21.10 ± 0.25"]
    assert table.loc[("avatars", "gan")].tolist() == ["3", "26.0 ± 2.5", ""]
    assert table.loc[("avatars", "vaegan[gamma=1e-05]")].tolist() == [
        *("2 of 3 (1 diverged at step 812)", "21.5 ± 6.4", "19.15 ± 0.64")
    ]


def test_a_single_seed_stands_alone_and_a_single_model_wins_nothing() -> None:
    table = tables.model_table(frame(run("vae", 0, 30.12345, 21)))
    assert table.loc[("avatars", "vae")].tolist() == ["1", "30.12", "21"]


def test_a_winner_is_marked_only_where_the_verdict_carries_it() -> None:
    frechet = tables.model_table(eight_seeds())["sample quality", "frechet[efflite0] ↓"]
    assert [text.endswith("*") for text in frechet] == [False, True, False]
    psnr = tables.model_table(eight_seeds())["reconstruction", "psnr ↑ (dB)"]
    assert [text.endswith("*") for text in psnr] == [True, False, False]
    undecided = tables.model_table(eight_seeds(lead=0.0))["sample quality", "frechet[efflite0] ↓"]
    assert not any(text.endswith("*") for text in undecided)
    few = tables.model_table(eight_seeds().query("seed < 3"))
    assert not few.map(lambda text: text.endswith("*")).any(axis=None)


def test_a_value_that_is_no_number_is_no_value(rows: pd.DataFrame) -> None:
    table = tables.model_table(frame(run("vae", 0, 30, math.nan), run("vae", 1, 31, 21.5), run("gan", 0, math.nan)))
    assert table["reconstruction", "psnr ↑ (dB)"].tolist() == ["21.50 (n = 1)", ""]
    assert table["sample quality", "frechet[efflite0] ↓"].tolist() == ["30.5 ± 6.4", ""]


def test_counts_need_no_interval(rows: pd.DataFrame) -> None:
    context = tables.context(rows)
    assert context.loc[("avatars", "vae"), ("training", "parameters")] == "3,456,789"


@pytest.mark.parametrize(
    ("mean", "half_width", "expected"),
    [
        (12.345, 0.4321, "12.35 ± 0.43"),
        (12.345, 0.0996, "12.35 ± 0.10"),
        (12345, 432, "12,340 ± 430"),
        (1.234e-5, 2.3e-7, "(1.234 ± 0.023)e-05"),
        (0.0, 1e-9, "(0.0 ± 1.0)e-09"),
        (1.9999983, 7.4e-8, "1.999998300 ± 0.000000074"),
        (-0.001, 0.12, "0.00 ± 0.12"),
        (0.5, 0.0, "0.5000 ± 0"),
        (0.5, math.nan, "0.5000"),
        (math.inf, math.nan, "∞"),
        (3.2e18, 1.2e17, "(3.20 ± 0.12)e+18"),
        (1e14, 2e12, "100,000,000,000,000 ± 2,000,000,000,000"),
    ],
)
def test_the_uncertainty_decides_the_digits(mean: float, half_width: float, expected: str) -> None:
    assert tables.cell(mean, half_width) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-0.0, "0"),
        (9.99999, "10.00"),
        (1234.56, "1,235"),
        (0.0012346, "0.001235"),
        (1.2346e-5, "1.235e-05"),
        (2e6, "2,000,000"),
        (2e14, "200,000,000,000,000"),
        (-3.2e18, "-3.200e+18"),
        (1e15 + 0.5, "1.000e+15"),
    ],
)
def test_numbers_alone_have_four_digits(value: float, expected: str) -> None:
    assert tables.number(value) == expected


def test_small_p_values_are_not_said_to_be_zero() -> None:
    assert [tables.p_value(p) for p in (1.0, 0.0234, 0.0006)] == ["1.000", "0.023", "0.001"]
    assert tables.p_value(0.00049) == tables.p_value(0.0) == "<0.001"
    rows = frame(*(run(model, s, 30 - lead + s % 3) for model, lead in (("vae", 0), ("gan", 9)) for s in range(14)))
    [matrix] = pair_matrices(tables.paired_differences(rows), ["vae", "gan"])
    assert [cell.p for _, cells in matrix.lines for cell in cells if cell] == ["<0.001", "<0.001"]


def test_labels_break_where_they_can_be_read() -> None:
    assert tables.wrap_label("vae", 10) == "vae"
    assert tables.wrap_label("vaegan[gamma=1e-05,beta=4.0]", 16) == "vaegan\n[gamma=1e-05,\nbeta=4.0]"
    for odd in ("m[a=[[1,2]],,b]", "[[", ",a,", "folder[path=x[[1]],,y]"):
        assert tables.wrap_label(odd, 4).replace("\n", "") == odd
        assert "" not in tables.wrap_label(odd, 4).split("\n")


def test_markdown(rows: pd.DataFrame) -> None:
    text = tables.to_markdown(rows, "quick")
    assert text.startswith("# quick\n\n## avatars\n\n### Sample quality\n\n| model | runs | frechet[efflite0] ↓ |\n")
    assert "| `gan` | 3 | 26.0 ± 2.5 |" in text
    assert "| `gan` | 3 |  |" in text
    assert "| `vae` | 3 | 21.10 ± 0.25 |" in text
    assert "Means over 2 to 3 seeds; ± is the 95 % Student t-interval over seeds." in text
    assert "No verdict is possible over 3 pairs of models at 2 to 3 common seeds: 7 are needed." in text
    decided = tables.to_markdown(eight_seeds(), "quick")
    assert "| `vaegan` | 8 | **" in decided
    assert "Bold: better than every other model by a paired sign-flip test" in decided
    assert "- `vaegan[gamma=1e-05]` on avatars, seed 0: diverged at step 812" in text
    assert "n_real 1000, n_fake 1000, extractor efflite0, weights abababababab…" in text
    assert "nan" not in text.lower()


def test_the_caption_of_models_without_a_common_number_says_so() -> None:
    other = json.dumps({**PROTOCOL, "conditioned_on": "attributes"})
    rows = frame(*(run("vae", s, 30) + run("vae[conditional=true]", s, 25, protocol=other) for s in range(2)))
    said = caption(tables.summarise(rows), tables.paired_differences(rows), decided=False, gaps=True)
    assert "Nothing is compared: no two models here have a number by the same protocol at a common seed." in said
    assert "nan" not in tables.to_markdown(rows, "t").lower()


def test_the_caption_of_metrics_with_unequal_models_counts_each_by_itself() -> None:
    def said(seeds: int) -> str:
        encoded = (run(model, seed, 30 + seed, 20 + seed) for model in ("a", "b", "c") for seed in range(seeds))
        rows = frame(*encoded, *(run("gan", seed, 25 + seed) for seed in range(seeds)))
        return caption(tables.summarise(rows), tables.paired_differences(rows), decided=False, gaps=True)

    assert (
        "No verdict is possible at 6 common seeds. Needed are 7 for 3 pairs of models, 8 for 6 pairs of models."
        in said(6)
    )
    assert "No model is shown to be better than every other" in said(7)  # of three models it could have been


def test_the_caption_counts_the_seeds_that_models_have_in_common() -> None:
    """Each model has six seeds, the two have five in common, and six are needed."""
    seeds = {"a": [1, 2, 3, 4, 5, 6], "b": [0, 2, 3, 4, 5, 6]}
    rows = frame(*(run(model, seed, 30 + seed) for model, of_model in seeds.items() for seed in of_model))
    said = "No verdict is possible over 1 pair of models at 5 common seeds: 6 are needed."
    assert said in tables.to_markdown(rows, "quick")
    assert said in tables.to_paste(rows, headlines=False)


def test_markdown_tables_are_rectangular(rows: pd.DataFrame) -> None:
    blocks = tables.to_markdown(rows.replace("vae", "vae|odd"), "quick").split("\n\n")
    for block in (block for block in blocks if block.startswith("|")):
        assert len({line.replace("\\|", "").count("|") for line in block.split("\n")}) == 1


def test_markdown_of_one_seed_gives_no_verdict() -> None:
    text = tables.to_markdown(frame(run("vae", 0, 30), run("gan", 0, 25)), "quick")
    assert "One seed: there is no interval, and no difference here is a verdict." in text
    assert "**" not in text
    assert "±" not in text


def test_a_study_without_a_finished_run_still_has_its_tables() -> None:
    rows = frame(diverged("vae", 0), diverged("gan", 0))
    assert tables.model_table(rows)["", "runs"].tolist() == ["0 of 1 (1 diverged at step 812)"] * 2
    assert "No metric was measured here." in tables.to_markdown(rows, "quick")
    assert "0 of 1" in printed(rows)


def test_no_rows_make_no_table() -> None:
    rows = frame(run("vae", 0, 30)).iloc[:0]
    assert tables.model_table(rows).empty
    assert tables.to_markdown(rows, "quick") == "# quick\n"


def test_terminal_keeps_brackets(rows: pd.DataFrame) -> None:
    text = printed(rows)
    assert "quick [sic]" in text
    assert "[gamma=1e-05]" in text
    assert "frechet[efflite0] ↓" in text
    assert "2 of 3" in text
    assert "vaegan[gamma=1e-05] on avatars, seed 0: diverged at step 812" in text


def test_models_that_do_not_fit_side_by_side_follow_below(rows: pd.DataFrame) -> None:
    narrow = printed(rows, width=60)
    assert narrow.count("frechet[efflite0] ↓") == 2
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.count("diverged at step 812") == 1
    assert printed(rows).count("frechet[efflite0] ↓") == 1


def test_several_data_sets_have_their_own_sections(rows: pd.DataFrame) -> None:
    both = pd.concat([rows, frame(run("vae", 9, 12, dataset="mnist", setting="77aa"))])
    assert [line for line in printed(both).split("\n") if line.strip() in {"avatars", "mnist"}]
    assert tables.to_markdown(both, "two").count("\n## ") == 3


def test_tables_import_quickly() -> None:
    slow = "{'torch', 'matplotlib', 'seaborn', 'scipy.stats'} & set(sys.modules)"
    code = f"import sys, vaegan_bench.report.tables; sys.exit(str({slow}) if {slow} else 0)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_what_went_wrong_in_training_stands_beside_the_runs_with_its_numbers() -> None:
    collapsed = "mode collapse: 83% of 2000 samples have a near-duplicate among the others"
    rows = frame(run("gan", 0, 30, health=collapsed), run("gan", 1, 30), diverged("vae", 0))
    assert list(tables.runs(rows)) == ["2 (1 mode collapse)", "0 of 1 (1 diverged at step 812)"]
    page = tables.to_markdown(rows, "quick")
    assert f"- `gan` on avatars, seed 0: {collapsed}" in page
    assert "- `vae` on avatars, seed 0: diverged at step 812" in page
    assert "gan on avatars, seed 0: mode collapse: 83%" in printed(rows)


def test_evaluation_noise_is_told_from_training_noise() -> None:
    protocol = json.dumps({**PROTOCOL, "draws": 4})
    values = {0: 10.0, 1: 14.0, 2: 18.0}  # variance 16 over seeds, of which 2² / 4 = 1 is sampling
    rows = frame(
        [row("vae", s, "frechet[efflite0]", v, noise=2.0, protocol=protocol) for s, v in values.items()],
        [row("gan", 0, "frechet[efflite0]", 9.0, noise=1.0, protocol=protocol), row("gan", 0, "psnr", 9.0, noise=None)],
    )
    table = tables.noise(rows)
    assert list(table.columns) == ["frechet[efflite0] ↓"]
    assert table.loc["vae"].item() == "3.9 / 2.0"
    assert table.loc["gan"].item() == "— / 1.0"
    assert "### Noise" in tables.to_markdown(rows, "quick")
    assert tables.noise(frame(run("vae", 0, 3.0))).empty


def test_single_attributes_have_a_page_of_their_own_and_their_bounds_beside_them() -> None:
    def probe(model: str, seed: int, attribute: str, value: float) -> dict[str, object]:
        bounds = {"low": value - 0.02, "high": value + 0.02, "ceiling": 0.99, "floor": 0.5}
        return row(model, seed, "psnr", value, attribute=attribute) | bounds

    rows = frame(
        run("vae", 0, 30, 21),
        [probe("vae", 0, "Smiling", 0.8), probe("vae", 0, "Beard", 0.7), probe("gan", 0, "Smiling", 0.6)],
        [probe("gan", 1, "Smiling", 0.62)],
    )
    assert "Smiling" not in tables.to_markdown(rows, "quick")
    assert not tables.paired_differences(rows)["mean"].lt(1).any()
    lines = tables.attributes_to_markdown(rows, "quick").splitlines()
    assert "| attribute | `vae` | `gan` | floor | ceiling |" in lines
    assert "| Smiling | 0.800 ± 0.020 | 0.61 ± 0.13 | 0.5000 | 0.9900 |" in lines
    assert "| Beard | 0.700 ± 0.020 |  | 0.5000 | 0.9900 |" in lines
    rare = frame([probe("gan", seed, "Smiling", 0.6 + 0.02 * seed) for seed in range(2)], [probe("gan", 1, "Hat", 0.9)])
    fewer = tables.attributes_to_markdown(rare, "quick").splitlines()
    assert "| Smiling | 0.61 ± 0.13 | 0.5000 | 0.9900 |" in fewer
    assert "| Hat | 0.900 ± 0.020 (n = 1) | 0.5000 | 0.9900 |" in fewer
    named = tables.attributes_to_markdown(frame([probe("floor", 0, "Smiling", 0.6)]), "quick").splitlines()
    assert "| Smiling | 0.600 ± 0.020 | 0.5000 | 0.9900 |" in named
    never = frame([row("vae", 3, "psnr", 0.0, attribute="Hat", low=0.0, high=0.2775)])
    assert "| Hat | 0 [0, 0.2775] |" in tables.attributes_to_markdown(never, "quick")
    assert tables.attributes_to_markdown(frame(run("vae", 0, 30, 21)), "quick") == ""


def test_floors_and_ceilings_have_a_table_of_their_own() -> None:
    rows = frame(
        [row("vae", 0, "psnr", 0.8, ceiling=0.99, floor=0.5), row("vae", 1, "psnr", 0.8, ceiling=0.97, floor=0.5)]
    )
    rows = pd.concat([rows, frame(run("gan", 0, 30), [row("vaegan", 0, "psnr", 0.7, floor=0.4)])])
    page = tables.to_markdown(rows, "quick")
    table = page[page.index("### Floors and ceilings") :]
    assert "| `vae` | 0.5000 to 0.9800 |" in table
    assert "| `vaegan` | 0.4000 to — |" in table
    assert "`gan`" not in table.partition("Floor: chance")[0]
    assert "Floors" not in tables.to_markdown(frame(run("gan", 0, 30)), "quick")
