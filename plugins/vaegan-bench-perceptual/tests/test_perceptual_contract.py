"""The package's plugins keep the contract of vaegan-bench."""

from __future__ import annotations

import pytest

from vaegan_bench.testing import Case, cases

PACKAGE = "vaegan_bench_perceptual"
CASES = [
    *cases(PACKAGE),
    *cases("features[pixels=gaussian-learned]", [PACKAGE]),
    *cases("perceptual[pixels=focal-frequency]", [PACKAGE]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_contract_is_kept(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEGAN_BENCH_OFFLINE", "1")
    case()
