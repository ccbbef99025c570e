"""What rulers change in tables: readings beside distances, and no verdict from what does not see the data."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from comparisons import frame, printed, run
from rulers import PROTOCOL, mark, ruler
from stored_study import store_study

from vaegan_bench.report import plots, tables
from vaegan_bench.report.page.numbers import Basis, number_table
from vaegan_bench.report.reproduction.claims import judge
from vaegan_bench.report.reproduction.paper import Claim
from vaegan_bench.report.reproduction.published import side_by_side
from vaegan_bench.report.tables.calibration import calibration, calibration_to_markdown
from vaegan_bench.results.readings import reading
from vaegan_bench.results.rulers import write_ruler

LOST = "not usable here: after noise of 4 precision is 0.10, not 0.90"
RULER = ruler(dataset="avatars", metric="frechet[efflite0]", protocol={**PROTOCOL, "extractor": "efflite0"})


def seven_seeds(instrument: str, reading: str = "blur of 1 px", **changes: object) -> pd.DataFrame:
    """Seven seeds that decide on both metrics: a GAN of a smaller distance, a VAE of a better PSNR than 'vae-b'."""
    rows = frame(
        *(run("vae", s, 30 + s % 3, 21, **changes) for s in range(7)),
        *(run("gan", s, 16 + 0.1 * (s % 3), 19, **changes) for s in range(7)),
    )
    of_distance = rows["metric"] == "frechet[efflite0]"
    rows.loc[~of_distance, "protocol"] = "{}"
    rows["instrument"] = rows["metric"].where(~of_distance, instrument).where(of_distance, "")
    return rows.assign(reading=rows["metric"].where(~of_distance, reading).where(of_distance, ""))


def verdicts(rows: pd.DataFrame) -> dict[str, str]:
    pairs = tables.compare(rows, "gan", "vae")
    return dict(zip(pairs["metric"], pairs["verdict"], strict=True))


def test_no_verdict_is_drawn_from_an_extractor_that_is_not_usable() -> None:
    assert verdicts(seven_seeds("usable"))["frechet[efflite0]"] == "better"
    found = verdicts(seven_seeds(LOST))
    assert found["frechet[efflite0]"] == "no verdict: the extractor is not usable on avatars"
    assert found["psnr"] == "worse"
    assert verdicts(seven_seeds("usable, but blind to tint (3 at 32, floor 2)"))["frechet[efflite0]"] == "better"


def test_no_verdict_is_drawn_between_two_models_that_are_off_the_scale() -> None:
    beyond = verdicts(seven_seeds("usable", "off the scale"))["frechet[efflite0]"]
    assert beyond == "no verdict: both models are off the scale of the ruler"
    one = seven_seeds("usable", "off the scale")
    one.loc[(one["model"] == "gan") & (one["seed"] == 0) & (one["reading"] != ""), "reading"] = "blur of 1 px"
    assert verdicts(one)["frechet[efflite0]"] == "better"


def test_no_verdict_is_drawn_on_features_that_a_model_was_trained_on() -> None:
    rows = seven_seeds("usable").assign(trained_on="")
    assert verdicts(rows)["frechet[efflite0]"] == "better"
    rows.loc[rows["model"] == "gan", "trained_on"] = "dinov2, efflite0"
    found = verdicts(rows)
    assert found["frechet[efflite0]"] == "no verdict: gan trained on features of efflite0"
    assert found["psnr"] == "worse"
    says = "`gan` was trained on features of `efflite0`: no verdict is drawn from its numbers on them."
    for page in (tables.to_markdown(rows, "t"), printed(rows)):
        assert says in " ".join(page.split())
        assert "†" not in page
    rows.loc[rows["model"] == "gan", "trained_on"] = "dinov2"
    assert verdicts(rows)["frechet[efflite0]"] == "better"


@pytest.mark.parametrize("name", ["lpips", "frechet[vgg16-maps-1a2b3c4d]"])
def test_the_extractor_of_a_number_is_that_of_its_protocol(name: str) -> None:
    rows = seven_seeds("usable").assign(trained_on="")
    rows.loc[rows["model"] == "gan", "trained_on"] = "vgg16-maps"
    measured = rows["metric"] == "frechet[efflite0]"
    rows.loc[measured, "metric"] = name
    assert verdicts(rows)[name] == "better"
    rows.loc[measured, "protocol"] = json.dumps({**PROTOCOL, "extractor": "vgg16-maps"})
    assert verdicts(rows)[name] == "no verdict: gan trained on features of vgg16-maps"
    rows.loc[rows["model"] == "gan", "trained_on"] = "inception"
    assert verdicts(rows)[name] == "better"


def test_a_model_trained_on_features_is_judged_on_numbers_that_use_none() -> None:
    rows = seven_seeds("usable").assign(trained_on="")
    rows.loc[rows["model"] == "gan", "trained_on"] = "inception"
    assert verdicts(rows) == {"frechet[efflite0]": "better", "psnr": "worse"}
    assert "trained on" not in tables.to_markdown(rows, "t")


def test_a_reading_without_words_is_no_missing_ruler() -> None:
    disordered = replace(RULER.scales[0], marks=(mark(1, 8.0), mark(2, 32.0), mark(4, 28.0)))
    silent = replace(RULER, scales=(disordered,))
    rows = seven_seeds("usable", reading(silent, 20.0))
    assert "no ruler yet" not in tables.to_markdown(rows, "t", [silent])
    rows.loc[(rows["reading"] != "") & ((rows["model"] == "vae") | (rows["seed"] == 0)), "reading"] = "off the scale"
    assert verdicts(rows)["frechet[efflite0]"] == "better"  # six of seven runs of one model are on the scale


def test_only_rulers_of_the_images_of_the_runs_are_those_of_a_study(tmp_path: Path) -> None:
    folder = store_study(tmp_path)
    for data in ("ab" * 32, "cd" * 32):  # the data set held other images before
        write_ruler(tmp_path, ruler(data=data))
    assert [each.data for each in folder.rulers()] == ["ab" * 32]


def test_a_column_that_carries_no_verdict_is_marked_and_explained() -> None:
    rows = seven_seeds(LOST)
    for page in (tables.to_markdown(rows, "t"), printed(rows)):
        assert "frechet[efflite0] ↓ †" in page
        assert "after noise of 4 precision is 0.10, not 0.90. No verdict is drawn" in " ".join(page.split())
        assert "psnr ↑ (dB) †" not in page
    assert "| **21 ± 0** |" in tables.to_markdown(rows, "t")
    assert "†" not in printed(seven_seeds("usable"))
    assert "- `efflite0`: usable." in tables.to_markdown(seven_seeds("usable"), "t")


def test_a_term_left_out_changes_a_marked_column_without_a_verdict() -> None:
    rows = seven_seeds(LOST).replace({"gan": "vae[prior.weight=0]"})
    table = tables.ablation(rows)
    assert list(table.columns) == ["frechet[efflite0] ↓ †", "psnr ↑ (dB)"]
    line = table.xs("prior", level="without").iloc[0]
    assert line["frechet[efflite0] ↓ †"].startswith("-14.")
    assert "▲" not in line["frechet[efflite0] ↓ †"]
    assert line["psnr ↑ (dB)"].endswith("▼")


def test_a_claim_is_not_judged_by_an_extractor_that_is_not_usable() -> None:
    claim = Claim(says="so", comparison="one", metric="frechet", better="gan", worse="vae")
    assert judge(claim, seven_seeds("usable"), {})[-1] == "holds"
    assert judge(claim, seven_seeds(LOST), {})[-1].startswith("no verdict: the extractor is not usable")


def test_a_paper_s_table_marks_and_reads_as_that_of_a_study_does() -> None:
    rows = seven_seeds(LOST, protocol=json.dumps({**RULER.protocol, "draws": 3}))
    table = side_by_side(rows, ("psnr", "frechet"), [], {}, [RULER])
    assert list(table.columns) == ["runs", "psnr ↑ (dB)", "frechet[efflite0] ↓ †", "frechet[efflite0] reads as"]
    assert table.loc["gan", "frechet[efflite0] reads as"] == "blur of 1.4 px, noise of 30"
    assert list(side_by_side(seven_seeds("usable"), ("frechet",), [], {}).columns) == ["runs", "frechet[efflite0] ↓"]


def test_the_page_ranks_nothing_by_an_extractor_that_is_not_usable() -> None:
    def shades(rows: pd.DataFrame) -> list[list[int | None]]:
        table = number_table("t", rows, Basis(rows, tables.paired_differences(rows), ["vae", "gan"], {}))
        return [[cell.shade for cell in cells[:2]] for _, cells in table.lines]  # the others have no direction

    assert shades(seven_seeds("usable")) == [[2, 0], [0, 2]]
    assert shades(seven_seeds(LOST)) == [[None, 0], [None, 2]]


def test_means_over_seeds_are_read_beside_the_numbers() -> None:
    rows = seven_seeds("usable", protocol=json.dumps({**RULER.protocol, "draws": 3}))
    page = tables.to_markdown(rows, "t", [RULER])
    assert "| frechet[efflite0] ↓ | frechet[efflite0] reads as |" in page
    assert "| **16.086 ± 0.083** | blur of 1.4 px, noise of 30 |" in page  # between 8 at 1 px and 32 at 2 px
    assert "reads as |" not in tables.to_markdown(rows, "t", [ruler()])
    assert "no ruler yet" in tables.to_markdown(rows.assign(reading="", instrument=""), "t")


def test_a_ruler_is_a_table_of_all_its_marks() -> None:
    table = calibration([ruler()])
    assert table["distortion"].tolist() == ["none", *["blur"] * 3, *["noise"] * 3, *["halves"] * 2]
    assert table["frechet"].tolist() == [2, 8, 32, 50, 1.5, 6, 54, 4, 7]
    assert table["seen"].tolist() == [False, True, True, True, False, True, True, True, True]
    page = calibration_to_markdown([ruler()])
    assert "Usable. Seen: blur from 1, noise from 16, halves from 0.5. 40 training images beside 30 held-out" in page
    assert "| noise (of 255) | 16 | 6 | 0.06000 | 0.800 | 0.500 |" in page


def test_a_figure_draws_every_mark_and_names_models_at_their_distances() -> None:
    figure = plots.ruler_curves([(ruler(), {"vae": 40.0, "gan": 9.0}), (RULER, {})])
    first, second = figure.axes
    heights = {tuple(line.get_ydata()) for line in first.lines}
    assert {(8.0, 32.0, 50.0), (4.0, 7.0), (40.0, 40.0), (9.0, 9.0)} <= heights
    assert second.get_title(loc="left") == "frechet[efflite0] on avatars"
    low, high = first.get_ylim()
    assert low < 2
    assert high > 54
    texts = {text.get_text() for text in first.texts}
    assert {"vae 40", "gan 9", "blur of 1, 2, 4 px", "training images: 2"} <= texts
    assert plots.ruler_curves([]).axes == []


def test_names_of_models_at_one_distance_stand_apart_with_lines_to_it() -> None:
    models = {f"model-{i:02}": 9 + i / 100 for i in range(30)} | {"near": 0.5}
    figure = plots.ruler_curves([(ruler(), models)])
    (panel,), labels = figure.axes, {f"model-{i:02}" for i in range(30)}
    figure.draw_without_rendering()
    boxes = {t.get_text().split()[0]: t.get_window_extent() for t in panel.texts}
    named = sorted((boxes[label] for label in labels), key=lambda box: box.y0)
    assert all(upper.y0 >= lower.y1 - 2 for lower, upper in pairwise(named))
    assert all(panel.bbox.y0 <= box.y0 and box.y1 <= panel.bbox.y1 for box in boxes.values())
    mild = panel.transData.transform((1, 9))[0]
    assert max(box.x1 for box in named) < mild  # no name lies upon a curve
    ends = {round(float(line.get_ydata()[1]), 6) for line in panel.lines if len(line.get_ydata()) == 2}
    assert {round(distance, 6) for distance in models.values()} <= ends


@pytest.mark.parametrize("floor", [0.0, 1e-9])
def test_a_floor_of_nothing_is_drawn(floor: float) -> None:
    plots.ruler_curves([(ruler(floor=mark(0, floor)), {})]).draw_without_rendering()
