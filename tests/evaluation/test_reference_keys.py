"""What is kept of real images is found again only by whoever has the same images, weights, parameters and code."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from counted import Weighted, made
from torch import Tensor

from vaegan_bench.api import Data, Features, PluginError
from vaegan_bench.evaluation.references import References
from vaegan_bench.testing import blobs

CPU = torch.device("cpu")


def mean(real: Features, times: float = 1.0) -> Mapping[str, Tensor]:
    made.append("mean")
    return {"value": times * real.features_NF.mean()}


def spread(real: Features, times: float = 1.0) -> Mapping[str, Tensor]:
    made.append("spread")
    return {"value": times * real.features_NF.std()}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    made.clear()
    path = tmp_path / "weights.txt"
    path.write_text("1.0 aaaa none")
    return path


def value(weights: Path, data: Data | None = None, n: int = 20, derive: object = mean, **parameters: float) -> float:
    """As another process would ask: nothing in memory."""
    references = References(data or blobs(), weights.parent / "cache", CPU)
    return float(references.reference(Weighted(file=str(weights)), n, derive, parameters)["value"])  # type: ignore[arg-type]


def test_the_same_is_made_once(weights: Path) -> None:
    assert value(weights) == value(weights)
    assert made == ["features", "mean"]


def test_other_weights_in_the_same_file_make_it_anew(weights: Path) -> None:
    before = value(weights)
    weights.write_text("3.0 bbbb none")
    assert value(weights) == pytest.approx(3 * before)
    assert made == ["features", "mean"] * 2


def test_another_way_of_preparing_images_makes_it_anew(weights: Path) -> None:
    value(weights)
    weights.write_text("2.0 aaaa bilinear")
    value(weights)
    assert made == ["features", "mean"] * 2


def test_other_images_make_it_anew_whatever_their_digest_says(weights: Path) -> None:
    before, other = value(weights), blobs()
    other.test.images_NCHW[3] = 255
    assert value(weights, other) != before
    turned = blobs()
    swapped = turned.test.images_NCHW.clone()
    swapped[0], swapped[1] = turned.test.images_NCHW[1], turned.test.images_NCHW[0]
    value(weights, replace(turned, test=replace(turned.test, images_NCHW=swapped)))
    assert made == ["features", "mean"] * 3


def test_the_number_of_images_the_parameters_and_the_function_are_told_apart(weights: Path) -> None:
    first = value(weights)
    assert value(weights, n=19) != first
    assert value(weights, times=2.0) == pytest.approx(2 * first)
    assert value(weights, derive=spread) != first
    assert value(weights) == first
    assert made == ["features", "mean", "features", "mean", "mean", "spread"]


@pytest.mark.parametrize(
    "derive",
    [lambda real: mean(real), partial(mean, times=2.0), Weighted(file="").open],
    ids=["lambda", "partial", "method"],
)
def test_a_function_that_may_hold_values_which_are_in_no_key_is_refused(weights: Path, derive: object) -> None:
    with pytest.raises(PluginError, match="hand it a module-level function"):
        value(weights, derive=derive)
    assert made == []


def test_training_images_are_not_taken_for_held_out_ones(weights: Path) -> None:
    references, extractor = References(blobs(), weights.parent / "cache", CPU), Weighted(file=str(weights))
    real, train = (references.features(extractor, source, 20).features_NF for source in ("real", "train"))  # type: ignore[arg-type]
    assert not torch.equal(real, train)
    torch.testing.assert_close(train, blobs().train.images_NCHW[:20].float().mean((2, 3)))


SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
import derived_here
from counted import Weighted
from vaegan_bench.evaluation.references import References
from vaegan_bench.testing import blobs
references = References(blobs(), Path(sys.argv[1]) / "cache", torch.device("cpu"))
found = references.reference(Weighted(file=sys.argv[1] + "/weights.txt"), 20, derived_here.largest, {})
print(float(found["value"]))
"""


def test_an_edit_of_the_function_makes_it_anew(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(weights.parent)

    def write(factor: int) -> None:
        code = f"def largest(real):\n    return {{'value': real.features_NF.max() * {factor}}}\n"
        (weights.parent / "derived_here.py").write_text(code)

    write(1)
    first = value(weights, derive=importlib.import_module("derived_here").largest)
    monkeypatch.delitem(sys.modules, "derived_here")
    write(10)
    command, here = [sys.executable, "-c", SCRIPT, str(weights.parent)], Path(inspect.getfile(Weighted)).parent
    found = subprocess.run(command, check=True, capture_output=True, text=True, cwd=here, timeout=120)
    assert float(found.stdout) == pytest.approx(10 * first)
