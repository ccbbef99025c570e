"""One shape on a background, drawn from exact factors with several values each."""

from vaegan_bench.datasets.shapes.dataset import Shapes

__all__ = ["Shapes"]
