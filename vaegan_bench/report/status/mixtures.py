"""Runs of one study that were trained on different images, or measured through different weights of an extractor."""

from __future__ import annotations

from collections.abc import Sequence

from vaegan_bench.report.status.run_status import RunStatus

Contents = dict[str, list[RunStatus]]
"""Digest of images or weights → the runs that used them."""
LISTED = 3
"""Runs that a note names, at most."""


def mixtures(runs: Sequence[RunStatus]) -> list[str]:
    """A note for each data set and extractor whose contents were not the same for all runs.

    The contents that are available now are known only after they are loaded, which takes long and may write to the
    cache.
    """
    images: dict[str, Contents] = {}
    weights: dict[str, Contents] = {}
    for run in (run for run in runs if run.trained):
        dataset, digest = _data_of(run)
        images.setdefault(dataset, {}).setdefault(digest, []).append(run)
        for extractor, content in _weights_of(run).items():
            weights.setdefault(f"{extractor} {digest}", {}).setdefault(content, []).append(run)
    images_of = [_note(f"trained on other images of {dataset}", found) for dataset, found in images.items()]
    weights_of = [
        _note(f"measured through other weights of {extractor.rpartition(' ')[0]}", found)
        for extractor, found in weights.items()
    ]
    return [note for note in (*images_of, *weights_of) if note]


def _data_of(run: RunStatus) -> tuple[str, str]:
    """The part of a data set that a run was trained on, and the digest of its images."""
    assert run.trained is not None
    record = run.trained.record
    validation = " without a validation part" if record.definition.split == "validation" else ""
    return record.dataset + validation, record.data


def _weights_of(run: RunStatus) -> dict[str, str]:
    measured = run.trained.measured.values() if run.trained else ()
    return {extractor: content for each in measured for extractor, content in each["weights"].items()}


def _note(what: str, found: Contents) -> str:
    """A note on the runs that used other contents than the newest run; '' where all used the same."""
    if len(found) < 2:
        return ""
    newest = max((run for runs in found.values() for run in runs), key=_when)
    others = [run.run for runs in found.values() if newest not in runs for run in runs]
    listed = ", ".join(others[:LISTED]) + (f" and {len(others) - LISTED} more" if len(others) > LISTED else "")
    was, again = "were" if len(others) > 1 else "was", "trains" if what.startswith("trained") else "measures"
    return (
        f"{listed} {was} {what} than {newest.run}: `vaegan-bench run` {again} again what differs from the contents on "
        "its machine."
    )


def _when(run: RunStatus) -> str:
    return run.trained.record.finished if run.trained else ""
