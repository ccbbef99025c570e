"""The user's own images: a folder, with optional tables of parts and attributes."""

from vaegan_bench.datasets.folder.dataset import Folder

__all__ = ["Folder"]
