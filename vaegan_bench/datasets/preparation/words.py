"""The files that are not used and the reasons, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from vaegan_bench.system.errors import one_line

NAMED = 5
"""How many images and suffixes are named."""


def describe_left_out(reasons: Mapping[str, str]) -> Iterator[str]:
    """How many images cannot be read or are not to be used, and why; nothing where there are none."""
    if reasons:
        named = [f"{name} ({reason})" for name, reason in list(reasons.items())[:NAMED]]
        more = len(reasons) - len(named)
        yield f"{len(reasons)} left out: {', '.join(named)}{f' and {more} more' if more else ''}"


def describe_ignored(names: Iterable[str]) -> Iterator[str]:
    """How many files are no images by their names, with their suffixes; nothing where there are none."""
    kinds = Counter(PurePosixPath(one_line(name)).suffix.lower() or "without a suffix" for name in names)
    if kinds:
        named = [f"{count} {kind}" for kind, count in kinds.most_common(NAMED)]
        yield f"{kinds.total()} other file{'s' if kinds.total() > 1 else ''} ignored ({', '.join(named)})"
