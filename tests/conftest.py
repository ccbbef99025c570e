"""What tests share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import pytest
import torch
from small_studies import tables_alone

from vaegan_bench.datasets.avatars import drawing

torch.set_num_threads(1)  # small networks gain nothing from a second thread, and lose much on a busy machine

# Most tests have the same 240 faces, each of which takes ten milliseconds: each process draws them once.
for name in ("svg", "rasterise"):
    setattr(drawing, name, lru_cache(maxsize=1000)(getattr(drawing, name)))

LONGEST = (
    "test_conformance.py", "test_workers.py", "test_dask.py", "test_cli.py", "test_tutorial.py",
    "test_incomplete_runs.py", "test_calibration.py", "test_scaffold.py", "test_calibrate_command.py",
    "test_notebook.py", "test_results.py", "test_networks_in_the_browser.py", "test_plots.py",
    "test_reproduce_command.py", "test_weights.py", "test_inception.py", "test_samplers.py", "test_kills.py",
    "test_interrupted_training.py", "test_shared_study.py", "test_store.py", "test_terminal.py", "test_paths.py",
    "test_architecture.py", "test_optimizers.py", "test_reference_keys.py", "test_adaptive_weights.py",
    "test_changed_data.py",
)  # fmt: skip
"""The files that take long, the longest first.

The first two run at the same time: one of them starts many processes, and so the other starts few.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that none of them goes on alone at the end."""
    tests = Counter(item.path for item in items)

    def turn(item: pytest.Item) -> tuple[int, int]:
        place = LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
        return place, -tests[item.path]

    items.sort(key=turn)


@pytest.fixture(autouse=True)
def _global_randomness_is_left_alone() -> Iterator[None]:
    """Nothing in the package may draw from, or seed, torch's global generator."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state()), "the global random state was used"


@pytest.fixture(name="tables_alone")
def _tables_alone() -> Iterator[None]:
    with tables_alone():
        yield


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in float64: `.float()`, which guards against bfloat16, must not round what is compared."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
