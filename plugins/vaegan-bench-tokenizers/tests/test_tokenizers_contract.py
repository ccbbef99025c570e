"""The package's plugins keep the contract of vaegan-bench."""

from __future__ import annotations

import pytest

from vaegan_bench.testing import Case, cases


@pytest.mark.parametrize("case", cases("vaegan_bench_tokenizers"), ids=str)
def test_the_contract_is_kept(case: Case) -> None:
    case()
