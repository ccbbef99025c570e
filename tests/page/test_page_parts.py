"""What stands in the page, as plain data: tables, pairs, curves and costs."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nasty_study import store_nasty_study
from page_rows import rows, shifted
from stored_study import DRAWS, SAMPLES, add, edit, measurement, store_study

from vaegan_bench.api import ImagePairs
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import plots, tables, writing
from vaegan_bench.report.exhibits import first_exhibit
from vaegan_bench.report.page import images
from vaegan_bench.report.page.content import content_of, downloads, meaning_of, metrics_of
from vaegan_bench.report.page.cost import cost_cards, leading_number
from vaegan_bench.report.page.curves import POINTS, curve_data
from vaegan_bench.report.page.images import NEAREST, gallery
from vaegan_bench.report.page.numbers import Basis, NumberTable, number_table
from vaegan_bench.report.page.page import lines_of, render
from vaegan_bench.report.page.pairs import pair_matrices
from vaegan_bench.report.page.paper import paper_content
from vaegan_bench.report.page.svg import as_svg
from vaegan_bench.report.reproduction.paper import Comparison, load_paper
from vaegan_bench.report.reproduction.reproduction import Reproduction
from vaegan_bench.report.writing import write_report
from vaegan_bench.results import measurements
from vaegan_bench.results.archive import archive_study
from vaegan_bench.results.measurements import Measurements, Sheets
from vaegan_bench.results.records import read_metrics
from vaegan_bench.results.stored_files import RUN
from vaegan_bench.results.study_folder import StudyFolder


def headline(rows: pd.DataFrame, models: list[str]) -> NumberTable:
    basis = Basis(rows, tables.paired_differences(rows), models, {"psnr": "Peak signal."})
    return number_table("Headline", rows, basis)


def test_numbers_are_shaded_by_rank_and_starred_by_verdict_alone() -> None:
    values = {"vae": shifted(0), "gan": shifted(-3), "vaegan": shifted(2)}
    table = headline(rows(values), ["gan", "vae", "vaegan", "other"])
    [column] = table.columns
    assert (column.heading, column.meaning, column.direction) == ("psnr ↑ (dB)", "Peak signal.", "higher")
    cells = {model: line[0] for model, line in table.lines}
    assert list(cells) == ["gan", "vae", "vaegan", "other"]
    assert [cells[model].shade for model in cells] == [2, 1, 0, None]
    assert [cells[model].is_best for model in cells] == [False, False, True, False]
    assert cells["vaegan"].value == pytest.approx(22.4875)
    assert cells["other"].text == ""
    few = headline(rows({m: v[:2] for m, v in values.items()}), ["gan", "vaegan"])
    assert not any(line[0].is_best for _, line in few.lines)


def test_numbers_say_over_how_many_seeds_they_are() -> None:
    few = rows({"vae": shifted(0), "gan": shifted(-3)[:1]})
    part = rows({"vae": [1.0], "gan": [2.0]}, "ssim")
    table = headline(pd.concat([few, part]), ["vae", "gan", "other"])
    cells = {model: [cell.text for cell in line] for model, line in table.lines}
    assert cells == {"vae": ["20.49 ± 0.24", "1 (n = 1)"], "gan": ["17.10", "2"], "other": ["", ""]}
    assert table.caption.startswith("Means over 1 to 8 seeds; ± is")
    assert table.caption.endswith("Empty: the model has no such output, was not measured so, or has no finished run.")
    assert headline(few[:0], ["vae"]).caption == ""


def test_each_pair_is_told_both_ways_and_a_shared_reason_once() -> None:
    # Differences of 3.0, 3.1, …, 3.7: mean 3.35, deviation .2449, t(0.975; 7) = 2.3646, hence ± .2048.
    decided = rows({"vae": shifted(0), "gan": [x - 3 - 0.1 * i for i, x in enumerate(shifted(0))]})
    undecided = rows({"vae": [1.0], "gan": [2.5]}, "mse", "lower")
    first, second = pair_matrices(tables.paired_differences(pd.concat([decided, undecided])), ["gan", "vae"])
    (gan, (_, here)), (vae, (there, _)) = first.lines
    assert (gan, vae) == ("gan", "vae")
    assert here is not None
    assert there is not None
    assert (here.difference, here.verdict, here.improvement) == ("−3.35 ± 0.20", "worse", "0.00")
    assert (there.verdict, there.p, there.improvement) == ("better", "0.008", "1.00")
    assert second.note == "1 common seed; no verdict possible at 1 seed: 6 are needed"
    assert second.lines[0][1][1].reason == ""  # type: ignore[union-attr]  # said above the table


def history(model: str, seed: int, steps: int, term: str = "prior", slope: float = 1.0) -> pd.DataFrame:
    images = np.arange(1, steps + 1) * 64
    fixed = {"model": model, "seed": seed, "term": term, "dataset": "avatars", "run": f"{model}-{seed}"}
    return pd.DataFrame({"images": images, "value": slope * images, **fixed})


def test_curves_are_thinned_to_means_and_leave_out_what_never_changes() -> None:
    data = curve_data(
        pd.concat([history("vae", 3, 6 * POINTS), history("gan", 1, 5), history("vae", 3, 9, "fixed", 0.0)]),
        ["gan", "vae"],
    )
    assert json.loads(json.dumps(data)) == data
    [term] = data["terms"]
    lines = {run["model"]: run for run in term["runs"]}
    assert len(lines["vae"]["images"]) == POINTS
    assert lines["vae"]["images"][0] == 64 * 3.5  # the mean of the first six steps
    assert lines["vae"]["values"][0] == pytest.approx(64 * 3.5, rel=1e-3)
    assert (lines["gan"]["seed"], lines["gan"]["values"]) == (1, [192])  # of the five steps of its first part


def test_points_of_all_seeds_stand_at_the_same_images() -> None:
    together = pd.concat([history("vae", 0, 150), history("vae", 1, 300), history("vae", 2, 31)])
    [term] = curve_data(together, ["vae"])["terms"]
    short, long, shortest = (run["images"] for run in term["runs"])
    assert len(long) == POINTS
    assert (short, shortest) == (long[: len(short)], long[: len(shortest)])
    for run in term["runs"]:
        assert run["values"][:-1] == pytest.approx(run["images"][:-1], rel=1e-3)  # the term is the number of images


def test_curves_say_which_runs_ended_early() -> None:
    broken = history("gan", 0, 9)
    broken.loc[5:, "value"] = np.nan
    together = pd.concat([history("vae", 0, 9), history("vae", 1, 3), broken, history("vae", 1, 3, "other")])
    prior, other = curve_data(together, ["vae", "gan"])["terms"]
    assert [(run["model"], run["seed"], run["early"]) for run in prior["runs"]] == [
        ("vae", 0, False), ("vae", 1, True), ("gan", 0, True),
    ]  # fmt: skip
    assert [run["early"] for run in other["runs"]] == [True]


def test_lines_of_more_models_than_colours_have_dashes() -> None:
    lines = list(lines_of([f"model-{i}" for i in range(18)]))
    assert len(set(lines)) == 18
    assert [dash for _, dash in lines[:9]] == ["none"] * 8 + ["6.4 2.4"]


def test_a_few_points_are_kept_as_they_are() -> None:
    [term] = curve_data(history("gan", 1, 5), ["gan"])["terms"]
    assert term["runs"][0]["values"] == term["runs"][0]["images"] == [64, 128, 192, 256, 320]


def test_values_that_are_not_numbers_are_left_out_of_curves() -> None:
    broken = history("gan", 0, 4)
    broken.loc[2, "value"] = np.inf
    assert curve_data(broken, ["gan"])["terms"][0]["runs"][0]["values"] == [64, 128, 256]


def test_the_front_holds_what_nothing_dominates() -> None:
    quality = {"cheap": 30.0, "dear": 10.0, "dominated": 31.0, "middle": 20.0}
    seconds = {"cheap": 10.0, "dear": 100.0, "dominated": 50.0, "middle": 50.0}
    good = rows({model: [value] for model, value in quality.items()}, "fid", "lower", units="1")
    made = pd.concat([good, rows({model: [value] for model, value in seconds.items()}, "seconds", "none", units="s")])
    [card] = cost_cards(made, "fid")
    assert [(model, point.on_front) for model, point in card.points.items()] == [
        ("cheap", True), ("middle", True), ("dominated", False), ("dear", True),
    ]  # fmt: skip
    turned = made.assign(direction=made["direction"].replace("lower", "higher"))
    points = cost_cards(turned, "fid")[0].points
    assert [model for model, point in points.items() if point.on_front] == ["cheap", "dominated"]
    assert cost_cards(made, "psnr") == []
    assert cost_cards(made.assign(instrument="not usable here: precision"), "fid") == []


def test_costs_are_held_against_the_first_number_that_has_a_direction() -> None:
    counted = rows({"vae": [5.0], "gan": [6.0]}, "clusters", "none")
    assert leading_number(pd.concat([counted, rows({"vae": [1.0]}, "psnr (draws=3)")])) == "psnr"
    assert cost_cards(pd.concat([counted, rows({"vae": [1.0]}, "seconds", "none")]), leading_number(counted)) == []


def test_models_without_one_of_two_costs_keep_the_other() -> None:
    quality = rows({"vae": [30.0], "gan": [20.0]}, "fid", "lower", units="1")
    seconds = rows({"vae": [10.0], "gan": [5.0]}, "seconds", "none", units="s")
    operations = rows({"gan": [7.0]}, "operations", "none", units="1")
    first, second = cost_cards(pd.concat([quality, seconds, operations]), "fid")
    assert [list(card.points) for card in (first, second)] == [["gan", "vae"], ["gan"]]


def test_the_table_of_costs_has_models_whose_times_are_of_another_machine(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    for name in ("gan-0", "gan-1"):
        edit(folder.path / name / RUN, environment={"device": "gpu", "python": "3.11"})
    [part] = content_of(folder, Registry(), {}).parts
    assert list(part.costs[0].points) == ["vae"]
    assert part.cost_models == {"vae": 20.75, "gan": 21.25}


def test_a_model_whose_runs_all_diverged_is_not_compared_and_not_forgotten(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    for name in ("gan-0", "gan-1"):
        edit(folder.path / name / RUN, status="diverged at step 7")
    [part] = content_of(folder, Registry(), {}).parts
    assert [finding.text for finding in part.findings] == [
        "Only vae has a finished run: there is nothing to compare it with."
    ]


def test_what_was_not_trained_or_had_nothing_to_measure_went_wrong(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    assert content_of(folder, Registry(), {}).problems[0].name == "training"
    shutil.rmtree(folder.path / "gan-1")
    add(folder.run("vae-0"), [(measurement({}, SAMPLES, DRAWS, exhibits=[]), {})])
    told = {fact.name: fact.values for fact in content_of(folder, Registry(), {}).problems}
    why = f"`vaegan-bench status {folder.path}` says why."
    assert told["not trained"] == [f"1 of 4 runs of the plan are not trained (gan-1): {why}"]
    assert told["not trained"] == folder.missing() == folder.untrained_lines(["gan-0"])
    assert folder.missing(reported=["gan-1"]) == []
    for name in ("gan-0", "vae-1"):
        add(folder.run(name), [(measurement({}, SAMPLES, DRAWS, exhibits=[]), {})])
    assert {fact.name: fact.values for fact in content_of(folder, Registry(), {}).problems}["nothing to measure"] == [
        "reconstruction"
    ]


def test_costs_are_held_against_the_numbers_of_the_planned_protocol_alone(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    for run in folder.shown():
        add(run, [(measurement({"psnr": 500.0, "mse": 0.0}, 5 * SAMPLES, DRAWS, exhibits=[]), {})])
    [part] = content_of(folder, Registry(), {}).parts
    points = part.costs[0].points
    assert {model: point.quality for model, point in points.items()} == {"vae": 20.75, "gan": 21.25}
    assert len({figure.name for figure in part.cost_figures}) == len(part.costs) > 0


def test_times_on_different_machines_are_kept_apart(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    for name in ("vae-1", "gan-0"):
        edit(folder.path / name / RUN, environment={"device": "gpu", "python": "3.11"}, seconds=0.5)
    edit(folder.path / "gan-1" / RUN, seconds=2.5)
    means = tables.summarise(folder.rows()).set_index(["metric", "model"])["mean"]
    assert means["seconds"].to_dict() == {"vae": 1.5, "gan": 2.5}
    assert means["seconds (device=gpu)"].to_dict() == {"vae": 0.5, "gan": 0.5}
    assert {name for name, _ in means.index} >= {"speed", "speed (device=gpu)", "steps", "parameters"}
    assert not {"steps (device=gpu)", "parameters (device=gpu)"} & {name for name, _ in means.index}


def test_records_of_all_runs_are_not_parsed_again_for_the_names_of_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, parsed = store_nasty_study(tmp_path), list[object]()
    assert all(run.images() and run.measurements.exhibits() for run in folder.shown())
    monkeypatch.setattr(measurements, "read_metrics", lambda record: parsed.append(record) or read_metrics(record))
    assert all(run.images() and run.measurements.exhibits() for run in folder.shown())
    assert parsed == []
    add(folder.shown()[0], [], Sheets(SAMPLES, "prior", {}, {}))
    assert not folder.shown()[0].images()  # which the names that are known from before do not hide


def test_metrics_are_looked_up_in_as_few_runs_as_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, read = store_nasty_study(tmp_path), list[object]()
    by_key = Measurements.by_key
    monkeypatch.setattr(Measurements, "by_key", lambda each: read.append(each) or by_key(each))
    folder.shown()
    read.clear()
    found = metrics_of(folder, Registry(), {"psnr", "mse", "retention-auc"})
    assert found.keys() == {"psnr", "mse", "retention-auc"}
    assert len(read) == 1
    assert found == metrics_of(folder, Registry(), {"psnr", "of no metric"})
    assert meaning_of("psnr", found["psnr"]).startswith("Pixels of reconstructions. Mean MSE, MAE, PSNR and SSIM")
    assert meaning_of("mse", found["mse"]).startswith("Mean MSE, MAE")


def test_held_out_images_are_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, encoded = store_nasty_study(tmp_path, ("vae", "gan")), list[object]()
    monkeypatch.setattr(images, "png_uri", lambda pixels: encoded.append(pixels) or "data:")
    shown = gallery(folder, folder.shown()[0].record().dataset, ["vae", "gan"])
    assert shown.originals is not None
    assert len(encoded) == 1 + sum(len(sheets) for seed in shown.seeds for sheets in seed.sheets.values())


def test_a_kind_of_images_that_the_first_seed_lacks_can_be_chosen(tmp_path: Path) -> None:
    folder = store_nasty_study(tmp_path, ("gan", "vae"))
    (first,) = [run for run in folder.shown() if (run.record().label, run.record().seed) == ("vae", 0)]
    add(first, [], Sheets(SAMPLES, "prior", {}, {}))
    shown = gallery(folder, first.record().dataset, ["gan", "vae"])
    assert [kind.name for kind in shown.kinds] == ["samples", "reconstructions", "nearest"]
    assert [list(seed.sheets["reconstructions"]) for seed in shown.seeds] == [[], ["vae"]]


def test_the_images_of_the_planned_measurement_come_first(tmp_path: Path) -> None:
    def pairs(level: int) -> ImagePairs:
        return ImagePairs(np.full((2, 2, 8, 8, 3), level, np.uint8), names=("sample", "nearest in training"))

    run = store_study(tmp_path).shown()[0]
    for samples, level in ((SAMPLES, 10), (5 * SAMPLES, 20)):
        left = {"nearest-training": pairs(level), "others": pairs(level + 1)}
        add(run, [(measurement({}, samples, DRAWS, exhibits=list(left)), left)])
    for planned in run.measurements.by_key():
        found = first_exhibit(run, ImagePairs, [planned], NEAREST)
        assert found is not None
        assert found.pairs_K2HWC.max() == {SAMPLES: 10, 5 * SAMPLES: 20}[run.measurements.by_key()[planned]["samples"]]
    assert first_exhibit(run, ImagePairs, [], "of no metric") is None


def test_numbers_with_a_power_of_ten_are_not_torn_apart(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    for run, value in zip(folder.shown(), (20.5, 20.5000001, 21.5, 21.5000002), strict=True):
        add(run, [(measurement({"psnr": value, "mse": 9.5e-8 + value * 1e-12}, SAMPLES, DRAWS, exhibits=[]), {})])
    text = render(content_of(folder, Registry(), {}))
    powers = re.findall(r"<td[^>]*>(\([^<]*)", text)
    assert powers
    assert all(re.match(r"\(\S+ ± \S+\)e[+−-]\d+", each) for each in powers)


def test_a_number_without_a_meaning_has_no_empty_tip(tmp_path: Path) -> None:
    text = render(content_of(store_study(tmp_path), Registry(), {}))
    tips = re.findall(r'class="tip"[^>]*>(.*?)</span>', text, re.DOTALL)
    assert tips
    assert all(tip.strip() for tip in tips)
    named = set(re.findall(r'aria-describedby="([^"]+)"', text))
    assert named == set(re.findall(r'role="tooltip" id="([^"]+)"', text))


def test_a_page_with_images_stays_where_only_the_archive_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_study(tmp_path / "stored")
    archive_study(folder)
    for run in folder.runs():
        shutil.rmtree(run.path)
    monkeypatch.setattr(writing, "number_figures", lambda folder: {})
    monkeypatch.setattr(writing, "write_samples", lambda folder: [])
    page = folder.path / "report.html"
    page.write_text("with live models")
    write_report(folder, Registry())
    assert page.read_text() == "with live models"
    page.unlink()
    write_report(folder, Registry())
    assert "The weights of the trained models are not in the study" in page.read_text()


def small_paper(folder: Path) -> Reproduction:
    """A paper with two comparisons."""
    comparisons = [
        Comparison(name=name, title=name, study="smoke", figures=(), metrics=("psnr",)) for name in ("one", "two")
    ]
    presets = {"quick": {"about": "fast"}}
    paper = replace(load_paper("larsen2016"), comparisons=tuple(comparisons), presets=presets, published=(), claims=())
    store_nasty_study(folder / "one", ("vae", "vaegan", "gan"))
    store_nasty_study(folder / "two", ("gan", "vae"))
    return Reproduction(paper, "quick", "vaegan-bench reproduce small", folder)


def test_the_page_of_a_paper_names_a_comparison_that_is_missing(tmp_path: Path) -> None:
    reproduction = small_paper(tmp_path)
    for run in StudyFolder(tmp_path / "two").runs():
        shutil.rmtree(run.path)
    problems = {fact.name: fact.values for fact in paper_content(reproduction, Registry()).problems}
    assert "of the plan are not trained" in problems["two: not shown"][0]


def test_a_model_has_one_colour_on_the_whole_page_of_a_paper(tmp_path: Path) -> None:
    content = paper_content(small_paper(tmp_path), Registry())
    assert content.models == ["vae", "vaegan", "gan"]
    names = [figure.name for figure in content.figures]
    assert {"metrics-one", "metrics-two"} <= {*names}
    assert not [name for name in names if name.startswith(("learning-curves", "gradients"))]  # the page has its own
    vae, vaegan, gan = (colour.lower() for colour in plots.colours(content.models).values())
    drawn = [figure.svg for figure in content.figures if figure.name in ("metrics-two", "latent-two")]
    drawn += [figure.svg for figure in content.parts[1].cost_figures]
    assert len(drawn) > 2
    for svg in drawn:
        assert vae in svg
        assert gan in svg
        assert vaegan not in svg


def test_equal_images_of_a_figure_share_no_id() -> None:
    figure = Figure(figsize=(4, 2))
    for ax in figure.subplots(1, 2):
        ax.imshow(np.eye(4))
    svg = as_svg(figure, "twice")
    assert svg.count("<image") == 2
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids)) > 0


def test_the_rows_as_json_have_every_digit() -> None:
    exact = [3.2e-11, 0.12345678901234567]
    made = rows({"vae": [*exact, math.inf, math.nan]}).assign(planned=True)
    saved = gzip.decompress(base64.b64decode(downloads(made, made)["results.json"])).decode()
    found = json.loads(saved, parse_constant=pytest.fail)
    assert [row["value"] for row in found] == [*exact, None, None]
    assert (found[0]["seed"], found[0]["planned"], found[0]["model"]) == (0, True, "vae")


def test_the_page_leaves_out_its_own_curves_and_no_figure_with_a_name_like_theirs(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    names = ("learning-curves", "gradients", "gradients-per-layer", "learning-curves-of-probe")
    content = content_of(study, Registry(), dict.fromkeys(names, Figure))
    assert [figure.name for figure in content.figures] == ["gradients-per-layer", "learning-curves-of-probe"]
    for run in study.runs():
        edit(run.path / RUN, dataset=run.record().label)
    of_two = ("learning-curves-vae", "gradients-gan", "gradients-per-layer")
    assert [figure.name for figure in content_of(study, Registry(), dict.fromkeys(of_two, Figure)).figures] == [
        of_two[2]
    ]


def test_the_command_that_runs_a_study_again_is_one_for_a_shell(tmp_path: Path) -> None:
    content = content_of(store_study(tmp_path / "stored"), Registry(), {})
    text = render(replace(content, studies={"$HOME at 5": "", "plain": ""}))
    assert "<code>vaegan-bench run &#39;$HOME at 5.toml&#39;</code>" in text
    assert "<code>vaegan-bench run plain.toml</code>" in text


def test_the_first_line_says_how_much_was_run_and_on_which_data(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    (dataset,) = study.rows()["dataset"].unique()
    assert content_of(study, Registry(), {}).summary == f"2 models, 2 seeds, 4 runs on {dataset}"
    for run in study.runs()[1:]:
        edit(run.path / RUN, dataset="dicebear 8×8")
    assert content_of(study, Registry(), {}).summary == f"2 models, 2 seeds, 4 runs on {dataset} and dicebear 8×8"
    for run in study.runs()[1:]:
        shutil.rmtree(run.path)
    assert content_of(study, Registry(), {}).summary == f"1 model, 1 seed, 1 run on {dataset}"
