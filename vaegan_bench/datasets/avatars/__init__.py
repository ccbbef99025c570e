"""Faces drawn from vector artwork, with exact attributes: the data set that needs no download.

The plugin is imported when asked for, so that worker processes that only draw never load torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaegan_bench.datasets.avatars.dataset import Avatars

__all__ = ["Avatars"]


def __getattr__(name: str) -> object:
    if name != "Avatars":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vaegan_bench.datasets.avatars.dataset import Avatars

    return Avatars
