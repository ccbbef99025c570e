"""Which numbers lead: as metrics declare them, through the first extractor of the plan that sees the data."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
from comparisons import diverged, frame, run
from rich.console import Console
from stored_study import METRIC, add, declared, measurement, store_study

from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report import tables
from vaegan_bench.report.results import Results
from vaegan_bench.results.headlines import leading
from vaegan_bench.results.records import PlannedMetric
from vaegan_bench.study.resolver import Resolver
from vaegan_bench.study.study_file import load_study

LOST = "not usable here: after noise of 4 precision is 0.10, not 0.90"
FRECHET = {"kind": "metric", "name": "frechet"}
PLAN = {
    "a": PlannedMetric(label="frechet[extractor=efflite0]", metric=FRECHET, headline=("frechet", "fid")),
    "b": PlannedMetric(label="frechet", metric=FRECHET, headline=("frechet", "fid")),
    "c": PlannedMetric(label="psnr", metric=METRIC, headline=("psnr",)),
}
NUMBERS = [
    ("a", "frechet[efflite0]"), ("a", "frechet-debiased[efflite0]"), ("b", "frechet[oracle]"), ("c", "psnr"),
    ("c", "mse"), ("", "steps"),
]  # fmt: skip


def rows(**instruments: str) -> pd.DataFrame:
    """Two models' numbers on two data sets, with what rulers say of the extractors on the second."""
    return pd.DataFrame(
        {"dataset": data, "model": model, "measurement": key, "metric": metric, "attribute": "",
         "protocol": key, "code": "", "instrument": instruments.get(key, "") if data == "digits" else ""}
        for data in ("faces", "digits") for model in ("gan", "vae") for key, metric in NUMBERS
    )  # fmt: skip


def led(found: pd.DataFrame, dataset: str) -> list[str]:
    return found.loc[leading(found, PLAN)].query("dataset == @dataset and model == 'vae'")["metric"].tolist()


def test_declared_numbers_lead_through_the_first_extractor_of_the_plan() -> None:
    assert led(rows(), "faces") == ["frechet[efflite0]", "psnr"]
    assert led(rows(a="usable, but blind to tint (3 at 32, floor 2)"), "digits") == ["frechet[efflite0]", "psnr"]


def test_an_extractor_that_does_not_see_the_data_leads_nowhere_but_alone() -> None:
    assert led(rows(a=LOST), "digits") == ["frechet[oracle]", "psnr"]
    assert led(rows(a=LOST), "faces") == ["frechet[efflite0]", "psnr"]
    assert led(rows(a=LOST, b=LOST), "digits") == ["frechet[efflite0]", "psnr"]
    of_one_model = rows(a=LOST)
    of_one_model.loc[of_one_model["model"] == "vae", "instrument"] = ""
    assert led(of_one_model, "digits") == ["frechet[oracle]", "psnr"]


def test_the_first_that_was_measured_leads_where_others_failed() -> None:
    assert led(rows().query("measurement != 'a'"), "faces") == ["frechet[oracle]", "psnr"]


def test_numbers_of_single_attributes_and_of_other_protocols_do_not_lead() -> None:
    assert led(rows().assign(attribute="Smiling"), "faces") == []
    assert led(rows().replace({"measurement": {"a": "f00d"}}), "faces") == ["frechet[oracle]", "psnr"]


def test_numbers_of_one_protocol_lead_together_though_some_are_of_an_earlier_plan() -> None:
    found = rows().assign(protocol="{}")
    earlier = (found["model"] == "vae") & (found["measurement"] == "c")
    found.loc[earlier, "measurement"] = "f00d"
    assert led(found, "faces") == ["frechet[efflite0]", "psnr"]
    found.loc[earlier, "protocol"] = "other"
    assert led(found, "faces") == ["frechet[efflite0]"]


def test_a_study_says_of_every_number_whether_it_leads(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    add(study.run("gan-0"), [(measurement({"psnr": 7.0}, 5000, 3, exhibits=[]), {})])
    found = declared(study, "psnr")
    assert set(found.loc[found["headline"], "metric"]) == {"psnr"}
    assert 7.0 not in found.loc[found["headline"], "value"].tolist()
    assert tables.headline(found)["value"].tolist() == [20.25, 21.25, 20.75, 21.75]


def test_headlines_alone_still_say_which_runs_there_are() -> None:
    found = frame(run("vae", 0, 30.0, 21.0), diverged("vae", 1), diverged("gan", 0))
    found = found.assign(headline=found["metric"] == "psnr")
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(tables.to_rich(found, headlines=True))
    text = " ".join(console.export_text().split())
    assert re.search(r"finished runs +1 of 2 +0 of 1", text)
    assert "gan on avatars, seed 0: diverged at step 812" in text
    assert "psnr" in text
    assert "frechet" not in text
    assert "steps" not in text


def test_a_notebook_shows_what_leads_and_the_table_all_numbers(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    declared(study, "psnr")
    results = Results(study)
    assert results.table(headlines=True).columns.tolist() == [("", "runs"), ("reconstruction", "psnr ↑")]
    assert "mse" not in results._repr_html_()
    assert ("reconstruction", "mse ↓") in results.table().columns


def test_where_nothing_is_declared_all_numbers_lead_but_the_cost_of_training(tmp_path: Path) -> None:
    study = store_study(tmp_path / "stored")
    assert tables.headline(study.rows())["metric"].unique().tolist() == ["psnr", "mse"]
    assert tables.headline(study.rows().drop(columns="headline"))["metric"].unique().tolist() == ["psnr", "mse"]


def test_packaged_studies_lead_with_a_few_numbers() -> None:
    registry = Registry()
    for name in ("quick", "standard"):
        study = load_study(name)
        metrics = [Resolver(study, registry).metric(selector) for selector in study.metrics]
        numbers = {number for metric in metrics for number in metric.headline} - {"fid", "rfid"}
        assert 6 <= len(numbers) <= 8, numbers


def test_a_notebook_compares_two_models_over_their_common_seeds(tmp_path: Path) -> None:
    found = Results(store_study(tmp_path / "stored")).compare("gan", "vae").set_index("metric")
    assert found["seeds"].tolist() == [2, 2]
    assert found.loc["psnr", ["difference", "mean", "other_mean", "improvement"]].tolist() == [0.5, 21.25, 20.75, 3 / 4]
    assert found.loc["mse", ["difference", "mean", "other_mean", "improvement"]].tolist() == [0.5, 1.25, 0.75, 1 / 4]
    assert found["verdict"].str.startswith("no verdict possible at 2 seeds").all()
