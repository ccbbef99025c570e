"""Labeled Faces in the Wild, with the attributes of Kumar et al. (2009)."""

from vaegan_bench.datasets.lfw.dataset import LFW

__all__ = ["LFW"]
