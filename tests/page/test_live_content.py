"""What the live section gets: the programs of trained models, each model's own codes and vectors, within its room."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import tables_alone

import vaegan_bench as vb
from vaegan_bench.api import ImageShape
from vaegan_bench.networks.larsen import Larsen
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.report.page import live
from vaegan_bench.report.page.live import live_content
from vaegan_bench.report.page.portable import portable
from vaegan_bench.results.run_folder import RunFolder
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.testing.passes import build_network, example_input

MODELS = ["gan", "vae", "vae[conditional=true]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    path = tmp_path_factory.mktemp("live")
    shared = {"steps": 3, "samples": 32, "seeds": [4, 2], "metrics": ["reconstruction"], "calibrate": False}
    with tables_alone():
        vb.run("smoke", models=MODELS, results=path, cache=path, **shared)
    return StudyFolder(path / "smoke")


def test_each_model_has_its_programs_and_the_order_of_its_colour(folder: StudyFolder) -> None:
    content, why_not = live_content(folder, Registry(), ["vae", "gan", "vae[conditional=true]"])
    assert why_not == ""
    assert content is not None
    models = {model["name"]: model for model in content["models"]}
    assert {name: model["colour"] for name, model in models.items()} == {"gan": 1, "vae": 0, "vae[conditional=true]": 2}
    assert [bool(models[name]["encoder"]) for name in MODELS] == [False, True, True]
    assert all(model["decoder"] for model in models.values())
    assert [models[name]["conditional"] for name in MODELS] == [False, False, True]
    conditions = len(content["attributes"])
    assert [models[name]["decoder"]["inputs"] for name in MODELS][1:] == [[[8]], [[8], [conditions]]]
    assert len(models["vae"]["encoder"]["outputs"]) == 1  # the mean alone
    assert len(content["faces"]) == len(content["face_conditions"]) == live.FACES
    assert len(content["attributes"]) == len(content["ends"]) == len(content["face_conditions"][0])
    assert set(np.unique(content["face_conditions"])) == {-1.0, 1.0}


def test_models_share_a_bank_of_codes_which_are_draws_from_the_prior(folder: StudyFolder) -> None:
    content, _ = live_content(folder, Registry(), MODELS)
    assert content is not None
    (bank,) = content["codes"].values()
    codes = np.frombuffer(base64.b64decode(bank["float16"]), "<f2").reshape(bank["count"], -1)
    run = next(each for each in folder.path.glob("gan-s4-*"))
    np.testing.assert_allclose(codes, vb.load_model(run, "cpu").codes(live.CODES), atol=2e-3)


def test_there_are_no_attributes_to_move_where_no_model_follows_them(folder: StudyFolder, tmp_path: Path) -> None:
    copied = StudyFolder(Path(shutil.copytree(folder.path, tmp_path / "copied")))
    for run in copied.path.glob("vae-conditional*"):
        shutil.rmtree(run)
    content, _ = live_content(copied, Registry(), MODELS)  # no attribute vectors were measured
    assert content is not None
    assert [model["name"] for model in content["models"]] == ["gan", "vae"]
    assert content["attributes"] == content["ends"] == []


def test_what_finds_no_room_is_named(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    content, _ = live_content(folder, Registry(), MODELS)
    assert content is not None
    whole = content["models"]
    decoders = sum(map(size_of, (model["decoder"] for model in whole)))
    for room, encoders in ((0, []), (size_of(whole[1]["encoder"]), ["vae"])):
        monkeypatch.setattr(live, "MOST", decoders + room)
        content, _ = live_content(folder, Registry(), MODELS)
        assert content is not None
        assert [model["decoder"] for model in content["models"]] == [model["decoder"] for model in whole]
        assert [model["name"] for model in content["models"] if model["encoder"]] == encoders
    assert re.fullmatch(r"Its encoder takes \d+ MB, and a page holds \d+ MB in all\.", content["models"][2]["why_not"])
    assert content["models"][:2] == whole[:2]
    monkeypatch.setattr(live, "MOST", decoders - 1)
    content, _ = live_content(folder, Registry(), MODELS)
    assert content is not None
    assert [bool(model["decoder"]) for model in content["models"]] == [True, True, False]
    assert not content["models"][2]["encoder"]
    assert content["models"][2]["why_not"].startswith("Its decoder takes")


def test_the_paper_s_decoders_have_room_beside_each_other() -> None:
    networks = Larsen()
    decoder = build_network(networks, "decoder", ImageShape(3, 64, 64)).eval()
    size = size_of(portable(decoder, example_input(networks, "decoder", ImageShape(3, 64, 64))).as_plain())
    assert size / 2**20 == pytest.approx(12, abs=0.5)
    assert live.MOST // size == 5


def size_of(program: dict[str, Any]) -> int:
    return len(program["weights"]) + len(program["numbers"])


def test_without_weights_it_says_so(folder: StudyFolder, tmp_path: Path) -> None:
    copied = StudyFolder(Path(shutil.copytree(folder.path, tmp_path / "copied")))
    for weights in copied.path.glob("*/weights.safetensors"):
        weights.unlink()
    content, why_not = live_content(copied, Registry(), MODELS)
    assert content is None
    assert why_not == "The weights of the trained models are not in the study's folder."


def test_a_network_that_raises_anything_costs_its_live_model_alone(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = live._programs

    def fail(run: RunFolder, *more: Any) -> dict[str, Any]:
        if run.record().label == "gan":
            raise TypeError("This network takes no zeros.")
        return programs(run, *more)

    monkeypatch.setattr(live, "_programs", fail)
    content, _ = live_content(folder, Registry(), MODELS)
    assert content is not None
    gan, vae = content["models"][:2]
    assert gan["decoder"] is None
    assert "This network takes no zeros." in gan["why_not"]
    assert vae["decoder"]
