"""The planted mistakes of benchmarks/mutants can be planted: their texts are where they say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from mutants import CHECKOUT, Mutant, read_mutants

MUTANTS = read_mutants()


def test_there_are_hundreds() -> None:
    assert len(MUTANTS) > 400


@pytest.mark.parametrize("room", sorted({mutant.room for mutant in MUTANTS}))
def test_each_text_occurs_once_in_its_file(room: str) -> None:
    lost = [mutant.name for mutant in MUTANTS if mutant.room == room and not _can_be_planted(mutant)]
    assert lost == []


def _can_be_planted(mutant: Mutant) -> bool:
    return mutant.planted((CHECKOUT / mutant.file).read_text("utf-8")) is not None
