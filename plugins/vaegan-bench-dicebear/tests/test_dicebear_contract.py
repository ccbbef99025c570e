"""Every style of the data set keeps the contract of vaegan-bench, with few images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from vaegan_bench_dicebear.dataset import DiceBear
from vaegan_bench_dicebear.styles import STYLES

from vaegan_bench.testing import Case, cases

CHECKS = [case.check for case in cases("vaegan_bench_dicebear")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("style", STYLES)
def test_the_contract_is_kept(style: str, check: Callable[[Any], None]) -> None:
    Case(DiceBear(style=style, faces=24), check)()


def test_the_default_has_as_many_images_as_avatars() -> None:
    assert (DiceBear().faces, DiceBear().faces // 6) == (12_000, 2_000)
