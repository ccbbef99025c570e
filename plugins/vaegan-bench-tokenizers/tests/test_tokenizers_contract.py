"""The package's plugins keep the contract of vaegan-bench."""

from __future__ import annotations

import pytest

from vaegan_bench.testing import Case, cases

PACKAGE = "vaegan_bench_tokenizers"
CASES = [
    *cases(PACKAGE),
    *cases("fsq[levels=8 6 5]", [PACKAGE]),
    *cases("vq-vae[quantiser=fsq]", [PACKAGE]),
    *cases("vqgan[quantiser=fsq[levels=8 8 8 5 5]]", [PACKAGE]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_contract_is_kept(case: Case) -> None:
    case()
