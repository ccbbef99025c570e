"""What TensorBoard reads after a study."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from vaegan_bench_tensorboard.logger import TensorBoardLogger, tag_of

from vaegan_bench.execution.execution import Execution
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.results.study_folder import StudyFolder
from vaegan_bench.study.plan import make_plan
from vaegan_bench.study.study import Study

EVERYTHING = dict.fromkeys(("scalars", "images", "tensors"), 0)
PLUGINS = """
from dataclasses import dataclass
from vaegan_bench.api import Measurement, Metric, hookimpl
from vaegan_bench.testing import Blobs

@dataclass(frozen=True, kw_only=True)
class Level(Metric):
    "One number over all attributes, and one about an attribute."
    name = "level"
    family = "sample quality"

    def __call__(self, outputs):
        whole = Measurement("level[all]", 0.25, "higher", "")
        return [whole, Measurement("level[all]", 0.75, "higher", "", attribute="Right")]

@hookimpl
def vaegan_bench_plugins():
    return [Blobs, Level]
"""


def executed(folder: Path, **values: Any) -> Execution:
    """A study of a VAE/GAN on the blobs, 60 steps."""
    folder.mkdir(exist_ok=True)
    file = folder / "plugins.py"
    file.write_text(PLUGINS)
    registry = Registry([file, "vaegan_bench_tensorboard"])
    plain = {
        "name": "small", "datasets": ["blobs"], "models": ["vaegan"],
        "networks": "compact[latent=4,width=4,decoder_width=4]", "size": 32, "seeds": 1, "steps": 60, "batch": 8,
        "metrics": ["level"], "samples": 8, "device": "cpu",
    }  # fmt: skip
    plan = make_plan(Study().with_values({**plain, **values}, "the test"), registry)
    execution = Execution(plan, registry, StudyFolder(folder / "small"), folder / "cache")
    execution.run()
    assert not execution.lifecycle.disabled
    return execution


def read(execution: Execution) -> EventAccumulator:
    """The events of the only run."""
    (run,) = execution.plan.runs
    events = EventAccumulator(str(execution.folder.path / "tensorboard" / run.id), size_guidance=EVERYTHING)
    return events.Reload()


def text(events: EventAccumulator, tag: str) -> str:
    return events.Tensors(f"{tag}/text_summary")[-1].tensor_proto.string_val[0].decode()


@pytest.fixture(scope="module")
def execution(tmp_path_factory: pytest.TempPathFactory) -> Execution:
    return executed(tmp_path_factory.mktemp("tensorboard"))


def test_curves_are_those_of_the_history_in_sensible_groups(execution: Execution) -> None:
    events = read(execution)
    (run,) = execution.folder.runs()
    history = pd.read_csv(run.path / "history.csv").set_index("step")
    tags = {tag for tag in events.Tags()["scalars"] if not tag.startswith("metrics/")}
    assert tags == {tag_of(name) for name in history.columns}
    for name in history.columns:
        logged = events.Scalars(tag_of(name))
        assert [event.step for event in logged] == [50, 60]
        np.testing.assert_allclose([event.value for event in logged], history[name], rtol=1e-6)
    wanted = {"terms/similarity", "terms/discriminator auc", "moves/decoder", "coefficients/decoder.similarity"}
    assert wanted | {"gradients/discriminator.discriminator"} <= tags


def test_metrics_are_those_over_all_attributes_at_the_last_step(execution: Execution) -> None:
    events = read(execution)
    assert [tag for tag in events.Tags()["scalars"] if tag.startswith("metrics/")] == ["metrics/level[all]"]
    ((step, value),) = ((event.step, event.value) for event in events.Scalars("metrics/level[all]"))
    assert (step, value) == (60, 0.25)


def test_images_are_shown_as_grids_of_what_the_run_keeps(execution: Execution) -> None:
    events = read(execution)
    assert set(events.Tags()["images"]) == {"images/samples", "images/originals", "images/reconstructions"}
    (shown,) = events.Images("images/samples")
    grid = np.asarray(Image.open(io.BytesIO(shown.encoded_image_string)))
    (run,) = execution.folder.runs()
    samples = run.images()["samples"]
    assert grid.shape[0] * grid.shape[1] >= len(samples) * 32 * 32
    assert np.array_equal(grid[:32, :32], samples[0])


def test_conditions_of_a_conditional_model_are_no_images(tmp_path: Path) -> None:
    events = read(executed(tmp_path, models=["vae[conditional=true]"], steps=2))
    assert set(events.Tags()["images"]) == {"images/samples", "images/originals", "images/reconstructions"}


def test_images_are_read_when_the_run_has_ended_as_they_may_come_from_another_machine(tmp_path: Path) -> None:
    logger, run = TensorBoardLogger(), tmp_path / "vae-s0"
    logger.study_started(tmp_path)
    logger.run_started(run.name, "vae", 7, 0)
    logger.run_evaluated(run.name, [{"metric": "level", "attribute": "", "value": 0.5}])
    run.mkdir()
    np.savez(run / "images-0a.npz", samples=np.zeros((2, 8, 8, 3), np.uint8))
    logger.run_ended(run.name, "ok")
    events = EventAccumulator(str(tmp_path / "tensorboard" / run.name), size_guidance=EVERYTHING).Reload()
    assert [event.step for event in events.Images("images/samples")] == [7]
    assert [event.step for event in events.Scalars("metrics/level")] == [7]


def test_texts_say_which_model_and_how_it_ended(execution: Execution) -> None:
    events = read(execution)
    assert text(events, "model") == "`vaegan`"
    assert text(events, "status") == "ok"


def test_a_run_that_is_trained_again_hides_its_last_training(tmp_path: Path) -> None:
    (run,) = executed(tmp_path, steps=3).folder.runs()
    (run.path / "run.json").unlink()
    again = executed(tmp_path, steps=3)
    assert [event.step for event in read(again).Scalars("terms/prior")] == [3]
    assert len(list((again.folder.path / "tensorboard").glob("*/events*"))) == 2


def test_a_run_that_is_only_measured_again_keeps_its_curves(tmp_path: Path) -> None:
    executed(tmp_path, steps=3)
    events = read(executed(tmp_path, steps=3, samples=6))
    assert [event.step for event in events.Scalars("terms/prior")] == [3]
    assert [event.step for event in events.Scalars("metrics/level[all]")] == [3, 3]


def test_a_run_that_goes_on_hides_what_it_logged_after_its_checkpoint(tmp_path: Path) -> None:
    logger = TensorBoardLogger()
    logger.study_started(tmp_path)
    for done in (0, 4):
        logger.run_started("vae-s0", "vae", 10, done)
        for step in range(done + 1, done + 7):
            logger.terms_logged("vae-s0", step, {"prior": 100.0 * done + step})
        logger.run_ended("vae-s0", "interrupted")
    events = EventAccumulator(str(tmp_path / "tensorboard" / "vae-s0"), EVERYTHING).Reload()
    values = [(event.step, event.value) for event in events.Scalars("terms/prior")]
    assert values == [*((step, step) for step in range(1, 5)), *((step, 400 + step) for step in range(5, 11))]


def test_grey_images_are_shown_too(tmp_path: Path) -> None:
    execution = executed(tmp_path, datasets=["blobs[channels=1]"], steps=2)
    assert "images/samples" in read(execution).Tags()["images"]


def test_files_are_closed_whatever_happens(tmp_path: Path) -> None:
    logger = TensorBoardLogger()
    logger.study_started(tmp_path)
    for run in ("diverged", "interrupted"):
        logger.run_started(run, "vae", 10, 0)
    logger.run_ended("diverged", "diverged at step 4")
    logger.run_ended("never started", "failed: no data")
    assert set(logger.writers) == {"interrupted"}
    logger.study_ended()
    assert not logger.writers
    assert not (tmp_path / "tensorboard" / "never started").exists()
