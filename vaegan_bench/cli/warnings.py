"""The format of warnings in the terminal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vaegan_bench.cli.terminal import say
from vaegan_bench.system.errors import CacheWarning, StudyWarning


@contextmanager
def own_warnings_in_one_line() -> Iterator[None]:
    """Within the context, show warnings of this package as one line on stderr, without our source; others as usual."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if category.__module__.startswith("vaegan_bench."):
            say(f"Warning: {message}", error=True)
        else:
            before(message, category, *place, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", StudyWarning)
        warnings.simplefilter("default", CacheWarning)
        warnings.showwarning = show
        yield
