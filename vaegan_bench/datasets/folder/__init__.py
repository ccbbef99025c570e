"""Images of one's own: a folder, with tables of parts and attributes if there are any."""

from vaegan_bench.datasets.folder.dataset import Folder

__all__ = ["Folder"]
