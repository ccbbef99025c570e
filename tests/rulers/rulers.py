"""Rulers that nobody measured."""

from __future__ import annotations

from typing import Any

from vaegan_bench.results.rulers import Mark, Ruler, Scale

PROTOCOL = {
    "extractor": "oracle", "weights": "15a04a1618cb", "resize": "none", "dtype": "float32", "n_real": 30, "n_fake": 40,
    "split": "test",
}  # fmt: skip


def mark(level: float, frechet: float, precision: float = 0.8) -> Mark:
    return Mark(level=level, frechet=frechet, kid=frechet / 100, precision=precision, recall=0.5)


def scale(name: str, unit: str, phrase: str, *marks: tuple[float, ...]) -> Scale:
    return Scale(name=name, unit=unit, phrase=phrase, marks=tuple(mark(*each) for each in marks))


def ruler(**changes: Any) -> Ruler:
    """Floor 2; a blur of 1, 2 and 4 pixels is at 8, 32 and 50; noise of 4, 16 and 64 is at 1.5, 6 and 54."""
    values: dict[str, Any] = {
        "dataset": "blobs 8×10",
        "data": "ab" * 32,
        "metric": "frechet[oracle]",
        "extractor": "oracle",
        "protocol": PROTOCOL,
        "floor": mark(0, 2.0, 0.9),
        "scales": (
            scale("blur", "px", "blur of {} px", (1, 8.0), (2, 32.0), (4, 50.0)),
            scale("noise", "of 255", "noise of {}", (4, 1.5), (16, 6.0), (64, 54.0)),
            scale("halves", "share", "swapped halves in a share of {}", (0.5, 4.0), (1, 7.0)),
        ),
    }
    return Ruler(**{**values, **changes})
