"""Every built-in plugin keeps the contract, and plugins that break it are told how, each in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from shell import bench
from torch import Tensor, nn
from wrong_plugins import WRONG

from vaegan_bench.api import (
    ImageShape,
    Networks,
    Plugin,
    PluginError,
    Prediction,
    ReconstructionLoss,
    UnknownNameError,
    refuse_conditions,
)
from vaegan_bench.cli.options import extractor_fields, given_fields
from vaegan_bench.losses.reconstruction.gaussian_learned import GaussianLearned
from vaegan_bench.losses.reconstruction.gaussian_predicted import GaussianPredicted
from vaegan_bench.registry.plugins import Registry
from vaegan_bench.registry.selectors import parse_selector
from vaegan_bench.testing import NETWORKS, Case, ConformanceError, cases
from vaegan_bench.testing.cases import checks_of
from vaegan_bench.testing.scaffold import write_plugin


@pytest.fixture(autouse=True)
def _fetch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEGAN_BENCH_OFFLINE", "1")


SHORTENED = (
    "avatars[faces=600]", "shapes[images=600]", "oracle[images=1280]", "regressor[images=1280]",
    "native[labelled=oracle[images=1280]]",
)  # fmt: skip
"""What draws or trains for minutes by default, and keeps the contract with fewer images as well."""
NAMES = [parse_selector(selector).name for selector in SHORTENED]
BUILT_IN = [case for case in cases("built-in") if case.plugin.name not in NAMES]
BUILT_IN += [case for selector in SHORTENED for case in cases(selector)]


@pytest.mark.parametrize("case", BUILT_IN, ids=str)
def test_the_built_in_plugins_keep_the_contract(case: Case) -> None:
    case()


@pytest.mark.parametrize(("plugin", "sentence"), WRONG, ids=lambda value: getattr(value, "name", ""))
def test_a_wrong_plugin_is_told_what_to_change(plugin: Plugin, sentence: str) -> None:
    said = []
    for check in checks_of(plugin):
        try:
            Case(plugin, check)()
        except ConformanceError as error:
            said.append(str(error))
    assert said
    assert sentence in said[0], said  # the cause before its consequences
    assert all("\n" not in words for words in said)
    assert all(plugin.name in words for words in said)


@dataclass(frozen=True, kw_only=True)
class Surrogate(ReconstructionLoss):
    """The squared error with half of its gradient."""

    name = "surrogate"
    surrogate = True

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        error = prediction.mean - target
        return (error * error.detach()).flatten(1).sum(1)


@dataclass(frozen=True, kw_only=True)
class Twice(ReconstructionLoss):
    """Another loss, twice."""

    name = "twice"
    pixels_only = True
    pixels: ReconstructionLoss = GaussianLearned()

    def __call__(self, prediction: Prediction, target: Tensor) -> Tensor:
        return 2 * self.pixels(prediction, target)


@pytest.mark.parametrize("loss", [Twice(), Twice(pixels=GaussianPredicted()), Twice(pixels=Surrogate())], ids=str)
def test_a_loss_may_hand_what_it_is_given_to_a_loss_in_its_fields(loss: ReconstructionLoss) -> None:
    for check in checks_of(loss):
        Case(loss, check)()


class WithAStem(nn.Module):
    """A network behind a convolution that is not trained."""

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.network, self.stem = network, nn.Conv2d(channels, channels, 3, padding=1).requires_grad_(False)

    def forward(self, x_BCHW: Tensor) -> Any:
        return self.network(self.stem(x_BCHW))


@dataclass(frozen=True, kw_only=True)
class FrozenStem(Networks):
    """Small networks whose encoder begins with a frozen layer."""

    name = "frozen-stem"
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        network = NETWORKS.build(role, shape, heads)
        return WithAStem(network, shape.channels) if role == "encoder" else network


def test_networks_may_have_frozen_weights() -> None:
    for check in checks_of(FrozenStem()):
        Case(FrozenStem(), check)()


@dataclass(frozen=True, kw_only=True)
class For128Pixels(Networks):
    """Small networks that take grey images of 128 pixels only."""

    name = "for-128-pixels"
    latent: int = 6

    def build(self, role: str, shape: ImageShape, heads: int = 1, conditions: int = 0) -> nn.Module:
        refuse_conditions(self, conditions)
        if shape != (1, 128, 128):
            raise PluginError("for-128-pixels takes grey images of 128 pixels")
        return NETWORKS.build(role, shape, heads)


def test_networks_may_take_images_of_another_size_only() -> None:
    for check in checks_of(For128Pixels()):
        Case(For128Pixels(), check)()


def test_there_are_many_wrong_plugins_of_every_kind() -> None:
    assert len(WRONG) >= 15
    assert len({plugin.kind for plugin, _ in WRONG}) >= 9


def test_an_extractor_goes_to_the_metrics_that_declare_a_field_for_it() -> None:
    registry, with_classes = Registry(), {"feature-distance", "frechet", "inception-score", "kid"}
    with_classes |= {"memorisation", "precision-recall", "reconstruction-frechet", "fitted-frechet", "interpolation"}
    for extractor, metrics in {"inception": with_classes, "vgg16": with_classes - {"inception-score"}}.items():
        assert extractor_fields(registry, extractor) == {key: {"extractor": extractor} for key in metrics}
    other = given_fields(registry, "vgg16", ["interpolation[pairs=8]", "kid[extractor=oracle]"])
    assert other["interpolation"] == {"extractor": "vgg16", "pairs": "8"}
    assert (other["kid"], other["frechet"]) == ({"extractor": "oracle"}, {"extractor": "vgg16"})


def test_a_target_is_a_name_a_selector_a_package_a_file_or_all(tmp_path: Path) -> None:
    assert {str(case.plugin) for case in cases("kl")} == {"kl"}
    assert {str(case.plugin) for case in cases("kl[free_bits=3]")} == {"kl[free_bits=3.0]"}
    assert {case.plugin.kind for case in cases("gaussian[sigma=2]")} == {"reconstruction loss"}
    everything = {entry.plugin.name for entry in Registry().entries.values()}
    assert {case.plugin.name for case in cases("all")} == everything
    with pytest.raises(UnknownNameError, match="Did you mean 'hinge'"):
        cases("hinje")
    with pytest.raises(UnknownNameError, match="Did you mean 'hinge'"):
        cases("hinje[weight=3]")
    with pytest.raises(UnknownNameError, match="Did you mean 'free_bits'"):
        cases("kl[fre_bits=3]")
    with pytest.raises(PluginError, match=r"is a folder: .* pip install -e"):
        cases(tmp_path)


def test_a_target_is_a_module_though_its_folder_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    source, _ = write_plugin("loss", "odd_loss", tmp_path, package=False)
    for package in ("one_package", "other_package"):
        (tmp_path / package).mkdir()
    (tmp_path / "one_package" / "__init__.py").write_text("from one_package.losses import vaegan_bench_plugins\n")
    source.rename(tmp_path / "one_package" / "losses.py")
    for target in ("one_package", "one_package.losses"):
        assert {case.plugin.name for case in cases(target)} == {"odd-loss"}
    with pytest.raises(PluginError, match="other_package is a folder"):
        cases("other_package")
    with pytest.raises(PluginError, match=r"no module of that name can be imported: .*No module named 'one_package.x'"):
        cases("one_package.x")


def test_a_module_without_plugins_has_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "listener.py").write_text(
        "from vaegan_bench.api import hookimpl\n\n@hookimpl\ndef study_ended(name: str) -> None:\n    pass\n"
    )
    done = bench("check", "listener.py", cwd=tmp_path)
    assert done.stdout == "listener.py brings no plugins, only hooks or studies: there is nothing to check.\n"
    assert done.returncode == 0
