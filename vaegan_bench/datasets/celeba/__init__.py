"""CelebA: 202,599 aligned faces of celebrities with 40 binary attributes."""

from vaegan_bench.datasets.celeba.dataset import CelebA

__all__ = ["CelebA"]
